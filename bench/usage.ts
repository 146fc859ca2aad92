import type { EmbeddedPostgres } from '../src/database/embedded/embedded-postgres.js';
import { newId } from '../src/kernel/ids.js';
import { decide } from '../src/features/evaluator/decision.js';
import { type DecidedAnswer, UsageCounts } from '../src/features/usage/usage-counts.js';
import { organizationRows, totalRows, userRows } from '../src/features/usage/usage-rows.js';
import type { Figure } from './figure.js';
import { filledDatabase } from './filled-database.js';
import { CONTEXT, flagOf, headersOf, insertFlags, insertKeys } from './filled-features.js';
import { inTurn, load, type LoadOptions, median, type Request } from './load.js';
import { asSuperuser } from './people.js';
import { serve, type Served, tenonEnv } from './server.js';

const FLAGS = 203;
const CONNECTIONS = 32;
const SECONDS = 2;
const ROUNDS = 5;
/** More than a connection asks for in a round. */
const USERS_OF_CONNECTION = 500;
/** In a minute, between two flushes: 20,000 evaluations in a second, one by one; and of all flags a fourth of what a core answers. */
const EVALUATIONS = 60 * 20_000;
const ANSWERS = 60 * 1_000;
const ORGANIZATIONS = 100;
const USERS = 100_000;

/**
 * What counting takes, up to the texts of its flush, of what Tenon takes for an answer that is not counted, both in CPU of the process. The rates of two servers differ more from run to run than counting costs.
 */
export async function usageBench(postgres: EmbeddedPostgres): Promise<Figure[]> {
  const answering = await uncounted(postgres);
  const counting = { one: median(rounds(one)), all: median(rounds(all)), kept: median(rounds(kept)) };
  const bar = { unit: 'µs of CPU', atMost: 0.05 };
  return [
    { name: 'counting one flag : answering it by OFREP', figure: counting.one, limit: answering.one, ...bar },
    { name: `counting ${FLAGS} flags : answering them by OFREP`, figure: counting.all, limit: answering.all, ...bar },
    {
      name: `counting ${FLAGS} flags that are kept : answering them`,
      figure: counting.kept,
      limit: answering.kept,
      ...bar,
    },
  ];
}

/** CPU of an answer without counting, in µs. */
async function uncounted(postgres: EmbeddedPostgres): Promise<Record<'one' | 'all' | 'kept', number>> {
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
  const tenon = await serve('bench/uncounted', [], { ...tenonEnv(database), RATE_LIMITS: 'off' }, '/health');
  const headers = headersOf(key!);
  let users = 0;
  const asNewUser = (): Request => {
    const context = { ...CONTEXT, targetingKey: `user-${(users += 1)}` };
    return { method: 'POST', headers, body: JSON.stringify({ context }) };
  };
  const turns = (): Request[] => Array.from({ length: USERS_OF_CONNECTION }, asNewUser);
  const shape = { method: 'POST', connections: CONNECTIONS, seconds: SECONDS, headers } as const;
  const path = `${tenon.url}/ofrep/v1/evaluate/flags`;
  const body = JSON.stringify({ context: CONTEXT });
  const found = await inTurn(ROUNDS, {
    one: () => cpuOfAnswer(tenon, { ...shape, url: `${path}/${flagOf(100)}`, turns }),
    all: () => cpuOfAnswer(tenon, { ...shape, url: path, turns }),
    kept: () => cpuOfAnswer(tenon, { ...shape, url: path, body }),
  });
  await tenon.stop();
  await database.drop();
  return found;
}

async function cpuOfAnswer(of: Served, options: LoadOptions): Promise<number> {
  const before = await cpuSeconds(of);
  const { perSecond } = await load(options);
  return (((await cpuSeconds(of)) - before) * 1e6) / (perSecond * SECONDS);
}

async function cpuSeconds({ url }: Served): Promise<number> {
  const metrics = await (await fetch(`${url}/metrics`)).text();
  return Number(/^process_cpu_seconds_total (\S+)/m.exec(metrics)![1]);
}

const organizationIds = Array.from({ length: ORGANIZATIONS }, newId);
const keys = Array.from({ length: FLAGS }, (_, index) => flagOf(index));
/** Two of each flag: whoever asks gets one or the other. */
const decisions = keys.map(() => [decide(true, 'rollout'), decide(false, 'default')] as const);

/** Of several users of each organization. */
const answers: DecidedAnswer[] = Array.from({ length: 20 * ORGANIZATIONS }, (_, at) => ({
  organizationId: organizationIds[at % ORGANIZATIONS]!,
  environmentKey: 'production',
  keys,
  decisions: decisions.map((two, flag) => two[((at >> 4) + flag) & 1]!),
  user: `user-${at}`,
  again: 0,
}));

/** CPU of counting one of `count`'s steps, in µs, with its share of the flush of a minute. */
function rounds(count: (counts: UsageCounts) => number): number[] {
  return Array.from({ length: ROUNDS }, () => {
    const counts = new UsageCounts();
    const before = process.cpuUsage();
    const steps = count(counts);
    const taken = counts.take();
    const rows = taken.flatMap((tally) => [...totalRows(tally), ...organizationRows(tally), ...userRows(tally)]);
    if (JSON.stringify(rows).length < 1_000) throw new Error('not counted');
    const { user, system } = process.cpuUsage(before);
    return (user + system) / steps;
  });
}

function one(counts: UsageCounts): number {
  for (let at = 0; at < EVALUATIONS; at += 1) {
    const flag = at % FLAGS;
    const organizationId = organizationIds[at % ORGANIZATIONS]!;
    counts.one(organizationId, 'production', keys[flag]!, decisions[flag]![(at >> 4) & 1]!, `user-${at % USERS}`);
  }
  return EVALUATIONS;
}

function all(counts: UsageCounts): number {
  for (let at = 0; at < ANSWERS; at += 1) counts.all(answers[at % answers.length]!);
  return ANSWERS;
}

function kept(counts: UsageCounts): number {
  for (let at = 0; at < ANSWERS; at += 1) counts.again(answers[at % answers.length]!);
  return ANSWERS;
}
