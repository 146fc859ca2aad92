import type { EmbeddedPostgres } from '../src/database/embedded/embedded-postgres.js';
import { filledDatabase } from './filled-database.js';
import { inTurn, load } from './load.js';
import type { Figure } from './figure.js';
import { PASSWORD } from './people.js';
import { serve, signIn, tenonEnv } from './server.js';

const CONNECTIONS = 64;
const SECONDS = 2;
const ROUNDS = 5;

/**
 * A route that needs a permission of the organization in its path, against the same route in the same application with
 * an empty guard, in a bare application, and against one that needs a valid token only. While permissions are checked no
 * statement reaches the database.
 */
export async function permissionBench(postgres: EmbeddedPostgres): Promise<Figure[]> {
  const database = await filledDatabase(postgres, 'bench_permission', {
    people: 100,
    organizations: 100,
    tenants: 1,
    members: 10,
    invitations: 0,
    entries: 0,
  });
  const { organizationId, email } = database.tenants[0]!;
  const route = `/api/v1/organizations/${organizationId}/bench`;
  const env = { ...tenonEnv(database), RATE_LIMITS: 'off' };
  const tenon = await serve('bench/permission-routes', ['guarded'], env, '/health');
  const empty = await serve('bench/permission-routes', ['empty'], env, '/health');
  const bare = await serve('bench/permission-routes', ['bare'], env, route);
  const { accessToken } = await signIn(tenon.url, email, PASSWORD);
  const headers = { authorization: `Bearer ${accessToken}` };
  const shape = { connections: CONNECTIONS, seconds: SECONDS, headers };

  const before = await statementsOf(tenon.url);
  // The first check reads the database, which also shows that statements are seen.
  await fetch(tenon.url + route, { headers });
  if ((await statementsOf(tenon.url)) === before) throw new Error('the first check has asked the database nothing');

  let checked = 0;
  let statements = 0;
  const rate = async (url: string): Promise<number> => (await load({ ...shape, url })).perSecond;
  const figures = await inTurn(ROUNDS, {
    member: async () => {
      const begun = await statementsOf(tenon.url);
      const perSecond = await rate(tenon.url + route);
      statements += (await statementsOf(tenon.url)) - begun;
      checked += perSecond * SECONDS;
      return perSecond;
    },
    session: () => rate(`${tenon.url}/api/v1/sessions-only/${organizationId}/bench`),
    empty: () => rate(empty.url + route),
    bare: () => rate(bare.url + route),
  });
  await Promise.all([tenon.stop(), empty.stop(), bare.stop()]);
  await database.drop();
  return [
    {
      name: 'a route that needs a permission : behind an empty guard',
      figure: figures.member,
      limit: figures.empty,
      unit: 'requests/s',
      atLeast: 0.75,
    },
    {
      name: 'a route that needs a permission : in a bare application',
      figure: figures.member,
      limit: figures.bare,
      unit: 'requests/s',
      atLeast: 0.5,
    },
    {
      name: 'a route that needs a permission : one that needs a valid token',
      figure: figures.member,
      limit: figures.session,
      unit: 'requests/s',
      atLeast: 0.85,
    },
    {
      name: 'statements in the database : permissions checked',
      figure: statements,
      limit: checked,
      unit: 'statements',
      atMost: 0,
    },
  ];
}

async function statementsOf(url: string): Promise<number> {
  return ((await (await fetch(`${url}/statements`)).json()) as { statements: number }).statements;
}
