import { EntityManager } from '@mikro-orm/postgresql';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { EXPIRING_TYPES, TYPE_NAMES } from '../src/cleanup/expiring-types.js';
import { RUN_TOPIC } from '../src/cleanup/runs/cleanup-runner.js';
import type { RunView } from '../src/cleanup/runs/cleanup-runs.view.js';
import type { HealthReportView, StatisticsView } from '../src/cleanup/statistics/statistics.view.js';
import { asSystem, systemStatements } from '../src/database/tenant-context.js';
import { Outbox } from '../src/jobs/outbox.service.js';
import { newId } from '../src/kernel/ids.js';
import { hashToken } from '../src/kernel/tokens.js';
import { atOnce, countStatuses, insertPerson, openSession } from './harness/accounts.js';
import { startApp, type TestApp } from './harness/app.js';
import { fillTokens, TOKEN_TYPES } from './harness/cleanup.js';
import { insertOrganization } from './harness/organizations.js';
import { type Person, signInAdmin } from './harness/people.js';

const PATH = '/api/v1/admin/cleanup';

let tenon: TestApp;
let admin: Person;
let userId: string;
let organizationId: string;

beforeAll(async () => {
  tenon = await startApp();
  admin = await signInAdmin(tenon);
  ({ userId } = await insertPerson(tenon.db));
  ({ organizationId } = await insertOrganization(tenon.db));
});
afterAll(() => tenon.close());

const rows = async (sql: string, ...values: unknown[]): Promise<Record<string, unknown>[]> =>
  (await tenon.db.sql.query<Record<string, unknown>>(sql, values)).rows;

/** Every row of the token types but the platform admin's own session. */
beforeEach(async () => {
  await rows(`delete from user_sessions where user_id = $1`, userId);
  for (const table of ['registrations', 'password_resets', 'email_changes', 'invitations'])
    await rows(`delete from ${table}`);
});

const ask = (body: object) => tenon.http.post(`${PATH}/expired-tokens`).set(admin.auth).send(body);

async function show(taskId: string): Promise<RunView> {
  return (await tenon.http.get(`${PATH}/task-status/${taskId}`).set(admin.auth).expect(200)).body as RunView;
}

/** A run from its request to its end. */
async function run(body: object = {}): Promise<RunView> {
  const { taskId, status } = (await ask(body).expect(202)).body as { taskId: string; status: string };
  expect(status).toBe('queued');
  await expect.poll(async () => (await show(taskId)).status).toMatch(/completed|failed/);
  return show(taskId);
}

const counts = async (): Promise<Record<string, { total: number; expired: number }>> =>
  Object.fromEntries(
    await Promise.all(
      EXPIRING_TYPES.map(async (type) => {
        const { total, expired } = await asSystem(tenon.app.get(EntityManager), (em) => type.count(em));
        return [type.name, { total, expired }] as const;
      }),
    ),
  );

describe('C1 expired data', () => {
  it('of every token type is removed, and nothing that lives', async () => {
    await fillTokens(tenon.db, { userId, organizationId, expired: 250, live: 40 });
    const before = await counts();
    const { status, progress, result } = await run({ batchSize: 100 });
    expect({ status, progress }).toEqual({ status: 'completed', progress: 100 });
    expect(result).toMatchObject({ totalExpired: 1_500, totalDeleted: 1_500, errors: [], dryRun: false });
    expect(Object.keys(result.byType)).toEqual(TOKEN_TYPES);
    for (const type of TOKEN_TYPES) {
      expect(result.byType[type]).toMatchObject({ expired: 250, deleted: 250, errors: 0 });
      expect((await counts())[type]).toEqual({ total: before[type]!.total - 250, expired: 0 });
    }
    const batches = await rows(
      'select type, count(*)::int as batches, sum(deleted)::int as deleted, max(deleted)::int as largest from cleanup_batches group by type',
    );
    expect(batches).toHaveLength(TOKEN_TYPES.length);
    for (const { type, batches: count, deleted, largest } of batches) {
      expect({ deleted, batches: count }).toEqual({ deleted: 250, batches: result.byType[String(type)]!.batches });
      // Three at least; more where a machine is so slow that batches get smaller.
      expect(largest).toBeLessThanOrEqual(100);
    }
    expect(result.batches).toBe(batches.reduce((sum, { batches: count }) => sum + (count as number), 0));
  });

  it('of other types is removed where it is named', async () => {
    await rows(`insert into login_attempts (key, failures, expires_at)
      select sha256(n::text::bytea), 1, now() - interval '1 minute' from generate_series(1, 30) n`);
    const { result } = await run({ tokenTypes: ['login_attempt', 'cleanup_run'] });
    expect(result.byType).toMatchObject({ login_attempt: { deleted: 30 }, cleanup_run: { deleted: 0 } });
  });

  it('a refresh token that was used long ago still betrays a thief while its session lives', async () => {
    const { sessionId, refreshToken } = await openSession(tenon, userId);
    await tenon.http.post('/api/v1/auth/refresh').send({ refreshToken }).expect(200);
    await rows(
      `update refresh_tokens set expires_at = now() - interval '8 days', used_at = now() - interval '9 days' where token_hash = $1`,
      hashToken(refreshToken),
    );
    expect((await run({ tokenTypes: ['refresh_token', 'session'] })).result.totalDeleted).toBe(0);
    const { body } = await tenon.http.post('/api/v1/auth/refresh').send({ refreshToken }).expect(401);
    expect(body.code).toBe('refresh_token_reused');
    // The session is over by that, and what is left of it goes once its time has come.
    expect((await run({ tokenTypes: ['refresh_token', 'session'] })).result.totalDeleted).toBe(1);
    await rows(
      `update user_sessions set expires_at = now(), revoked_at = now() - interval '10 minutes' where id = $1`,
      sessionId,
    );
    expect((await run({ tokenTypes: ['session'] })).result.totalDeleted).toBe(0);
    await rows(`update user_sessions set revoked_at = now() - interval '20 minutes' where id = $1`, sessionId);
    expect((await run({ tokenTypes: ['session'] })).result.totalDeleted).toBe(1);
    expect(await rows('select from refresh_tokens where session_id = $1', sessionId)).toEqual([]);
  });

  it('what somebody holds is left for the next run', async () => {
    await fillTokens(tenon.db, { userId, organizationId, expired: 5, live: 0 });
    const holder = await tenon.db.sql.connect();
    try {
      await holder.query('begin; select from password_resets limit 2 for update');
      const { status, result } = await run({ tokenTypes: ['password_reset'] });
      expect({ status, ...result }).toMatchObject({ status: 'completed', totalExpired: 5, totalDeleted: 3 });
    } finally {
      await holder.query('rollback');
      holder.release();
    }
    expect((await run({ tokenTypes: ['password_reset'] })).result.totalDeleted).toBe(2);
  });

  it('clean_expired_sessions() does one batch, and says where the next one starts', async () => {
    await fillTokens(tenon.db, { userId, organizationId, expired: 5, live: 3 });
    const batch = async (after: unknown) =>
      (
        await asSystem(tenon.app.get(EntityManager), (em) =>
          em.execute('select removed, next::text from clean_expired_sessions(2, ?::timestamptz)', [after]),
        )
      )[0] as { removed: number; next: string | null };
    const first = await batch('-infinity');
    expect(first).toEqual({ removed: 2, next: expect.any(String) });
    expect(await batch(first.next)).toMatchObject({ removed: 2 });
    expect(await batch(first.next)).toEqual({ removed: 1, next: null });
    expect(await rows('select from user_sessions where user_id = $1', userId)).toHaveLength(3);
  });
});

describe('C4 a run that is asked for', () => {
  it('case 41: a dry run changes nothing, and counts what the real run that follows removes', async () => {
    await fillTokens(tenon.db, { userId, organizationId, expired: 120, live: 30 });
    const before = await counts();
    const dry = await run({ dryRun: true });
    expect(dry.status).toBe('completed');
    expect(dry.result).toMatchObject({ totalExpired: 720, totalDeleted: 0, dryRun: true, batches: 0 });
    const after = await counts();
    for (const type of TOKEN_TYPES) expect(after[type]).toEqual(before[type]);
    const real = await run();
    expect(real.result).toMatchObject({ totalExpired: 720, totalDeleted: 720, dryRun: false });
    for (const type of TOKEN_TYPES) expect(real.result.byType[type]!.deleted).toBe(dry.result.byType[type]!.expired);
    expect((await run()).result).toMatchObject({ totalExpired: 0, totalDeleted: 0 });
  });

  it.each([0, -1, 1.5, 1e9, 10_001, '1000', '1;DROP', null, [], {}])(
    'case 43: batch size %j is refused',
    async (size) => {
      const { body } = await ask({ batchSize: size }).expect(400);
      expect(body.errors).toEqual([expect.objectContaining({ field: 'batchSize' })]);
    },
  );

  it.each([[[]], [['user']], [['session', 'session']], [['session; drop table users']], ['session'], [[null]], [null]])(
    'case 43: types %j are refused',
    async (tokenTypes) => {
      const { body } = await ask({ tokenTypes }).expect(400);
      expect(body.code).toBe('validation_failed');
    },
  );

  it('takes the smallest and the largest batch', async () => {
    await fillTokens(tenon.db, { userId, organizationId, expired: 3, live: 0 });
    expect((await run({ batchSize: 1, tokenTypes: ['session'] })).result).toMatchObject({
      totalDeleted: 3,
      batches: 3,
    });
    expect((await run({ batchSize: 10_000, tokenTypes: ['password_reset'] })).result).toMatchObject({ batches: 1 });
  });

  it('leaves who asked for it, and what became of it, in the trail', async () => {
    const { taskId } = await run({ tokenTypes: ['session'], batchSize: 7 });
    const trail = await rows(
      `select action, actor_id, actor_name, outcome, after from audit_log where target_id = $1 order by id`,
      taskId,
    );
    expect(trail).toEqual([
      expect.objectContaining({
        action: 'cleanup.requested',
        actor_id: admin.userId,
        after: { types: 'session', batchSize: 7, dryRun: false },
      }),
      expect.objectContaining({ action: 'cleanup.ended', actor_name: 'cleanup', outcome: 'success' }),
    ]);
  });

  it('case 42: a token that is used while cleanup passes is used once or has expired, never both', async () => {
    for (let round = 0; round < 5; round += 1) {
      const token = `reset-token-of-round-${round}-that-is-long-enough-00`;
      await rows(
        `insert into password_resets (id, user_id, token_hash, created_at, expires_at)
         values ($1, $2, $3, now(), now() + interval '30 milliseconds')`,
        newId(),
        userId,
        hashToken(token),
      );
      const [answers] = await Promise.all([
        atOnce(20, () =>
          tenon.http.post('/api/v1/auth/password/reset').send({ token, password: `long and new ${round} passphrase` }),
        ),
        run({ tokenTypes: ['password_reset'] }),
      ]);
      const statuses = countStatuses(answers);
      expect((statuses[204] ?? 0) + (statuses[400] ?? 0)).toBe(20);
      expect(statuses[204] ?? 0).toBeLessThanOrEqual(1);
      const [left] = await rows(
        'select used_at is not null as used from password_resets where token_hash = $1',
        hashToken(token),
      );
      // Gone, or as the requests were told.
      if (left) expect(left.used).toBe((statuses[204] ?? 0) === 1);
    }
  });
});

describe('C5 the status of a task', () => {
  it('is only there for a run or a report, and for platform admins', async () => {
    await tenon.http.get(`${PATH}/task-status/${newId()}`).set(admin.auth).expect(404);
    await tenon.http.get(`${PATH}/task-status/nothing`).set(admin.auth).expect(400);
    const { auth } = await openSession(tenon, userId);
    await tenon.http.get(`${PATH}/task-status/${newId()}`).set(auth).expect(403);
    await tenon.http.post(`${PATH}/expired-tokens`).set(auth).send({}).expect(403);
    await tenon.http.post(`${PATH}/expired-tokens`).send({}).expect(401);
  });

  it('case 38: a run that is asked for again after its end has one end', async () => {
    const { taskId } = await run({ tokenTypes: ['session'] });
    const em = tenon.app.get(EntityManager);
    const message = await asSystem(em, async () => tenon.app.get(Outbox).add(RUN_TOPIC, { runId: taskId }));
    await expect
      .poll(async () => (await rows('select status from outbox where id = $1', message))[0]?.status)
      .toBe('sent');
    expect(await rows(`select from audit_log where action = 'cleanup.ended' and target_id = $1`, taskId)).toHaveLength(
      1,
    );
  });

  it('a type whose batches fail is told of, and the others have their turn', async () => {
    await fillTokens(tenon.db, { userId, organizationId, expired: 4, live: 0 });
    await rows(
      `create function test_refuse() returns trigger language plpgsql as $$ begin raise 'not this one'; end $$`,
    );
    await rows(
      `create trigger test_refuse before delete on password_resets for each row execute function test_refuse()`,
    );
    try {
      const { status, result } = await run({ tokenTypes: ['password_reset', 'session'] });
      expect(status).toBe('failed');
      expect(result.byType).toMatchObject({ password_reset: { expired: 4, deleted: 0 }, session: { deleted: 4 } });
      expect(result.errors).toEqual([
        { type: 'password_reset', count: 3, message: expect.stringContaining('not this one') },
      ]);
    } finally {
      await rows('drop trigger test_refuse on password_resets');
    }
    expect((await run({ tokenTypes: ['password_reset'] })).result.totalDeleted).toBe(4);
  });

  it('a batch that failed holds nothing any more, or the next one would pass it over and the type be done', async () => {
    await fillTokens(tenon.db, { userId, organizationId, expired: 4, live: 0 });
    const statement = systemStatements(tenon.app.get(EntityManager));
    for (let round = 0; round < 200; round += 1) {
      await expect(
        statement('select 1 / (count(*) - 4) from (select from password_resets for update skip locked) held'),
      ).rejects.toThrow('division by zero');
      expect(await rows('select from password_resets for update skip locked')).toHaveLength(4);
    }
  });
});

describe('C3 statistics and C7 the health check', () => {
  it('count what lives and what has expired, tell what left by day, and recommend', async () => {
    await fillTokens(tenon.db, { userId, organizationId, expired: 12, live: 3 });
    const get = async () =>
      (await tenon.http.get(`${PATH}/statistics?days=3`).set(admin.auth).expect(200)).body as StatisticsView;
    const before = await get();
    expect(before.types.map(({ type }) => type)).toEqual(TYPE_NAMES);
    expect(before.types.find(({ type }) => type === 'invitation')).toMatchObject({ total: 15, active: 3, expired: 12 });
    expect(before.types.find(({ type }) => type === 'invitation')).toMatchObject({
      description: expect.stringContaining('nvitations'),
      kept: '30 days',
    });
    expect(before.types.find(({ type }) => type === 'session')).toMatchObject({ kept: null });
    expect(before.daily).toHaveLength(3);
    expect(before.recommendation).toMatchObject({ action: 'none', batchSize: expect.any(Number) });
    await run();
    const after = await get();
    expect(after.daily.at(-1)!.deleted - before.daily.at(-1)!.deleted).toBe(72);
    expect(after.types.find(({ type }) => type === 'session')).toMatchObject({ expired: 0, oldestExpiredAt: null });
    for (const days of ['0', '366', '1;DROP', '1.5'])
      await tenon.http.get(`${PATH}/statistics`).query({ days }).set(admin.auth).expect(400);
  });

  it('say what is overdue', async () => {
    const check = async () =>
      (await tenon.http.post(`${PATH}/health-check`).set(admin.auth).expect(200)).body as HealthReportView;
    const backlog = async () => (await check()).checks.find(({ name }) => name === 'backlog')!;
    expect(await backlog()).toMatchObject({ status: 'ok' });
    await fillTokens(tenon.db, { userId, organizationId, expired: 1, live: 0 });
    await rows(`update password_resets set expires_at = now() - interval '26 hours'`);
    expect(await backlog()).toEqual({
      name: 'backlog',
      status: 'warning',
      detail: expect.stringContaining('password_reset'),
    });
    expect((await check()).status).not.toBe('healthy');
    const { body } = await tenon.http.get(`${PATH}/statistics`).set(admin.auth).expect(200);
    expect(body.recommendation.action).toBe('run_now');
  });
});
