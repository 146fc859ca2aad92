import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from 'pg';
import type { EmbeddedPostgres } from '../src/database/embedded/embedded-postgres.js';
import type { Figure } from './figure.js';
import { copyOf, filledDatabase, type OwnDatabase } from './filled-database.js';
import { median, percentile } from './load.js';
import { asSuperuser, PASSWORD } from './people.js';
import { ADMIN, serve, type Served, signIn, tenonEnv } from './server.js';

const TOKENS = 1_000_000;
const EXPIRED = 600_000;
const BATCH = 1_000;
const ROUNDS = 3;
const QUIET_SECONDS = 8;
const PEOPLE = 1_000;

/**
 * A million links to choose a password, of which 600,000 have expired, through the product's own task: against the statement
 * of a batch run bare, against one plain DELETE, and with an old snapshot held by another session, which keeps what is removed
 * in the index. And what people feel of it who sign in or register meanwhile.
 */
export async function cleanupBench(postgres: EmbeddedPostgres): Promise<Figure[]> {
  const database = await filledDatabase(postgres, 'bench_cleanup', {
    people: PEOPLE,
    organizations: 10,
    tenants: 1,
    members: 2,
    invitations: 0,
    entries: 0,
  });
  await fill(database);
  let copies = 0;
  /** Each measurement finds the same files. */
  const onCopy = async <T>(work: (copy: OwnDatabase) => Promise<T>): Promise<T> => {
    const copy = await copyOf(database, `bench_cleanup_${(copies += 1)}`);
    try {
      return await work(copy);
    } finally {
      await copy.drop();
    }
  };
  const figures = { task: [] as number[], snapshot: [] as number[], bare: [] as number[], plain: [] as number[] };
  for (let round = 0; round < ROUNDS; round += 1) {
    figures.task.push(await onCopy((copy) => served(copy, sweep)));
    figures.bare.push(await onCopy((copy) => connected(copy, bare)));
    figures.snapshot.push(await onCopy((copy) => served(copy, (tenon) => underSnapshot(copy, () => sweep(tenon)))));
    figures.plain.push(await onCopy((copy) => connected(copy, plain)));
  }
  const [quiet, meanwhile] = await onCopy((copy) =>
    served(copy, async (tenon) => [
      await feel(tenon, () => sleep(QUIET_SECONDS * 1_000)),
      await feel(tenon, () => sweep(tenon)),
    ]),
  );
  await database.drop();
  const swept = median(figures.task);
  const unit = 'rows/s';
  return [
    {
      name: '600,000 of a million : its statement, bare',
      figure: swept,
      limit: median(figures.bare),
      unit,
      atLeast: 0.8,
    },
    { name: '600,000 of a million : one DELETE', figure: swept, limit: median(figures.plain), unit },
    { name: 'the same under an old snapshot', figure: median(figures.snapshot), limit: swept, unit, atLeast: 0.5 },
    { name: 'p99 of logins meanwhile : quiet', figure: meanwhile.logins, limit: quiet.logins, unit: 'ms', atMost: 4 },
    {
      name: 'p99 of registrations meanwhile : quiet',
      figure: meanwhile.registrations,
      limit: quiet.registrations,
      unit: 'ms',
      atMost: 4,
    },
  ];
}

async function served<T>(database: OwnDatabase, work: (tenon: Served) => Promise<T>): Promise<T> {
  const tenon = await serve('src/main', [], { ...tenonEnv(database), RATE_LIMITS: 'off' }, '/health');
  try {
    return await work(tenon);
  } finally {
    await tenon.stop();
  }
}

async function connected<T>(database: OwnDatabase, work: (client: Client) => Promise<T>): Promise<T> {
  const client = await asSuperuser(database);
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

function underSnapshot<T>(database: OwnDatabase, work: () => Promise<T>): Promise<T> {
  return connected(database, async (holder) => {
    await holder.query('begin isolation level repeatable read; select 1');
    return work();
  });
}

/** Expired ones and others lie side by side, as they would. */
function fill(database: OwnDatabase): Promise<void> {
  return connected(database, async (client) => {
    await client.query('set session_replication_role = replica; set synchronous_commit = off');
    await client.query(
      `insert into password_resets (id, user_id, token_hash, created_at, expires_at)
       select uuidv7(), gen_random_uuid(), sha256(int8send(n)), now(),
              case when n % 10 < ${(10 * EXPIRED) / TOKENS} then now() - n * interval '1 second' else now() + interval '1 day' + n * interval '1 second' end
         from generate_series(1, ${TOKENS}) n`,
    );
    await client.query('vacuum (analyze) password_resets');
    await client.query('checkpoint');
  });
}

/** @returns rows that the product's task removed in a second, from its begin to its end. */
async function sweep(tenon: Served): Promise<number> {
  const { accessToken } = await signIn(tenon.url, ADMIN.email, ADMIN.password);
  const headers = { authorization: `Bearer ${accessToken}`, 'content-type': 'application/json' };
  const asked = await fetch(`${tenon.url}/api/v1/admin/cleanup/expired-tokens`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ tokenTypes: ['password_reset'], batchSize: BATCH }),
  });
  const { taskId } = (await asked.json()) as { taskId: string };
  for (;;) {
    const answer = await fetch(`${tenon.url}/api/v1/admin/cleanup/task-status/${taskId}`, { headers });
    const { status, result } = (await answer.json()) as {
      status: string;
      result: { totalDeleted: number; durationMs: number };
    };
    if (status === 'failed') throw new Error(`task ${taskId} failed`);
    if (status === 'completed') {
      if (result.totalDeleted !== EXPIRED) throw new Error(`${result.totalDeleted} rows removed`);
      return (result.totalDeleted * 1_000) / result.durationMs;
    }
    await sleep(100);
  }
}

// The statement of `removeBatch` in expiring-type.ts, with pg's own parameters.
const BATCH_STATEMENT = `
  with due as materialized (
    select row.ctid, row.expires_at as at from password_resets row
     where row.expires_at >= $1::timestamptz and row.expires_at < now()
     order by row.expires_at limit $2 for update of row skip locked),
  removed as (
    delete from password_resets where ctid = any (array(select ctid from due)) returning 1)
  select (select count(*)::int from removed) as removed,
         (select case when count(*) = $2 then max(at)::text end from due) as next`;

interface Batch {
  removed: number;
  next: string | null;
}

async function bare(client: Client): Promise<number> {
  const began = performance.now();
  let after: string | null = '-infinity';
  let removed = 0;
  while (after !== null) {
    const batch: Batch = (await client.query<Batch>(BATCH_STATEMENT, [after, BATCH])).rows[0]!;
    removed += batch.removed;
    after = batch.next;
  }
  return (removed * 1_000) / (performance.now() - began);
}

async function plain(client: Client): Promise<number> {
  const began = performance.now();
  const { rowCount } = await client.query('delete from password_resets where expires_at < now()');
  return (rowCount! * 1_000) / (performance.now() - began);
}

/** Times of people who sign in and register one after the other while something goes on, in ms. */
async function feel(
  tenon: Served,
  goingOn: () => Promise<unknown>,
): Promise<{ logins: number; registrations: number }> {
  let over = false;
  const ended = goingOn().finally(() => (over = true));
  let index = 0;
  const post = async (path: string, body: object, status: number): Promise<number> => {
    const began = performance.now();
    const answer = await fetch(`${tenon.url}/api/v1/auth/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    await answer.arrayBuffer();
    if (answer.status !== status) throw new Error(`${path}: ${answer.status}`);
    return performance.now() - began;
  };
  const again = async (step: () => Promise<number>): Promise<number[]> => {
    const times: number[] = [];
    while (!over) {
      times.push(await step());
      await sleep(20);
    }
    return times;
  };
  const [logins, registrations] = await Promise.all([
    again(() => post('login', { email: `person-${1 + (index++ % PEOPLE)}@bench.example`, password: PASSWORD }, 200)),
    again(() =>
      post(
        'register',
        { email: `new-${index++}-${Date.now()}@bench.example`, password: PASSWORD, fullName: 'New' },
        201,
      ),
    ),
    ended,
  ]);
  return { logins: percentile(logins, 0.99), registrations: percentile(registrations, 0.99) };
}
