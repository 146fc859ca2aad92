import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TYPE_NAMES } from '../src/cleanup/expiring-types.js';
import type { ScheduledTaskView } from '../src/cleanup/scheduled-tasks/scheduled-tasks.view.js';
import { Schedules } from '../src/jobs/schedules.js';
import { entriesOf } from './harness/accounts.js';
import { startApp, type TestApp } from './harness/app.js';
import { type Person, signInAdmin } from './harness/people.js';

const PATH = '/api/v1/admin/cleanup/scheduled-tasks';

let tenon: TestApp;
let admin: Person;
const seen: { id: string; slot: Date }[] = [];

beforeAll(async () => {
  tenon = await startApp({ ready: true });
  const schedules = tenon.app.get(Schedules);
  const common = { description: 'For tests', schedule: '0 3 * * *' };
  schedules.register({ ...common, id: 'test-good', run: async (_, slot) => void seen.push({ id: 'good', slot }) });
  schedules.register({ ...common, id: 'test-throws', run: () => Promise.reject(new Error('always')) });
  schedules.register({ ...common, id: 'test-endless', timeLimitMs: 300, run: () => new Promise(() => undefined) });
  admin = await signInAdmin(tenon);
});
afterAll(() => tenon.close());

const rows = async (sql: string, ...values: unknown[]): Promise<Record<string, unknown>[]> =>
  (await tenon.db.sql.query<Record<string, unknown>>(sql, values)).rows;
const list = async (): Promise<ScheduledTaskView[]> =>
  (await tenon.http.get(PATH).set(admin.auth).expect(200)).body as ScheduledTaskView[];
const task = async (id: string): Promise<ScheduledTaskView> => (await list()).find((one) => one.id === id)!;
const patch = (id: string, body: object) => tenon.http.patch(`${PATH}/${id}`).set(admin.auth).send(body);
const runNow = (id: string) => tenon.http.post(`${PATH}/${id}/run`).set(admin.auth).expect(202);
const inQueue = async (id: string): Promise<unknown> =>
  (await rows('select pattern, tz from bullmq.scheduler where scheduler_id = $1', id))[0];

describe('C8 scheduled tasks', () => {
  it('are all on one page, with what they do and when they run next', async () => {
    const tasks = await list();
    expect(tasks.map(({ id }) => id)).toEqual(tasks.map(({ id }) => id).toSorted());
    const ids = [
      'cleanup-daily',
      'cleanup-hourly',
      'signing-keys',
      'feature-usage',
      'organizations-purge',
      'domains-recheck',
    ];
    expect(tasks.map(({ id }) => id)).toEqual(expect.arrayContaining(ids));
    expect(await task('cleanup-daily')).toEqual({
      id: 'cleanup-daily',
      description: expect.any(String),
      schedule: '0 2 * * *',
      timezone: 'UTC',
      enabled: true,
      lastRun: null,
      nextRun: expect.stringMatching(/T02:00:00\.000Z$/),
      missedSlot: null,
      heldUp: 0,
      lastResult: null,
    });
    for (const type of TYPE_NAMES)
      expect(await task(`cleanup-${type.replaceAll('_', '-')}`)).toMatchObject({ enabled: false, nextRun: null });
  });

  it('can have another schedule, be paused and go back to what the product has, in the queue as on the page', async () => {
    const change = { schedule: '*/30 4 * * MON', timezone: 'Europe/Vienna' };
    const { body } = await patch('cleanup-daily', change).expect(200);
    expect((await tenon.http.get(`${PATH}/cleanup-daily`).set(admin.auth).expect(200)).body).toEqual(body);
    expect(body).toMatchObject({ id: 'cleanup-daily', ...change, enabled: true });
    await expect.poll(() => inQueue('cleanup-daily')).toEqual({ pattern: change.schedule, tz: change.timezone });
    expect((await patch('cleanup-daily', { enabled: false }).expect(200)).body).toMatchObject({
      ...change,
      nextRun: null,
    });
    await expect.poll(() => inQueue('cleanup-daily')).toBeUndefined();
    await patch('cleanup-daily', { schedule: null, timezone: null, enabled: null }).expect(200);
    await expect.poll(() => inQueue('cleanup-daily')).toEqual({ pattern: '0 2 * * *', tz: 'UTC' });
    const trail = await entriesOf(tenon.db, 'schedule.updated');
    expect(trail[0]).toMatchObject({ before: { schedule: '0 2 * * *' }, after: { schedule: change.schedule } });
  });

  it.each([
    { schedule: '* * * *' },
    { schedule: '* * * * * *' },
    { schedule: '0 0 30 2 *' },
    { schedule: '61 * * * *' },
    { schedule: '@daily' },
    { schedule: 'H * * * *' },
    { schedule: '*/99999999999 * * * *' },
    { schedule: '0 2 * * *; drop table users' },
    { schedule: 5 },
    { timezone: 'Mars/Olympus' },
    { timezone: '' },
    { enabled: 'yes' },
    { id: 'other' },
  ])('%j is refused', async (change) => {
    const { body } = await patch('cleanup-daily', change).expect(400);
    expect(body.errors).toEqual([expect.objectContaining({ field: Object.keys(change)[0] })]);
  });

  it('that are not there cannot be changed or run', async () => {
    await tenon.http.get(`${PATH}/nothing`).set(admin.auth).expect(404);
    await patch('nothing', { enabled: false }).expect(404);
    await tenon.http.post(`${PATH}/nothing/run`).set(admin.auth).expect(404);
  });

  it('can be run now, also while they rest', async () => {
    await patch('test-good', { enabled: false }).expect(200);
    await runNow('test-good');
    await expect.poll(async () => (await task('test-good')).lastResult?.status).toBe('completed');
    expect(seen).toHaveLength(1);
    expect((await task('test-good')).lastResult).toMatchObject({ late: false, attempts: 1, error: null });
    expect(await entriesOf(tenon.db, 'schedule.run_requested')).toHaveLength(1);
  });

  it('a type with a schedule of its own leaves by that one alone', async () => {
    await patch('cleanup-rate-limit', { enabled: true }).expect(200);
    await runNow('cleanup-hourly');
    await runNow('cleanup-rate-limit');
    const types = async () =>
      rows(`select schedule_id, array_agg(type order by position) as types from cleanup_runs join cleanup_run_types on run_id = id
             group by schedule_id order by 1`);
    await expect.poll(async () => (await types()).length).toBe(2);
    const [hourly, own] = await types();
    expect(hourly!.types).toContain('password_reset');
    expect(hourly!.types).not.toContain('rate_limit');
    expect(own!.types).toEqual(['rate_limit']);
  });

  it('that are run now are followed by the id of the answer, whatever comes of them', async () => {
    const follow = async (id: string) => {
      const { taskId, ...queued } = (await runNow(id)).body as { taskId: string };
      expect(queued).toEqual({ id, status: 'queued' });
      const status = async () =>
        (await tenon.http.get(`/api/v1/admin/cleanup/task-status/${taskId}`).set(admin.auth).expect(200)).body;
      // Also before it has begun.
      expect((await status()).taskId).toBe(taskId);
      await expect.poll(async () => (await status()).status, { timeout: 20_000 }).toMatch(/completed|failed/);
      return status;
    };
    const good = await follow('test-good');
    expect(await good()).toMatchObject({ progress: 100, result: { id: 'test-good', attempts: 1, error: null } });
    const cleanup = await follow('cleanup-session');
    await expect.poll(cleanup, { timeout: 20_000 }).toMatchObject({
      status: 'completed',
      result: { totalDeleted: 0, byType: { session: { deleted: 0 } } },
    });
    const report = await follow('cleanup-report-daily');
    await expect.poll(report, { timeout: 20_000 }).toMatchObject({
      status: 'completed',
      result: { reportType: 'daily', url: expect.stringContaining('/reports/') },
    });
    const failing = await follow('test-throws');
    expect(await failing()).toMatchObject({ status: 'failed', progress: 0, result: { error: 'always' } });
    await rows(`delete from bullmq.job where queue = 'schedules' and name = 'test-throws'`);
  });
});

describe('case 44: a job that always throws, or never ends', () => {
  it('is a dead letter after its tries, and others are unaffected', async () => {
    await runNow('test-throws');
    await runNow('test-endless');
    for (let attempt = 1; attempt <= 4; attempt += 1) {
      for (const id of ['test-throws', 'test-endless'])
        await expect
          .poll(async () => (await task(id)).lastResult)
          .toMatchObject({ status: 'failed', attempts: attempt });
      if (attempt === 4) break;
      // As if the wait before the next try were over, for both at once: one that is woken alone may be through again before
      // the other waits.
      const due = `queue = 'schedules' and id like 'now-%' and state = 'delayed'`;
      await expect.poll(() => rows(`select from bullmq.job where ${due}`)).toHaveLength(2);
      await rows(`update bullmq.job set state = 'waiting', process_at_ms = null where ${due}`);
      await rows(`select pg_notify('bullmq_jobs', 'schedules')`);
    }
    expect((await task('test-throws')).lastResult?.error).toContain('always');
    expect((await task('test-endless')).lastResult?.error).toContain('took longer than');
    const dead = await rows(`select name from bullmq.job where queue = 'schedules' and state = 'failed' order by name`);
    expect(dead.map(({ name }) => name)).toEqual(['test-endless', 'test-throws']);
    seen.length = 0;
    await runNow('test-good');
    await expect.poll(() => seen.length).toBe(1);
  }, 60_000);
});
