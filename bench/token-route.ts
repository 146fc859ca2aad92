import type { EmbeddedPostgres } from '../src/database/embedded/embedded-postgres.js';
import { load, median } from './load.js';
import type { Figure } from './figure.js';
import { ADMIN, serve, signIn, tenonEnv } from './server.js';

const CONNECTIONS = 64;
const SECONDS = 4;
const ROUNDS = 3;

/** A route that needs a valid token and nothing else, against the same route in the same application without guards. */
export async function tokenRouteBench(postgres: EmbeddedPostgres): Promise<Figure[]> {
  const env = { ...tenonEnv(postgres), RATE_LIMITS: 'off' };
  const guarded = await serve('bench/token-routes', ['guarded'], env, '/health');
  const bare = await serve('bench/token-routes', ['bare'], env, '/bench');
  const { accessToken } = await signIn(guarded.url, ADMIN.email, ADMIN.password);
  const headers = { authorization: `Bearer ${accessToken}` };
  const figures = { guarded: [] as number[], bare: [] as number[] };
  for (let round = 0; round < ROUNDS; round += 1) {
    const shape = { connections: CONNECTIONS, seconds: SECONDS, headers };
    figures.guarded.push((await load({ ...shape, url: `${guarded.url}/bench` })).perSecond);
    figures.bare.push((await load({ ...shape, url: `${bare.url}/bench` })).perSecond);
  }
  await Promise.all([guarded.stop(), bare.stop()]);
  return [
    {
      name: 'a route that needs a valid token : without any guard',
      figure: median(figures.guarded),
      limit: median(figures.bare),
      unit: 'requests/s',
      atLeast: 0.6,
    },
  ];
}
