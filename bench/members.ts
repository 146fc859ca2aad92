import type { EmbeddedPostgres } from '../src/database/embedded/embedded-postgres.js';
import { filledDatabase } from './filled-database.js';
import { inTurn, load } from './load.js';
import type { Figure } from './figure.js';
import { PASSWORD } from './people.js';
import { serve, signIn, tenonEnv } from './server.js';

const MEMBERS = 100_000;
const PER_PAGE = 50;
const CONNECTIONS = 32;
const SECONDS = 3;
const ROUNDS = 4;

/** The first and the last page of 100,000 members, each against its statements on bare Fastify and `pg`. */
export async function membersBench(postgres: EmbeddedPostgres): Promise<Figure[]> {
  const database = await filledDatabase(postgres, 'bench_members', {
    people: MEMBERS,
    organizations: 1_000,
    tenants: 1,
    members: MEMBERS,
    invitations: 0,
    entries: 0,
  });
  const { organizationId, email } = database.tenants[0]!;
  const tenon = await serve('src/main', [], { ...tenonEnv(database), RATE_LIMITS: 'off' }, '/health');
  const bare = await serve('bench/bare-members', [database.appUrl, organizationId, String(MEMBERS)], {}, '/health');
  const { accessToken } = await signIn(tenon.url, email, PASSWORD);
  const headers = { authorization: `Bearer ${accessToken}` };
  const list = `${tenon.url}/api/v1/organizations/${organizationId}/members?perPage=${PER_PAGE}`;
  const rate = async (url: string): Promise<number> =>
    (await load({ url, headers, connections: CONNECTIONS, seconds: SECONDS })).perSecond;
  const figures = await inTurn(ROUNDS, {
    first: () => rate(`${list}&page=1`),
    last: () => rate(`${list}&page=${MEMBERS / PER_PAGE}`),
    bareFirst: () => rate(`${bare.url}/first`),
    bareLast: () => rate(`${bare.url}/last`),
  });
  await Promise.all([tenon.stop(), bare.stop()]);
  await database.drop();
  return [
    {
      name: 'first page of 100,000 members : its statements, bare',
      figure: figures.first,
      limit: figures.bareFirst,
      unit: 'requests/s',
      atLeast: 0.5,
    },
    {
      name: 'last page of 100,000 members : its statements, bare',
      figure: figures.last,
      limit: figures.bareLast,
      unit: 'requests/s',
      atLeast: 0.5,
    },
    {
      name: 'last page of 100,000 members : the first',
      figure: figures.last,
      limit: figures.first,
      unit: 'requests/s',
      atLeast: 0.8,
    },
  ];
}
