import type { EmbeddedPostgres } from '../src/database/embedded/embedded-postgres.js';
import type { Figure } from './figure.js';
import { filledDatabase } from './filled-database.js';
import { CONTEXT, flagOf, headersOf, insertFlags, insertKeys } from './filled-features.js';
import { inTurn, load, type LoadOptions, type Request } from './load.js';
import { asSuperuser } from './people.js';
import { serve, type Served, tenonEnv } from './server.js';

const FLAGS = 203;
const CONNECTIONS = 32;
const SECONDS = 2;
const ROUNDS = 7;
/** More than a connection asks for in a round. */
const USERS_OF_CONNECTION = 500;

/**
 * What counting usage costs: Tenon against itself without it, by answers in a second of its CPU, since rates of two
 * processes that follow each other say more about the machine. One flag, and 203 at once: each for another user, and 203 of
 * an answer that is kept. Both are far beyond 20,000 evaluations in a second of CPU for answers with all flags, and one is
 * what an evaluation costs that a client asks for by itself.
 */
export async function usageBench(postgres: EmbeddedPostgres): Promise<Figure[]> {
  const database = await filledDatabase(postgres, 'bench_usage', {
    people: 10,
    organizations: 10,
    tenants: 1,
    members: 2,
    invitations: 0,
    entries: 0,
  });
  const client = await asSuperuser(database);
  await insertFlags(client, FLAGS);
  const [key] = await insertKeys(client, [database.tenants[0]!.organizationId]);
  await client.end();
  const env = { ...tenonEnv(database), RATE_LIMITS: 'off' };
  const counted = await serve('../src/main.js', [], env, '/health');
  const uncounted = await serve('./uncounted.js', [], env, '/health');
  const headers = headersOf(key!);
  let users = 0;
  const asNewUser = (): Request => {
    const context = { ...CONTEXT, targetingKey: `user-${(users += 1)}` };
    return { method: 'POST', headers, body: JSON.stringify({ context }) };
  };
  const turns = (): Request[] => Array.from({ length: USERS_OF_CONNECTION }, asNewUser);
  const shape = { method: 'POST', connections: CONNECTIONS, seconds: SECONDS, headers } as const;
  const all = '/ofrep/v1/evaluate/flags';
  const body = JSON.stringify({ context: CONTEXT });
  const measures = {
    one: (of: Served) => perCpuSecond(of, { ...shape, url: `${of.url}${all}/${flagOf(100)}`, turns }),
    all: (of: Served) => perCpuSecond(of, { ...shape, url: of.url + all, turns }),
    kept: (of: Served) => perCpuSecond(of, { ...shape, url: of.url + all, body }),
  };
  const figures = await inTurn(ROUNDS, {
    one: () => measures.one(counted),
    bareOne: () => measures.one(uncounted),
    all: () => measures.all(counted),
    bareAll: () => measures.all(uncounted),
    kept: () => measures.kept(counted),
    bareKept: () => measures.kept(uncounted),
  });
  await Promise.all([counted.stop(), uncounted.stop()]);
  await database.drop();
  const bar = { unit: 'per s of CPU', atLeast: 0.95 };
  return [
    { name: 'one flag by OFREP, counted : not counted', figure: figures.one, limit: figures.bareOne, ...bar },
    {
      name: `${FLAGS} flags, each for another user, counted : not`,
      figure: figures.all,
      limit: figures.bareAll,
      ...bar,
    },
    { name: `${FLAGS} flags, kept, counted : not`, figure: figures.kept, limit: figures.bareKept, ...bar },
  ];
}

/** Answers in a second of the CPU of the process that gives them. */
async function perCpuSecond(of: Served, options: LoadOptions): Promise<number> {
  const before = await cpuSeconds(of);
  const { perSecond } = await load(options);
  return (perSecond * SECONDS) / ((await cpuSeconds(of)) - before);
}

async function cpuSeconds({ url }: Served): Promise<number> {
  const metrics = await (await fetch(`${url}/metrics`)).text();
  return Number(/^process_cpu_seconds_total (\S+)/m.exec(metrics)![1]);
}
