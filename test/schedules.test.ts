import type { Job } from 'bullmq';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ScheduledTaskView } from '../src/cleanup/scheduled-tasks/scheduled-tasks.view.js';
import { OUTBOX_QUEUE } from '../src/jobs/outbox-relay.js';
import { Queues } from '../src/jobs/queues.js';
import { Schedules } from '../src/jobs/schedules.js';
import { startApp, type TestApp } from './harness/app.js';
import { createDatabase, type TestDatabase } from './harness/database.js';
import { type Person, signInAdmin } from './harness/people.js';
import { runsOf, schedulerOf, slotComes, slotWas, startWithSchedule, stateOf } from './harness/schedules.js';

const ID = 'test-nightly';
const PATH = '/api/v1/admin/cleanup/scheduled-tasks';
/** One for all instances: tokens name it. */
const PUBLIC_URL = 'http://tenon.test';

describe('schedules', () => {
  let db: TestDatabase;
  const runs: Date[] = [];
  let instances: TestApp[] = [];
  let admin: Person;

  beforeAll(async () => {
    db = await createDatabase();
  });
  afterAll(async () => {
    await stopAll();
    await db.drop();
  });

  /** An instance whose fleet-wide schedule leaves a trace. */
  const startInstance = (schedule = '0 3 * * *'): Promise<TestApp> =>
    startWithSchedule(db, { id: ID, schedule, run: async (_, slot) => void runs.push(slot) }, { PUBLIC_URL });
  const startThree = async (): Promise<void> => {
    instances = await Promise.all([startInstance(), startInstance(), startInstance()]);
  };
  const stopAll = (): Promise<unknown> => Promise.all(instances.splice(0).map(({ close }) => close()));
  /** As one of the instances shows it. */
  const task = async (by = 0): Promise<ScheduledTaskView> => {
    const { body } = await instances[by]!.http.get(PATH).set(admin.auth).expect(200);
    return (body as ScheduledTaskView[]).find(({ id }) => id === ID)!;
  };

  it('case 39: three instances, one slot, one run', async () => {
    await startThree();
    admin = await signInAdmin(instances[0]!);
    await slotComes(db, ID);
    await expect.poll(() => runs.length).toBe(1);
    // The next slot stands there, and nobody runs it early.
    await expect
      .poll(
        async () =>
          (await db.sql.query(`select 1 from bullmq.job where scheduler_id = '${ID}' and state = 'delayed'`)).rowCount,
      )
      .toBe(1);
    expect(runs).toHaveLength(1);
  });

  it('case 39: a slot that nobody was up for runs once, late, and says so', async () => {
    await stopAll();
    const slot = await slotWas(db, ID, 4);
    await startThree();
    await expect.poll(async () => (await task()).lastResult?.slot).toBe(slot.toISOString());
    await expect.poll(async () => (await task(2)).lastResult?.status).toBe('completed');
    expect((await task()).lastResult).toMatchObject({ late: true, lateBySeconds: expect.any(Number), attempts: 1 });
    expect((await task()).lastResult!.lateBySeconds).toBeGreaterThanOrEqual(4 * 3_600);
    expect(runs.slice(1)).toEqual([slot]);
  });

  it.each([
    ['its job', 3, `delete from bullmq.job where id like 'repeat:${ID}:%'`],
    ['everything', 2, `delete from bullmq.job; delete from bullmq.scheduler`],
  ])('case 39: a slot is run once, late, when the queue has lost %s', async (_, hoursAgo, loss) => {
    await stopAll();
    const before = runs.length;
    const slot = await slotWas(db, ID, hoursAgo);
    await db.sql.query(loss);
    await startThree();
    await expect.poll(async () => (await task(1)).lastResult?.slot).toBe(slot.toISOString());
    await expect.poll(async () => (await task(1)).lastResult).toMatchObject({ status: 'completed', late: true });
    expect(runs.slice(before)).toEqual([slot]);
    expect(await schedulerOf(db, ID)).toBeDefined();
  });

  it('case 39: a slot whose job is lost under way is caught up without a start, by whoever looks first', async () => {
    const before = runs.length;
    const slot = await slotWas(db, ID, 1);
    await db.sql.query(`delete from bullmq.job where id like 'repeat:${ID}:%'`);
    expect(await task()).toMatchObject({ missedSlot: slot.toISOString() });
    await Promise.all(instances.map(({ app }) => app.get(Schedules).sweep()));
    await expect.poll(async () => (await task()).lastResult?.slot).toBe(slot.toISOString());
    await expect.poll(async () => (await task()).lastResult).toMatchObject({ status: 'completed', late: true });
    expect(await task()).toMatchObject({ missedSlot: null });
    await Promise.all(instances.map(({ app }) => app.get(Schedules).sweep()));
    expect(runs.slice(before)).toEqual([slot]);
  });

  it('case 39: a clock an hour off has no slot run a second time', async () => {
    const { slot } = (await runsOf(db, ID)).at(-1)!;
    const before = runs.length;
    const job = { name: ID, id: `repeat:${ID}:${slot.getTime()}`, data: {} };
    await Promise.all(
      instances.map(({ app }) => app.get(Schedules).run(job as unknown as Job, new AbortController().signal)),
    );
    expect(runs).toHaveLength(before);
  });

  describe('what one instance is told, every other one does', () => {
    const patch = (by: number, change: object) =>
      instances[by]!.http.patch(`${PATH}/${ID}`).set(admin.auth).send(change).expect(200);
    const outbox = () => instances[0]!.app.get(Queues).queue(OUTBOX_QUEUE);

    /** The slot comes while the queue has not followed the change yet. @returns how often it ran. */
    async function slotComesAfter(change: object): Promise<number> {
      const before = runs.length;
      await outbox().pause();
      await patch(0, change);
      const job = await slotComes(db, ID);
      await expect.poll(() => stateOf(db, job)).toBe('completed');
      await outbox().resume();
      return runs.length - before;
    }

    it('paused: the next slot does not run, and none after it', async () => {
      expect(await slotComesAfter({ enabled: false })).toBe(0);
      await expect.poll(() => schedulerOf(db, ID)).toBeUndefined();
      expect(await task(2)).toMatchObject({ enabled: false, nextRun: null, missedSlot: null });
      expect((await db.sql.query(`select 1 from schedule_slots where schedule_id = $1`, [ID])).rowCount).toBe(0);
    });

    it('run now: once for each time that it is asked for, also while it rests', async () => {
      const before = runs.length;
      for (const { http } of instances.slice(1)) await http.post(`${PATH}/${ID}/run`).set(admin.auth).expect(202);
      await expect.poll(() => runs.length).toBe(before + 2);
      await expect
        .poll(async () => (await runsOf(db, ID)).slice(-2))
        .toMatchObject(Array(2).fill({ status: 'completed', attempts: 1 }));
    });

    it('a time of its own: a slot of the old one does not run, one of the new one does, once', async () => {
      await patch(1, { enabled: true });
      await expect.poll(() => schedulerOf(db, ID)).toMatchObject({ pattern: '0 3 * * *' });
      expect(await slotComesAfter({ schedule: '30 4 * * *', timezone: 'Europe/Vienna' })).toBe(0);
      await expect.poll(() => schedulerOf(db, ID)).toMatchObject({ pattern: '30 4 * * *', tz: 'Europe/Vienna' });
      const before = runs.length;
      await slotComes(db, ID);
      await expect.poll(() => runs.length).toBe(before + 1);
    });

    it('paused and enabled again after a slot was run before its time: the one after it is next', async () => {
      const early = Date.parse((await task()).nextRun!);
      expect((await runsOf(db, ID)).at(-1)!.slot.getTime()).toBe(early);
      await patch(2, { enabled: false });
      await expect.poll(() => schedulerOf(db, ID)).toBeUndefined();
      await patch(2, { enabled: true });
      await expect.poll(() => schedulerOf(db, ID)).toBeDefined();
      expect(Number((await schedulerOf(db, ID))!.next_run_ms)).toBeGreaterThan(early);
      await patch(2, { schedule: null, timezone: null, enabled: null });
      await expect.poll(() => schedulerOf(db, ID)).toMatchObject({ pattern: '0 3 * * *', tz: 'UTC' });
    });
  });

  it('an instance that does not know a schedule leaves it alone when it looks after others', async () => {
    await stopAll();
    const older = await startApp({ db, env: { PUBLIC_URL } });
    instances = [older, await startInstance()];
    await slotWas(db, 'cleanup-report-monthly', 1);
    await db.sql.query(`delete from bullmq.job where id like 'repeat:cleanup-report-monthly:%'`);
    await older.app.get(Schedules).sweep();
    await expect.poll(() => runsOf(db, 'cleanup-report-monthly')).toMatchObject([{ status: 'completed', attempts: 1 }]);
    expect(await schedulerOf(db, ID)).toBeDefined();
    expect(await task(1)).toMatchObject({ enabled: true, missedSlot: null });
    expect((await db.sql.query(`select 1 from schedule_slots where schedule_id = $1`, [ID])).rowCount).toBe(1);
  });

  it('follows a schedule that was changed, and forgets one that is gone', async () => {
    await stopAll();
    instances = [await startInstance('30 4 * * 1')];
    expect(await schedulerOf(db, ID)).toMatchObject({ pattern: '30 4 * * 1', tz: 'UTC' });
    await stopAll();
    instances = [await startApp({ db })];
    expect(await schedulerOf(db, ID)).toBeUndefined();
  });
});
