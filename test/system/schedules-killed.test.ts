import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TestApp } from '../harness/app.js';
import { passLocks, passLocksOfKilled } from '../harness/child-instance.js';
import { createDatabase, type TestDatabase } from '../harness/database.js';
import { jobComes, runsOf, slotComes, startWithSchedule, stateOf, wakeWorkers } from '../harness/schedules.js';

const ID = 'test-slow';

describe('case 39: a job that is given twice while its slot runs', () => {
  let db: TestDatabase;
  const instances: TestApp[] = [];
  /** How often it began here, and not in the child. */
  let ran: number;
  let ending: PromiseWithResolvers<void>;
  let child: ChildProcess | undefined;

  beforeEach(async () => {
    db = await createDatabase();
    ran = 0;
    ending = Promise.withResolvers();
  });
  afterEach(async () => {
    ending.resolve();
    child?.kill('SIGKILL');
    child = undefined;
    await Promise.all(instances.splice(0).map(({ close }) => close()));
    await db.drop();
  });

  const start = async (run: (signal: AbortSignal) => Promise<void>): Promise<void> => {
    instances.push(await startWithSchedule(db, { id: ID, run: (signal) => ((ran += 1), run(signal)) }));
  };

  /** Starts an instance of its own, and has it run the slot. */
  async function runInChild(): Promise<{ job: string; said: (word: string) => Promise<void> }> {
    child = spawn('node', ['--import', './test/harness/typescript.mjs', 'test/children/slow-schedule.ts'], {
      env: { ...process.env, NODE_ENV: 'test', DATABASE_URL: db.appUrl, PORT: '0', RATE_LIMITS: 'off' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout!.on('data', (chunk) => (output += String(chunk)));
    const said = async (word: string): Promise<void> =>
      expect.poll(() => output, { timeout: 60_000 }).toMatch(new RegExp(`^${word}$`, 'm'));
    await said('ready');
    const job = await slotComes(db, ID);
    await said('began');
    return { job, said };
  }

  it('by a clock that is an hour ahead: nobody else runs it meanwhile, and nobody afterwards', async () => {
    for (let n = 0; n < 3; n += 1) await start(() => ending.promise);
    const job = await slotComes(db, ID);
    await expect.poll(() => ran).toBe(1);
    // Two looks of BullMQ by that clock: every lock has run out long ago.
    for (let look = 0; look < 2; look += 1)
      await db.sql.query(
        `select bullmq.move_stalled_jobs_to_wait('schedules', 1000000, ((extract(epoch from now()) + 3600 + $1) * 1000)::bigint, 0)`,
        [look],
      );
    await wakeWorkers(db);
    await expect.poll(() => stateOf(db, job)).toBe('delayed');
    expect(await runsOf(db, ID)).toMatchObject([{ status: 'running', attempts: 1 }]);
    ending.resolve();
    await expect.poll(() => runsOf(db, ID)).toMatchObject([{ status: 'completed', attempts: 1 }]);
    await jobComes(db, job);
    await expect.poll(() => stateOf(db, job)).toBe('completed');
    expect(ran).toBe(1);
  });

  it('by an instance that stands still: nobody else runs it, and it ends when the instance goes on', async () => {
    const { job, said } = await runInChild();
    child!.kill('SIGSTOP');
    await passLocks(db);
    await start(() => Promise.resolve());
    await expect.poll(() => stateOf(db, job)).toBe('delayed');
    expect(await runsOf(db, ID)).toMatchObject([{ status: 'running', attempts: 1 }]);
    child!.kill('SIGCONT');
    child!.kill('SIGUSR2');
    await said('ended');
    await expect.poll(() => runsOf(db, ID)).toMatchObject([{ status: 'completed', attempts: 1 }]);
    await jobComes(db, job);
    await expect.poll(() => stateOf(db, job)).toBe('completed');
    expect(ran).toBe(0);
  }, 120_000);

  it('case 16: after kill -9 one of two others takes it over, once', async () => {
    const { job } = await runInChild();
    child!.kill('SIGKILL');
    await once(child!, 'exit');
    await passLocksOfKilled(db);
    await Promise.all([start(() => Promise.resolve()), start(() => Promise.resolve())]);
    await expect.poll(() => stateOf(db, job)).toBe('completed');
    expect(ran).toBe(1);
    expect(await runsOf(db, ID)).toMatchObject([{ status: 'completed', attempts: 2 }]);
  }, 120_000);

  it('by an instance whose session of the database is ended: it is told, and the slot is run once more', async () => {
    let told = false;
    await start(async (signal) => {
      if (ran > 1) return;
      signal.addEventListener('abort', () => (told = true));
      await ending.promise;
    });
    const job = await slotComes(db, ID);
    await expect.poll(() => ran).toBe(1);
    const { rowCount } = await db.sql.query(
      `select pg_terminate_backend(pid) from pg_locks join pg_stat_activity using (pid)
        where locktype = 'advisory' and granted and datname = current_database() and application_name = 'tenon-jobs'`,
    );
    expect(rowCount).toBe(1);
    await expect.poll(() => stateOf(db, job)).toBe('completed');
    expect(told).toBe(true);
    expect(ran).toBe(2);
    expect(await runsOf(db, ID)).toMatchObject([{ status: 'completed', attempts: 2 }]);
  });
});
