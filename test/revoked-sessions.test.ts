import type { EntityManager } from '@mikro-orm/postgresql';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { asSystem } from '../src/database/tenant-context.js';
import { newId } from '../src/kernel/ids.js';
import { createDatabase, type TestDatabase } from './harness/database.js';
import { PostgresProxy } from './harness/postgres-proxy.js';
import { startTokens, type TokensInstance } from './harness/tokens.js';

let db: TestDatabase;
let proxy: PostgresProxy;
/** `near` listens to the database itself, `far` through the proxy. */
let near: TokensInstance;
let far: TokensInstance;
let userId: string;

beforeAll(async () => {
  db = await createDatabase();
  proxy = await PostgresProxy.start(db.appUrl);
  userId = newId();
  await db.sql.query(
    `insert into users (id, email, full_name, created_at, updated_at) values ($1, 'a@tenon.test', 'A', now(), now())`,
    [userId],
  );
  near = await startTokens(db);
  far = await startTokens(db, { directUrl: proxy.url });
});
afterEach(async () => {
  vi.useRealTimers();
  proxy.swallowing = false;
  await expect.poll(() => near.bus.up && far.bus.up).toBe(true);
});
afterAll(async () => {
  await near.close();
  await far.close();
  await proxy.close();
  await db.drop();
});

/** A session; the times are intervals from now. */
async function addSession({ expires = '7 days', revoked = null as string | null } = {}): Promise<string> {
  const id = newId();
  await db.sql.query(
    `insert into user_sessions (id, user_id, family_key_id, methods, created_at, last_active_at, expires_at, ends_at, revoked_at)
     values ($1, $2, 'test', '{pwd}', now(), now(), now() + $3::interval, now() + $3::interval, now() + $4::interval)`,
    [id, userId, expires, revoked],
  );
  return id;
}

/** What the room of sessions does: the change and its announcement in one transaction. */
function revoke(id: string, before: (em: EntityManager) => Promise<unknown> = async () => undefined): Promise<void> {
  return asSystem(near.orm.em as EntityManager, async (em) => {
    await em.execute('update user_sessions set revoked_at = now() where id = ?', [id]);
    await near.revoked.announce(em, [id]);
    await before(em);
  });
}

async function deafen(): Promise<void> {
  proxy.swallowing = true;
  await expect.poll(() => far.bus.up).toBe(false);
}

describe('A9 revoked sessions', () => {
  it('are known to every instance once the revocation commits, without asking the database', async () => {
    const [ended, other] = [await addSession(), await addSession()];
    expect([near.revoked.isRevoked(ended), far.revoked.isRevoked(ended)]).toEqual([false, false]);
    await revoke(ended, async () => {
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect([near.revoked.isRevoked(ended), far.revoked.isRevoked(ended)]).toEqual([false, false]);
    });
    for (const { revoked } of [near, far]) await expect.poll(() => revoked.isRevoked(ended)).toBe(true);
    expect([near.revoked.isRevoked(other), far.revoked.isRevoked(other)]).toEqual([false, false]);
  });

  it('case 6: are not revoked by a transaction that is rolled back', async () => {
    const session = await addSession();
    await expect(revoke(session, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    const later = await addSession();
    await revoke(later);
    await expect.poll(() => far.revoked.isRevoked(later)).toBe(true);
    expect(far.revoked.isRevoked(session)).toBe(false);
  });

  it('many at once: all sessions of an organization', async () => {
    const ids = Array.from({ length: 2_000 }, newId);
    await asSystem(near.orm.em as EntityManager, (em) => near.revoked.announce(em, ids));
    for (const { revoked } of [near, far])
      await expect.poll(() => ids.every((id) => revoked.isRevoked(id) === true)).toBe(true);
  });

  it('case 35: behind a pooler that swallows notifications, answers come from the database until it is caught up', async () => {
    const [ended, live, expired] = [await addSession(), await addSession(), await addSession({ expires: '-1 second' })];
    await deafen();
    await revoke(ended);
    expect(far.revoked.isRevoked(ended)).toBeInstanceOf(Promise);
    await expect(far.revoked.isRevoked(ended)).resolves.toBe(true);
    await expect(far.revoked.isRevoked(live)).resolves.toBe(false);
    await expect(far.revoked.isRevoked(expired)).resolves.toBe(true);
    await expect(far.revoked.isRevoked(newId())).resolves.toBe(true);

    proxy.swallowing = false;
    await expect.poll(() => far.bus.up).toBe(true);
    expect(far.revoked.isRevoked(ended)).toBe(true);
    expect(far.revoked.isRevoked(live)).toBe(false);
  });

  it('case 24, 35: a revocation in the moment in which every listener is cut reaches every instance', async () => {
    const session = await addSession();
    await db.sql.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
        where application_name = 'tenon-changes' and datname = current_database()`,
    );
    await revoke(session);
    for (const { revoked } of [near, far]) await expect.poll(() => revoked.isRevoked(session)).toBe(true);
    await expect.poll(() => near.bus.up && far.bus.up).toBe(true);
    expect([near.revoked.isRevoked(session), far.revoked.isRevoked(session)]).toEqual([true, true]);
  });

  it('case 35: nobody gets in on a guess while neither bus nor database answer', async () => {
    const session = await addSession();
    await deafen();
    const lock = await db.sql.connect();
    await lock.query('begin; lock table user_sessions in access exclusive mode');
    const answer = Promise.resolve(far.revoked.isRevoked(session));
    answer.catch(() => undefined);
    await expect
      .poll(async () => {
        const { rows } = await db.sql.query(
          `select pg_terminate_backend(pid) from pg_stat_activity
            where datname = current_database() and wait_event_type = 'Lock' and query like '%from user_sessions%'`,
        );
        return rows.length;
      })
      .toBe(1);
    await expect(answer).rejects.toThrow();
    await lock.query('rollback');
    lock.release();
    await expect(far.revoked.isRevoked(session)).resolves.toBe(false);
  });

  it('an instance that starts knows those of the last 15 minutes, and forgets older ones', async () => {
    const [recent, old] = [await addSession({ revoked: '-15 minutes' }), await addSession({ revoked: '-17 minutes' })];
    const late = await startTokens(db);
    expect(late.bus.up).toBe(true);
    expect(late.revoked.isRevoked(recent)).toBe(true);
    expect(late.revoked.isRevoked(old)).toBe(false);
    await late.close();
  });

  it('one that is heard of while the others are loaded is not lost', async () => {
    const [loaded, heard] = [await addSession({ revoked: '0 seconds' }), newId()];
    const lock = await db.sql.connect();
    await lock.query('begin; lock table user_sessions in access exclusive mode');
    const loading = far.revoked.catchUp();
    await asSystem(near.orm.em as EntityManager, (em) => near.revoked.announce(em, [heard]));
    await expect.poll(() => far.revoked.isRevoked(heard)).toBe(true);
    await lock.query('rollback');
    lock.release();
    await loading;
    expect(far.revoked.isRevoked(heard)).toBe(true);
    expect(far.revoked.isRevoked(loaded)).toBe(true);
  });

  it('are kept for as long as their tokens could live, and then forgotten', async () => {
    const session = newId();
    const now = performance.now();
    vi.useFakeTimers({ toFake: ['performance'] });
    // It begins at 0 otherwise, and a worker that is older than a minute would live in its own past.
    vi.advanceTimersByTime(now);
    const minutes = (n: number) => vi.advanceTimersByTime(n * 60_000);
    far.revoked.changed([session]);
    minutes(15);
    far.revoked.changed([newId()]);
    expect(far.revoked.isRevoked(session)).toBe(true);
    minutes(2);
    far.revoked.changed([newId()]);
    expect(far.revoked.isRevoked(session)).toBe(true);
    minutes(17);
    far.revoked.changed([newId()]);
    // No longer from memory: with this clock the bus is down, and the database is asked.
    expect(far.revoked.isRevoked(session)).toBeInstanceOf(Promise);
    vi.useRealTimers();
  });
});
