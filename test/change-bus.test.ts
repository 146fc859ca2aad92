import { type EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ormOptions } from '../config/mikro-orm.config.js';
import { ChangeBus, type ChangeListener } from '../src/database/change-bus.js';
import { newId } from '../src/kernel/ids.js';
import { createDatabase, type TestDatabase } from './harness/database.js';
import { PostgresProxy } from './harness/postgres-proxy.js';

let db: TestDatabase;
let orm: MikroORM;
const running: { stop(): Promise<void> | void }[] = [];

beforeAll(async () => {
  db = await createDatabase();
  orm = await MikroORM.init(ormOptions(db.appUrl, [], 4));
  await db.sql.query('create table things (id text primary key)');
});
afterEach(async () => {
  for (const it of running.splice(0)) await it.stop();
  await db.sql.query('truncate things');
});
afterAll(async () => {
  await orm.close();
  await db.drop();
});

/** A cache of the table `things`, kept right by the bus. */
class Things implements ChangeListener {
  readonly topic = 'things';
  known = new Set<string>();
  catchUps = 0;
  /** Awaited in the middle of each catch-up. */
  gate: Promise<unknown> = Promise.resolve();

  changed(keys: string[]): void {
    for (const key of keys) this.known.add(key);
  }

  async catchUp(): Promise<void> {
    this.catchUps += 1;
    // The one that is set as it begins: whoever has seen that it began may set another one for those that follow.
    const { gate } = this;
    const { rows } = await db.sql.query<{ id: string }>('select id from things');
    await gate;
    this.changed(rows.map(({ id }) => id));
  }
}

/** A bus as another instance has it, with its cache and what it told. */
async function startBus(url = db.appUrl, start = true) {
  const told: string[] = [];
  const bus = new ChangeBus(url, (up, reason) => told.push(`${up ? 'up' : 'down'}: ${reason}`));
  const things = new Things();
  bus.listen(things);
  running.push(bus);
  if (start) await bus.start();
  return { bus, things, told };
}

async function startProxy(): Promise<PostgresProxy> {
  const proxy = await PostgresProxy.start(db.appUrl);
  running.unshift({ stop: () => proxy.close() });
  return proxy;
}

/** Adds a thing and announces it, in one transaction. */
async function add(bus: ChangeBus, before?: (em: EntityManager) => Promise<void>): Promise<string> {
  const id = newId();
  await db.sql.query('insert into things values ($1)', [id]);
  await orm.em.fork().transactional(async (em) => {
    await bus.announce(em as EntityManager, 'things', [id]);
    await before?.(em as EntityManager);
  });
  return id;
}

function terminateListeners(): Promise<unknown> {
  return db.sql.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
      where application_name = 'tenon-changes' and datname = current_database()`,
  );
}

describe('P19 the change bus', () => {
  it('reaches every other instance, when the change commits and not before', async () => {
    const [one, two, three] = [await startBus(), await startBus(), await startBus()];
    const id = await add(one.bus, async () => {
      await new Promise((resolve) => setTimeout(resolve, 200));
      expect(two.things.known.size).toBe(0);
    });
    for (const { things } of [one, two, three]) await expect.poll(() => things.known.has(id)).toBe(true);
  });

  it('says nothing of a change that is rolled back', async () => {
    const { bus, things } = await startBus();
    await expect(add(bus, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    const later = await add(bus);
    await expect.poll(() => things.known.has(later)).toBe(true);
    expect(things.known.size).toBe(1);
  });

  it('carries more keys than a message of PostgreSQL holds', async () => {
    const { bus, things } = await startBus();
    const keys = Array.from({ length: 1_000 }, newId);
    await orm.em.fork().transactional((em) => bus.announce(em as EntityManager, 'things', keys));
    await expect.poll(() => things.known.size).toBe(1_000);
  });

  it('is not disturbed by what else somebody sends on its channel, or about other topics', async () => {
    const { bus, things, told } = await startBus();
    for (const payload of [
      '',
      'x',
      '{',
      '{"topic":1}',
      '{"topic":"things"}',
      '{"topic":"others","keys":["a"]}',
      'null',
    ])
      await db.sql.query(`select pg_notify('tenon_changes', $1)`, [payload]);
    const id = await add(bus);
    await expect.poll(() => things.known.has(id)).toBe(true);
    expect(things.known.size).toBe(1);
    expect(told).toEqual(['up: listening']);
  });

  it('catches up again when a cache fails to take a change', async () => {
    const { bus, things } = await startBus();
    things.changed = () => {
      delete (things as Partial<Things>).changed;
      throw new Error('cannot');
    };
    const id = await add(bus);
    await expect.poll(() => bus.up && things.known.has(id)).toBe(true);
    expect(things.catchUps).toBe(2);
  });

  it('case 35: notices that its listener was cut, and is back only when it has caught up', async () => {
    const proxy = await startProxy();
    const { bus, things, told } = await startBus(proxy.url);
    const other = await startBus();
    expect(bus.up).toBe(true);
    proxy.refusing = true;
    await terminateListeners();
    await expect.poll(() => bus.up).toBe(false);
    await expect.poll(() => other.bus.up).toBe(true);
    const missed = await add(other.bus);
    expect(things.known.has(missed)).toBe(false);

    const { promise, resolve } = Promise.withResolvers<void>();
    things.gate = promise;
    proxy.refusing = false;
    await expect.poll(() => things.catchUps).toBeGreaterThan(1);
    expect(bus.up).toBe(false);
    resolve();
    await expect.poll(() => bus.up).toBe(true);
    expect(things.known.has(missed)).toBe(true);
    expect(told[0]).toBe('up: listening');
    expect(told[1]).toMatch(/^down: /);
    expect(told[2]).toBe('up: listening');
  });

  it('case 35: notices the end of its backend at once', async () => {
    const { bus, told } = await startBus();
    await terminateListeners();
    await expect.poll(() => told.length).toBe(3);
    expect(told[1]).toMatch(/^down: the connection was/);
    expect(bus.up).toBe(true);
  });

  it('case 35: behind a pooler that swallows notifications it starts, says so, and counts as down', async () => {
    const proxy = await startProxy();
    proxy.swallowing = true;
    const { bus, things, told } = await startBus(proxy.url);
    expect(bus.up).toBe(false);
    expect(told).toEqual(['down: LISTEN hears nothing; DATABASE_DIRECT_URL has to lead past the pooler']);
    const missed = await add(bus);
    proxy.swallowing = false;
    await expect.poll(() => bus.up).toBe(true);
    expect(things.known.has(missed)).toBe(true);
  });

  it('case 35: notices that notifications no longer come through, though the connection lives', async () => {
    const proxy = await startProxy();
    const { bus, things } = await startBus(proxy.url);
    proxy.swallowing = true;
    await expect.poll(() => bus.up).toBe(false);
    const missed = await add(bus);
    proxy.swallowing = false;
    await expect.poll(() => bus.up).toBe(true);
    expect(things.known.has(missed)).toBe(true);
  });

  it('case 35: a connection that is lost while it catches up does not count', async () => {
    const { bus, things } = await startBus(db.appUrl, false);
    const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    things.gate = gates[0]!.promise;
    const started = bus.start();
    await expect.poll(() => things.catchUps).toBeGreaterThan(0);
    things.gate = gates[1]!.promise;
    await terminateListeners();
    // The second connection, or on a busy machine a later one, listens and catches up while the first catch-up has not ended.
    await expect.poll(() => things.catchUps).toBeGreaterThan(1);
    gates[0]!.resolve();
    await started;
    expect(bus.up).toBe(false);
    gates[1]!.resolve();
    await expect.poll(() => bus.up).toBe(true);
  });

  it('bears a catch-up that takes longer than a silence may', async () => {
    const { bus, things, told } = await startBus(db.appUrl, false);
    things.gate = new Promise((resolve) => setTimeout(resolve, 2_500));
    await bus.start();
    await expect.poll(() => bus.up).toBe(true);
    expect(things.catchUps).toBe(1);
    expect(told).toEqual(['up: listening']);
  });

  it('does not take a standstill of the process for a lost connection', async () => {
    const { bus, told } = await startBus();
    const until = performance.now() + 1_500;
    while (performance.now() < until);
    expect(bus.up).toBe(false);
    await expect.poll(() => bus.up).toBe(true);
    expect(told).toEqual(['up: listening']);
  });

  it('case 35: notices a connection that fell silent without an end', async () => {
    const proxy = await startProxy();
    const { bus, things } = await startBus(proxy.url);
    proxy.silent = true;
    await expect.poll(() => bus.up).toBe(false);
    const missed = await add(bus);
    proxy.silent = false;
    proxy.cut();
    await expect.poll(() => bus.up).toBe(true);
    expect(things.known.has(missed)).toBe(true);
  });

  it('case 13: starts though the database cannot be reached, and listens when it can', async () => {
    const proxy = await startProxy();
    proxy.refusing = true;
    const { bus, told } = await startBus(proxy.url);
    expect(bus.up).toBe(false);
    expect(told).toHaveLength(1);
    proxy.refusing = false;
    await expect.poll(() => bus.up).toBe(true);
  });

  it('stops while it connects', async () => {
    const { bus, things } = await startBus(db.appUrl, false);
    const started = bus.start();
    bus.stop();
    await started;
    expect(bus.up).toBe(false);
    expect(things.catchUps).toBe(0);
  });
});
