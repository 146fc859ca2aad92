import { readFileSync } from 'node:fs';
import type { EmbeddedPostgres } from '../src/database/embedded/embedded-postgres.js';
import { filledDatabase } from './filled-database.js';
import { CONTEXT, flagOf, headersOf, insertFlags, insertKeys } from './filled-features.js';
import type { Figure } from './figure.js';
import { asSuperuser } from './people.js';
import { serve, tenonEnv } from './server.js';

const FLAGS = 1_000;
const ORGANIZATIONS = 100_000;
const WITH_OVERRIDES = 5_000;
const OVERRIDES = 5;
const LIMIT_MB = 300;
const AT_ONCE = 32;

/**
 * What a server takes in memory that has evaluated features for 100,000 organizations, each by a key of its own: one flag,
 * and all of them for those with overrides, so that these are in memory as answers, too.
 */
export async function featureMemoryBench(postgres: EmbeddedPostgres): Promise<Figure[]> {
  const database = await filledDatabase(postgres, 'bench_feature_memory', {
    people: 1_000,
    organizations: ORGANIZATIONS,
    tenants: 1,
    members: 10,
    invitations: 0,
    entries: 0,
  });
  const client = await asSuperuser(database);
  // No trigger and no foreign key is checked.
  await client.query('set session_replication_role = replica; set synchronous_commit = off');
  await insertFlags(client, FLAGS);
  const { rows } = await client.query<{ id: string }>('select id from organizations order by id');
  const ids = rows.map(({ id }) => id);
  const keys = await insertKeys(client, ids);
  await client.query(
    `insert into organization_feature_settings (organization_id, id, feature_key, value, reason, created_at, updated_at)
       select o, uuidv7(), ($2::text[])[1 + (n * 7 + k) % ${FLAGS}], 'true', 'Agreed with sales, ticket ' || n, now(), now()
         from unnest($1::uuid[]) with ordinality as a (o, n), generate_series(1, ${OVERRIDES}) k`,
    [ids.slice(0, WITH_OVERRIDES), Array.from({ length: FLAGS }, (_, index) => flagOf(index))],
  );
  await client.query('vacuum (analyze)');
  await client.end();

  const tenon = await serve('src/main', [], { ...tenonEnv(database), RATE_LIMITS: 'off' }, '/health');
  const body = JSON.stringify({ context: CONTEXT });
  const ask = async (index: number): Promise<void> => {
    const url = `${tenon.url}/ofrep/v1/evaluate/flags${index < WITH_OVERRIDES ? '' : `/${flagOf(index % FLAGS)}`}`;
    const answer = await fetch(url, { method: 'POST', headers: headersOf(keys[index]!), body });
    const text = await answer.text();
    if (answer.status !== 200) throw new Error(`${url}: ${answer.status} ${text}`);
  };
  const before = residentMb(tenon.process.pid!);
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < ORGANIZATIONS) await ask(next++);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  const after = residentMb(tenon.process.pid!);
  await tenon.stop();
  await database.drop();
  return [
    { name: `memory with ${FLAGS} flags, nobody has asked`, figure: before, limit: LIMIT_MB, unit: 'MB' },
    {
      name: `memory with ${FLAGS} flags, 100,000 organizations have asked`,
      figure: after,
      limit: LIMIT_MB,
      unit: 'MB',
      atMost: 1,
    },
  ];
}

/** What the kernel counts as resident; only Linux tells it this way. */
function residentMb(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024;
}
