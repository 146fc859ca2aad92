import type { EmbeddedPostgres } from '../src/database/embedded/embedded-postgres.js';
import { filledDatabase, type Tenant } from './filled-database.js';
import { load, type Request } from './load.js';
import type { Figure } from './figure.js';
import { PASSWORD } from './people.js';
import { ADMIN, serve, signIn, tenonEnv } from './server.js';

const FEW = 1_000;
const MANY = 1_000_000;
/** What is measured is the same in both: 50 organizations of this size, asked in turn. */
const MEASURED = { tenants: 50, members: 200, invitations: 30, entries: 100 };
/** Little enough that answers wait for the database and not for each other. */
const CONNECTIONS = 2;
const SECONDS = 1;
const ROUNDS = 7;

/** Somebody who asks, and about what. */
interface Caller extends Tenant {
  path: string;
  headers: Record<string, string>;
  adminHeaders: Record<string, string>;
}

const JSON_BODY = { 'content-type': 'application/json' };
const get = (path: string, { headers }: { headers: Record<string, string> }): Request => ({
  method: 'GET',
  path,
  headers,
});

/** @param lap tells the requests of one caller apart. */
type Call = (caller: Caller, lap: string) => Request;

const CALLS: Record<string, Call> = {
  'permission check': (caller) => get(`${caller.path}/bench`, caller),
  // Who is no member is never kept in memory: the check reads the database, twice.
  'permission check, not from memory': ({ path, adminHeaders }) => get(`${path}/bench`, { headers: adminHeaders }),
  'GET organization': (caller) => get(caller.path, caller),
  'GET my organizations': (caller) => get('/api/v1/organizations', caller),
  'GET members': (caller) => get(`${caller.path}/members`, caller),
  'GET invitations': (caller) => get(`${caller.path}/invitations`, caller),
  'GET audit-log': (caller) => get(`${caller.path}/audit-log`, caller),
  // Another value each time: what changes nothing is not written.
  'PATCH settings': ({ path, headers }, lap) => ({
    method: 'PATCH',
    path: `${path}/settings`,
    headers: { ...headers, ...JSON_BODY },
    body: JSON.stringify({ custom: { lap } }),
  }),
  login: ({ email }) => ({
    method: 'POST',
    path: '/api/v1/auth/login',
    headers: JSON_BODY,
    body: JSON.stringify({ email, password: PASSWORD }),
  }),
};

/** The same calls with a thousand and with a million organizations in the database: the middle of their times. */
export async function tenantsBench(postgres: EmbeddedPostgres): Promise<Figure[]> {
  const few = await installation(postgres, 'bench_few', FEW);
  const many = await installation(postgres, 'bench_many', MANY);
  const figures: Figure[] = [];
  for (const [name, call] of Object.entries(CALLS)) {
    // Memory and pools are filled first.
    await few.p50(call);
    await many.p50(call);
    const rounds: { few: number; many: number }[] = [];
    for (let round = 0; round < ROUNDS; round += 1)
      if (round % 2 === 0) rounds.push({ few: await few.p50(call), many: await many.p50(call) });
      else rounds.push({ many: await many.p50(call), few: await few.p50(call) });
    // The middle round and not the middle of each: what disturbs one round disturbs both of its times.
    rounds.sort((one, other) => one.many / one.few - other.many / other.few);
    const middle = rounds[Math.floor(ROUNDS / 2)]!;
    figures.push({
      name: `${name}, 1,000,000 organizations : 1,000`,
      figure: middle.many,
      limit: middle.few,
      unit: 'ms',
      atMost: 1.3,
    });
  }
  await few.remove();
  await many.remove();
  return figures;
}

async function installation(
  postgres: EmbeddedPostgres,
  name: string,
  organizations: number,
): Promise<{ p50(call: Call): Promise<number>; remove(): Promise<void> }> {
  const database = await filledDatabase(postgres, name, { people: organizations, organizations, ...MEASURED });
  const served = await serve(
    './permission-routes.js',
    ['guarded'],
    { ...tenonEnv(database), RATE_LIMITS: 'off' },
    '/health',
  );
  const bearer = async (email: string, password: string): Promise<Record<string, string>> => ({
    authorization: `Bearer ${(await signIn(served.url, email, password)).accessToken}`,
  });
  const adminHeaders = await bearer(ADMIN.email, ADMIN.password);
  const callers: Caller[] = [];
  for (const tenant of database.tenants)
    callers.push({
      ...tenant,
      path: `/api/v1/organizations/${tenant.organizationId}`,
      headers: await bearer(tenant.email, PASSWORD),
      adminHeaders,
    });
  return {
    p50: async (call) => {
      // Each connection begins somewhere else, so that no two write the same row at once.
      const turns = (connection: number): Request[] => {
        const first = Math.floor((connection * callers.length) / CONNECTIONS);
        const order = [...callers.slice(first), ...callers.slice(0, first)];
        return ['a', 'b'].flatMap((lap) => order.map((caller) => call(caller, lap + connection)));
      };
      return (await load({ url: served.url, connections: CONNECTIONS, seconds: SECONDS, turns })).p50;
    },
    remove: async () => {
      await served.stop();
      await database.drop();
    },
  };
}
