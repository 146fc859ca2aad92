import type { EmbeddedPostgres } from '../src/database/embedded/embedded-postgres.js';
import type { Figure } from './figure.js';
import { type FilledDatabase, filledDatabase } from './filled-database.js';
import { inTurn, load } from './load.js';
import { asSuperuser } from './people.js';
import { ADMIN, serve, type Served, signIn, tenonEnv } from './server.js';

const FEW = 1_000;
const MANY = 1_000_000;
/** In both: 50 changes and more of each. */
const FEATURES = 20;
const CONNECTIONS = 4;
const SECONDS = 3;
const ROUNDS = 4;

/** A configuration with two rules; `%s` is a percentage. */
const STATE = JSON.stringify({
  enabled: true,
  rules: [
    { name: 'Pilot', when: [{ attribute: 'country', operator: 'in', values: ['DE'] }], value: true },
    { name: 'Rest', when: [], rollout: { by: 'targetingKey', percentage: 0 } },
  ],
  rollout: null,
}).replace('"percentage":0', '"percentage":%s');

interface Log {
  database: FilledDatabase;
  tenon: Served;
  headers: Record<string, string>;
  /** Cursor of a page in the middle. */
  middle: string;
}

/** Pages of a change log of 1,000,000 entries, each against the same page of one of 1,000. */
export async function changeLogBench(postgres: EmbeddedPostgres): Promise<Figure[]> {
  const [few, many] = [
    await startLog(postgres, 'bench_few_changes', FEW),
    await startLog(postgres, 'bench_many_changes', MANY),
  ];
  const p50 = async ({ tenon, headers }: Log, path: string): Promise<number> =>
    (await load({ url: tenon.url + path, headers, connections: CONNECTIONS, seconds: SECONDS })).p50;
  const pages: [string, (log: Log) => string][] = [
    ['first page', () => '/api/v1/features/changes'],
    ['page in the middle', ({ middle }) => `/api/v1/features/changes?cursor=${middle}`],
    ['first page of a feature', () => '/api/v1/features/feature-7/changes'],
  ];
  const figures: Figure[] = [];
  for (const [name, pathOf] of pages) {
    const { large, small } = await inTurn(ROUNDS, {
      large: () => p50(many, pathOf(many)),
      small: () => p50(few, pathOf(few)),
    });
    figures.push({
      name: `${name} of 1,000,000 changes : of 1,000`,
      figure: large,
      limit: small,
      unit: 'ms',
      atMost: 1.3,
    });
  }
  for (const { tenon, database } of [few, many]) {
    await tenon.stop();
    await database.drop();
  }
  return figures;
}

async function startLog(postgres: EmbeddedPostgres, name: string, entries: number): Promise<Log> {
  const nobody = { people: 10, organizations: 10, tenants: 1, members: 1, invitations: 0, entries: 0 };
  const database = await filledDatabase(postgres, name, nobody);
  const client = await asSuperuser(database);
  // One each minute.
  await client.query(
    `insert into feature_change_logs (id, at, revision, kind, feature_key, environment_key, before, after, reason, derived, actor_kind)
     select uuidv7(- make_interval(mins => $1::int - n)), now() - make_interval(mins => $1::int - n), n, 'configuration', 'feature-' || n % ${FEATURES}, 'production',
            format($2::text, n % 100)::jsonb, format($2::text, (n + 1) % 100)::jsonb, 'For a bench', false, 'system'
       from generate_series(1, $1::int) n`,
    [entries, STATE],
  );
  await client.query('vacuum (analyze) feature_change_logs');
  const { rows } = await client.query<{ id: string }>(
    'select id from feature_change_logs order by id offset $1 limit 1',
    [Math.floor(entries / 2)],
  );
  await client.end();
  const tenon = await serve('src/main', [], { ...tenonEnv(database), RATE_LIMITS: 'off' }, '/health');
  const { accessToken } = await signIn(tenon.url, ADMIN.email, ADMIN.password);
  const headers = { authorization: `Bearer ${accessToken}` };
  return { database, tenon, headers, middle: Buffer.from(rows[0]!.id).toString('base64url') };
}
