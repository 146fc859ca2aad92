import { setTimeout as sleep } from 'node:timers/promises';
import type { Job } from 'bullmq';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Schedules } from '../src/jobs/schedules.js';
import { Readiness } from '../src/kernel/readiness.js';
import { startApp, type TestApp } from './harness/app.js';
import { createDatabase, type TestDatabase } from './harness/database.js';

type Row = Record<string, unknown>;

describe('schedules', () => {
  let db: TestDatabase;
  const runs: string[] = [];
  let instances: TestApp[] = [];

  beforeAll(async () => {
    db = await createDatabase();
  });
  afterAll(async () => {
    await Promise.all(instances.map(({ close }) => close()));
    await db.drop();
  });

  /** An instance whose fleet-wide schedule leaves a trace. */
  async function startInstance(schedule = '0 3 * * *'): Promise<TestApp> {
    const tenon = await startApp({ db, ready: false });
    tenon.app.get(Schedules).register({
      id: 'test-nightly',
      description: 'Leaves a trace',
      schedule,
      run: async () => void runs.push('run'),
    });
    await tenon.app.get(Readiness).startUp((_, error) => Promise.reject(error), sleep);
    return tenon;
  }

  const scheduler = async (): Promise<Row> =>
    (await db.sql.query<Row>(`select * from bullmq.scheduler where scheduler_id = 'test-nightly'`)).rows[0]!;

  /** As if the time of the next slot had come. */
  async function slotComes(): Promise<void> {
    const { next_run_ms } = await scheduler();
    await db.sql.query(
      `update bullmq.job set state = 'waiting', process_at_ms = null where queue = 'schedules' and id = $1`,
      [`repeat:test-nightly:${String(next_run_ms)}`],
    );
    await db.sql.query(`select pg_notify('bullmq_jobs', 'schedules')`);
  }

  it('case 39: two instances, one slot, one run', async () => {
    instances = [await startInstance(), await startInstance()];
    await slotComes();
    await expect.poll(() => runs.length).toBe(1);
    // The next slot stands there, and nobody runs it early.
    await expect
      .poll(
        async () =>
          (await db.sql.query(`select 1 from bullmq.job where scheduler_id = 'test-nightly' and state = 'delayed'`))
            .rowCount,
      )
      .toBe(1);
    expect(runs).toEqual(['run']);
  });

  it('case 39: a slot that nobody was up for runs once, late', async () => {
    await Promise.all(instances.splice(0).map(({ close }) => close()));
    await slotComes();
    instances = [await startInstance(), await startInstance()];
    await expect.poll(() => runs.length).toBe(2);
  });

  it('case 39: a clock an hour off has no slot run a second time', async () => {
    const { rows } = await db.sql.query<{ slot: Date }>(
      `select max(slot) as slot from schedule_runs where schedule_id = 'test-nightly'`,
    );
    const before = runs.length;
    const job = { name: 'test-nightly', id: `repeat:test-nightly:${rows[0]!.slot.getTime()}`, data: {} };
    await Promise.all(
      instances.map(({ app }) => app.get(Schedules).run(job as unknown as Job, new AbortController().signal)),
    );
    expect(runs).toHaveLength(before);
  });

  it('follows a schedule that was changed, and forgets one that is gone', async () => {
    await Promise.all(instances.splice(0).map(({ close }) => close()));
    instances = [await startInstance('30 4 * * 1')];
    expect(await scheduler()).toMatchObject({ pattern: '30 4 * * 1', tz: 'UTC' });
    await instances.pop()!.close();
    instances = [await startApp({ db })];
    expect(await scheduler()).toBeUndefined();
  });
});
