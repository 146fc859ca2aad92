import { EntityManager } from '@mikro-orm/postgresql';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OutboxHandlers, PermanentFailure } from '../src/jobs/outbox-handlers.js';
import { expiredMessages } from '../src/jobs/outbox.cleanup.js';
import { OutboxRelay } from '../src/jobs/outbox-relay.js';
import { Outbox } from '../src/jobs/outbox.service.js';
import { startApp, type TestApp } from './harness/app.js';
import { removeExpired } from './harness/cleanup.js';
import { createDatabase, type TestDatabase } from './harness/database.js';

const FAST = { firstDelayMs: 10, maxDelayMs: 20 };
type Row = Record<string, unknown>;

/** Runs `work` as a request would, in a transaction of the application's role. */
const inTransaction = <T>(tenon: TestApp, work: (outbox: Outbox) => Promise<T> | T): Promise<T> =>
  tenon.app
    .get(EntityManager)
    .fork()
    .transactional(async () => work(tenon.app.get(Outbox)));

const add = (tenon: TestApp, ...message: Parameters<Outbox['add']>): Promise<string> =>
  inTransaction(tenon, (outbox) => outbox.add(...message));

const row = async ({ sql }: TestDatabase, id: string): Promise<Row | undefined> =>
  (await sql.query<Row>('select * from outbox where id = $1', [id])).rows[0];

const jobs = async ({ sql }: TestDatabase, id: string): Promise<Row[]> =>
  (await sql.query<Row>(`select * from bullmq.job where queue = 'outbox' and id = $1`, [id])).rows;

const statusOf = (tenon: TestApp, id: string) => async (): Promise<unknown> => (await row(tenon.db, id))?.status;

describe('promise 1: work commits with its change', () => {
  let tenon: TestApp;
  let handlers: OutboxHandlers;

  beforeAll(async () => {
    tenon = await startApp();
    handlers = tenon.app.get(OutboxHandlers);
  });
  afterAll(() => tenon.close());

  it('delivers what was committed, once, and forgets its payload', async () => {
    const seen: unknown[] = [];
    handlers.register('test.commit', async ({ payload }) => void seen.push(payload));
    const id = await add(tenon, 'test.commit', { word: 'open sesame' });
    await expect.poll(statusOf(tenon, id)).toBe('sent');
    expect(seen).toEqual([{ word: 'open sesame' }]);
    expect(await row(tenon.db, id)).toMatchObject({ payload: null, attempts: 0, last_error: null });
    await expect.poll(() => jobs(tenon.db, id)).toEqual([]);
  });

  it('case 6: a rollback takes the message and its job with it', async () => {
    let id = '';
    const change = inTransaction(tenon, async (outbox) => {
      id = outbox.add('test.rollback', {});
      await tenon.app.get(EntityManager).flush();
      throw new Error('the change failed');
    });
    await expect(change).rejects.toThrow('the change failed');
    expect(await row(tenon.db, id)).toBeUndefined();
    expect(await jobs(tenon.db, id)).toEqual([]);
  });

  it('case 12: neither message nor job shows the payload, and the job holds nothing but the id', async () => {
    const id = await add(
      tenon,
      'test.secret',
      { token: 'a-very-secret-token' },
      { summary: { to: 'kim@x.test' }, delayMs: 600_000 },
    );
    const stored = await row(tenon.db, id);
    const [job] = await jobs(tenon.db, id);
    expect(JSON.stringify([stored, job])).not.toContain('a-very-secret-token');
    expect(job).toMatchObject({ state: 'delayed', data: { id } });
  });

  it('case 4: the application can leave messages, and neither read nor change them', async () => {
    const client = new Client({ connectionString: tenon.db.appUrl });
    await client.connect();
    for (const statement of ['select id from outbox', `update outbox set status = 'sent'`, 'delete from outbox'])
      await expect(client.query(statement)).rejects.toThrow('permission denied');
    await client.end();
  });

  it('case 44: a message that always fails is given up after its tries, and others are not held back', async () => {
    handlers.register('test.fails', () => Promise.reject(new Error('no route to a-very-secret-token-of-somebody')), {
      ...FAST,
      maxAttempts: 3,
    });
    handlers.register('test.fine', async () => undefined);
    const failing = await add(tenon, 'test.fails', {});
    const fine = await add(tenon, 'test.fine', {});
    await expect.poll(statusOf(tenon, fine)).toBe('sent');
    await expect.poll(statusOf(tenon, failing)).toBe('failed');
    expect(await row(tenon.db, failing)).toMatchObject({ attempts: 3, last_error: 'no route to [removed]' });
    expect((await row(tenon.db, failing))?.failed_at).toBeInstanceOf(Date);
    await expect.poll(() => jobs(tenon.db, failing)).toEqual([]);
  });

  it('case 44: messages that never end are given up, and others are not held back', async () => {
    let aborted = 0;
    handlers.register(
      'test.endless',
      ({ signal }) => new Promise(() => signal.addEventListener('abort', () => aborted++)),
      { ...FAST, timeLimitMs: 200, maxAttempts: 2 },
    );
    handlers.register('test.fine', async () => undefined);
    const endless = await Promise.all(Array.from({ length: 4 }, () => add(tenon, 'test.endless', {})));
    const fine = await add(tenon, 'test.fine', {});
    await expect.poll(statusOf(tenon, fine)).toBe('sent');
    for (const id of endless) await expect.poll(statusOf(tenon, id)).toBe('failed');
    expect(aborted).toBe(8);
    expect(await row(tenon.db, endless[0]!)).toMatchObject({ last_error: 'TimeLimitError: took longer than 0.2 s' });
  });

  it('gives up at once what no try can heal, and keeps the reason', async () => {
    handlers.register('test.hopeless', () => Promise.reject(new PermanentFailure('550 no such mailbox')));
    const id = await add(tenon, 'test.hopeless', {});
    await expect.poll(statusOf(tenon, id)).toBe('failed');
    expect(await row(tenon.db, id)).toMatchObject({ attempts: 1, last_error: 'PermanentFailure: 550 no such mailbox' });
  });

  it('delivers one of several messages with the same key', async () => {
    let deliveries = 0;
    handlers.register('test.once', async () => void deliveries++);
    const ids = await Promise.all(
      Array.from({ length: 20 }, () => add(tenon, 'test.once', {}, { dedupeKey: 'report of 2026-11-21' })),
    );
    const open = async (): Promise<unknown> =>
      (await tenon.db.sql.query(`select count(*)::int from outbox where id = any($1) and status = 'pending'`, [ids]))
        .rows[0];
    await expect.poll(open).toEqual({ count: 0 });
    expect(deliveries).toBe(1);
  });

  it('case 16: a message whose job was lost gets another', async () => {
    handlers.register('test.lost', async () => undefined);
    const id = await add(tenon, 'test.lost', {}, { delayMs: 600_000 });
    await tenon.db.sql.query('delete from bullmq.job where id = $1', [id]);
    await tenon.db.sql.query(`update outbox set available_at = now() - interval '1 minute' where id = $1`, [id]);
    expect(await tenon.app.get(OutboxRelay).sweep()).toBe(1);
    await expect.poll(statusOf(tenon, id)).toBe('sent');
  });

  it('case 13: the queue comes back when its connections are killed', async () => {
    handlers.register('test.reconnect', async () => undefined);
    await tenon.db.sql.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and pid <> pg_backend_pid()`,
      [tenon.db.name],
    );
    const adding = (): Promise<string> =>
      add(tenon, 'test.reconnect', {}).then(
        () => 'added',
        () => 'refused',
      );
    await expect.poll(adding).toBe('added');
    const left = async (): Promise<unknown> =>
      (
        await tenon.db.sql.query(
          `select count(*)::int from outbox where topic = 'test.reconnect' and status = 'pending'`,
        )
      ).rows[0];
    await expect.poll(left).toEqual({ count: 0 });
  });

  it('removes what ended more than 30 days ago', async () => {
    handlers.register('test.old', async () => undefined);
    const [old, young] = [await add(tenon, 'test.old', {}), await add(tenon, 'test.old', {})];
    for (const id of [old, young]) await expect.poll(statusOf(tenon, id)).toBe('sent');
    await tenon.db.sql.query(`update outbox set created_at = now() - interval '31 days' where id = $1`, [old]);
    expect(await removeExpired(tenon.app, expiredMessages)).toBe(1);
    expect([await row(tenon.db, old), (await row(tenon.db, young))?.status]).toEqual([undefined, 'sent']);
  });
});

describe('several instances', () => {
  it('deliver each message once', async () => {
    const db = await createDatabase();
    const instances = [await startApp({ db }), await startApp({ db })];
    const seen: string[] = [];
    for (const { app } of instances)
      app.get(OutboxHandlers).register('test.shared', async ({ id }) => void seen.push(id));
    const ids = await Promise.all(
      Array.from({ length: 50 }, (_, index) => add(instances[index % 2]!, 'test.shared', {})),
    );
    await expect.poll(() => seen.length).toBe(50);
    expect([...seen].sort()).toEqual([...ids].sort());
    await Promise.all(instances.map(({ close }) => close()));
    await db.drop();
  });
});

describe('the end of a process', () => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await createDatabase();
  });
  afterAll(() => db.drop());

  it('case 15: a delivery that does not end in time is given back', async () => {
    const tenon = await startApp({ db });
    let started = false;
    tenon.app.get(OutboxHandlers).register('test.slow', () => {
      started = true;
      return new Promise(() => undefined);
    });
    const id = await add(tenon, 'test.slow', {});
    await expect.poll(() => started).toBe(true);
    await tenon.close();
    expect(await row(db, id)).toMatchObject({ status: 'pending', attempts: 0 });
    expect(await jobs(db, id)).toMatchObject([{ state: 'waiting' }]);
    await db.sql.query('delete from outbox');
  });
});
