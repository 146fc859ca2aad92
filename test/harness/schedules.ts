import { setTimeout as sleep } from 'node:timers/promises';
import { type Schedule, Schedules } from '../../src/jobs/schedules.js';
import { Readiness } from '../../src/kernel/readiness.js';
import { startApp, type TestApp } from './app.js';
import type { TestDatabase } from './database.js';

/** An instance with a schedule of the test's own. */
export async function startWithSchedule(
  db: TestDatabase,
  schedule: Pick<Schedule, 'id' | 'run'> & Partial<Schedule>,
  env: Record<string, string> = {},
): Promise<TestApp> {
  const tenon = await startApp({ db, env, ready: false });
  tenon.app.get(Schedules).register({ description: 'For tests', schedule: '0 3 * * *', ...schedule });
  await tenon.app.get(Readiness).startUp((_, error) => Promise.reject(error), sleep);
  return tenon;
}

/** What the queue knows of a schedule. */
export async function schedulerOf(
  { sql }: TestDatabase,
  id: string,
): Promise<{ pattern: string; tz: string; next_run_ms: string } | undefined> {
  return (await sql.query(`select pattern, tz, next_run_ms from bullmq.scheduler where scheduler_id = $1`, [id]))
    .rows[0];
}

/** As if the time of the next slot had come. @returns the name of its job. */
export async function slotComes(db: TestDatabase, id: string): Promise<string> {
  const job = `repeat:${id}:${(await schedulerOf(db, id))!.next_run_ms}`;
  await jobComes(db, job);
  return job;
}

/** As if the time that a job waits for had come. */
export async function jobComes({ sql }: TestDatabase, id: string): Promise<void> {
  await sql.query(
    `update bullmq.job set state = 'waiting', process_at_ms = null
      where queue = 'schedules' and id = $1 and state = 'delayed'`,
    [id],
  );
  await wakeWorkers({ sql });
}

export async function wakeWorkers({ sql }: Pick<TestDatabase, 'sql'>): Promise<void> {
  await sql.query(`select pg_notify('bullmq_jobs', 'schedules')`);
}

/** As if the next slot had been some time ago, and nobody up. @returns the slot. */
export async function slotWas({ sql }: TestDatabase, id: string, hoursAgo: number): Promise<Date> {
  const slot = new Date(Math.floor(Date.now() / 60_000) * 60_000 - hoursAgo * 3_600_000);
  await sql.query(
    `with scheduler as (
       update bullmq.scheduler s set next_run_ms = $2 from bullmq.scheduler was
        where s.scheduler_id = $1 and was.scheduler_id = $1 returning was.next_run_ms as was),
     job as (
       update bullmq.job set id = 'repeat:' || $1 || ':' || $2, process_at_ms = $2
         from scheduler where queue = 'schedules' and id = 'repeat:' || $1 || ':' || was),
     early as (delete from schedule_runs where schedule_id = $1 and slot > now())
     update schedule_slots set slot = to_timestamp($2::bigint / 1000) where schedule_id = $1`,
    [id, slot.getTime()],
  );
  return slot;
}

/** How far the queue is with a job. */
export async function stateOf({ sql }: TestDatabase, job: string): Promise<string | undefined> {
  const { rows } = await sql.query<{ state: string }>(
    `select state from bullmq.job where queue = 'schedules' and id = $1`,
    [job],
  );
  return rows[0]?.state;
}

/** Every run of a schedule, by slot. */
export async function runsOf(
  { sql }: TestDatabase,
  id: string,
): Promise<{ slot: Date; status: string; attempts: number }[]> {
  const { rows } = await sql.query<{ slot: Date; status: string; attempts: number }>(
    `select slot, status, attempts from schedule_runs where schedule_id = $1 order by slot`,
    [id],
  );
  return rows;
}
