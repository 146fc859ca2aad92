import type { EmbeddedPostgres } from '../src/database/embedded/embedded-postgres.js';
import { load, median } from './load.js';
import type { Figure } from './figure.js';
import { superuserUrl } from './people.js';
import { ADMIN, serve, signIn, tenonEnv } from './server.js';

const CONNECTIONS = 32;
const SECONDS = 4;
const ROUNDS = 3;

/** `GET /users/me` with everything on, against bare Fastify and `pg`. */
export async function usersMeBench(postgres: EmbeddedPostgres): Promise<Figure[]> {
  const tenon = await serve('src/main', [], { ...tenonEnv(postgres), RATE_LIMITS: 'off' }, '/health');
  const { accessToken } = await signIn(tenon.url, ADMIN.email, ADMIN.password);
  const { id } = (await (
    await fetch(`${tenon.url}/api/v1/users/me`, { headers: { authorization: `Bearer ${accessToken}` } })
  ).json()) as { id: string };
  // As superuser: a select without tenant context finds nothing otherwise.
  const bare = await serve('bench/bare-fastify', [postgres.appUrl, superuserUrl(postgres), id], {}, '/health');
  const figures = { tenon: [] as number[], own: [] as number[], select: [] as number[] };
  for (let round = 0; round < ROUNDS; round += 1) {
    const shape = { connections: CONNECTIONS, seconds: SECONDS };
    figures.tenon.push(
      (
        await load({
          ...shape,
          url: `${tenon.url}/api/v1/users/me`,
          headers: { authorization: `Bearer ${accessToken}` },
        })
      ).perSecond,
    );
    figures.own.push((await load({ ...shape, url: `${bare.url}/own` })).perSecond);
    figures.select.push((await load({ ...shape, url: `${bare.url}/select` })).perSecond);
  }
  await Promise.all([tenon.stop(), bare.stop()]);
  const figure = median(figures.tenon);
  return [
    {
      name: 'GET /users/me : its statement on bare Fastify and pg',
      figure,
      limit: median(figures.own),
      unit: 'requests/s',
      atLeast: 0.5,
    },
    {
      name: 'GET /users/me : a select past row security, the same way',
      figure,
      limit: median(figures.select),
      unit: 'requests/s',
    },
  ];
}
