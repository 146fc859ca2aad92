import { CronExpressionParser } from 'cron-parser';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { ScheduledTaskView } from '../src/cleanup/scheduled-tasks/scheduled-tasks.view.js';
import type { TestApp } from './harness/app.js';
import { createDatabase, type TestDatabase } from './harness/database.js';
import { signInAdmin } from './harness/people.js';
import { startWithSchedule, wakeWorkers } from './harness/schedules.js';

/** One for all instances: tokens name it. */
const PUBLIC_URL = 'http://tenon.test';
const MINUTE = 60_000;

describe('C2 three instances on one database', () => {
  let db: TestDatabase;
  let instances: TestApp[];
  const seen: { instance: number; slot: string }[] = [];

  beforeAll(async () => {
    db = await createDatabase();
    const start = (instance: number): Promise<TestApp> =>
      startWithSchedule(
        db,
        {
          id: 'test-often',
          schedule: '*/5 * * * *',
          run: async (_, slot) => void seen.push({ instance, slot: slot.toISOString() }),
        },
        { PUBLIC_URL },
      );
    instances = await Promise.all([0, 1, 2].map(start));
  });
  afterEach(() => vi.useRealTimers());
  afterAll(async () => {
    await Promise.all(instances.map(({ close }) => close()));
    await db.drop();
  });

  it('an hour of slots, by a clock that is moved: each slot has one run', async () => {
    const admin = await signInAdmin(instances[0]!);
    const { body } = await instances[1]!.http.get('/api/v1/admin/cleanup/scheduled-tasks').set(admin.auth).expect(200);
    const tasks = (body as ScheduledTaskView[]).filter(({ enabled }) => enabled);

    // The clock of the instances, and of what wakes them, is the one of this process. It goes on between two steps.
    vi.useFakeTimers({ toFake: ['Date'], shouldAdvanceTime: true });
    const from = Math.floor(Date.now() / MINUTE) * MINUTE;
    const until = from + 60 * MINUTE;
    const due = tasks
      .flatMap(({ id, schedule, timezone }) => slotsOf(schedule, timezone, from, until).map((slot) => ({ id, slot })))
      .toSorted(byIdAndSlot);
    for (const often of ['test-often', 'cleanup-hourly', 'cleanup-backlog-hourly', 'domains-recheck'])
      expect(due.map(({ id }) => id)).toContain(often);

    for (let now = from + MINUTE; now <= until; now += MINUTE) {
      vi.setSystemTime(now);
      const come = due.filter(({ slot }) => Date.parse(slot) <= now).length;
      await expect
        .poll(
          async () => {
            await wakeWorkers(db);
            return (await ledger(from)).filter(({ status }) => status !== 'running').length;
          },
          { interval: 5 },
        )
        .toBe(come);
    }

    expect(await ledger(from)).toEqual(due.map((slot) => ({ ...slot, status: 'completed', attempts: 1 })));
    const own = due.flatMap(({ id, slot }) => (id === 'test-often' ? slot : []));
    expect(own).toHaveLength(12);
    // One may have come by itself before the clock was moved.
    const moved = seen.map(({ slot }) => slot).filter((slot) => slot >= own[0]!);
    expect(moved.toSorted()).toEqual(own);
    const { rows } = await db.sql.query<{ slot: Date }>(`select slot from cleanup_runs where trigger = 'schedule'
      and schedule_id = 'cleanup-hourly'`);
    const hourly = due.flatMap(({ id, slot }) => (id === 'cleanup-hourly' ? slot : []));
    expect(rows.map(({ slot }) => slot.toISOString())).toEqual(hourly);
    expect(hourly).toHaveLength(1);
  }, 120_000);

  /** What stands in the database of slots after `from`. */
  async function ledger(from: number): Promise<{ id: string; slot: string; status: string; attempts: number }[]> {
    const { rows } = await db.sql.query<{ id: string; slot: Date; status: string; attempts: number }>(
      `select schedule_id as id, slot, status, attempts from schedule_runs where slot > $1`,
      [new Date(from)],
    );
    return rows.map((row) => ({ ...row, slot: row.slot.toISOString() })).toSorted(byIdAndSlot);
  }
});

/** The slots after `from`, up to and with `until`. */
function slotsOf(schedule: string, tz: string, from: number, until: number): string[] {
  const slots: string[] = [];
  const times = CronExpressionParser.parse(schedule, { tz, currentDate: new Date(from) });
  for (let slot = times.next(); slot.getTime() <= until; slot = times.next()) slots.push(slot.toDate().toISOString());
  return slots;
}

const byIdAndSlot = (one: { id: string; slot: string }, other: { id: string; slot: string }): number =>
  one.id === other.id ? Date.parse(one.slot) - Date.parse(other.slot) : one.id < other.id ? -1 : 1;
