import type { EntityManager } from '@mikro-orm/postgresql';
import { ScheduleRun, ScheduleSettings, ScheduleSlot } from './schedule-run.entity.js';

/** The last run of each schedule. */
export async function readLastRuns(em: EntityManager): Promise<ScheduleRun[]> {
  const runs = await em.execute<{ schedule_id: string; slot: string }[]>(
    'select distinct on (schedule_id) schedule_id, slot from schedule_runs order by schedule_id, slot desc',
  );
  const newest = runs.map(({ schedule_id: scheduleId, slot }) => ({ scheduleId, slot: new Date(slot) }));
  return newest.length > 0 ? em.find(ScheduleRun, { $or: newest }) : [];
}

/** Slots that are due for longer than `time` by the database's clock, and have no run. */
export async function readOverdue(em: EntityManager, time: string): Promise<{ id: string; slot: Date }[]> {
  const rows = await em.execute<{ id: string; slot: string | Date }[]>(
    `select schedule_id as id, slot from schedule_slots where slot < now() - ?::interval`,
    [time],
  );
  return rows.map(({ id, slot }) => ({ id, slot: new Date(slot) }));
}

/**
 * Has each schedule wait for the slot that is `next` in the queue, unless it waits for one already: a queue that lost its
 * jobs has not lost the slots. One that `changed`, rests or is gone waits no longer for what it was due by then.
 * @param of the schedules that this is about; all when left out.
 */
export async function awaitSlots(
  em: EntityManager,
  next: Map<string, Date>,
  { changed, of }: { changed: string[]; of?: string[] },
): Promise<void> {
  const kept = [...next.keys()].filter((id) => !changed.includes(id));
  await em.nativeDelete(ScheduleSlot, { scheduleId: { $nin: kept, ...(of && { $in: of }) } });
  await em.execute(
    `insert into schedule_slots (schedule_id, slot) select key, value::timestamptz from jsonb_each_text(?::jsonb)
     on conflict (schedule_id) do nothing`,
    [JSON.stringify(Object.fromEntries(next))],
  );
}

/** `slot` has come: the schedule waits for the next one. */
export async function awaitNext(em: EntityManager, id: string, slot: Date, next: Date): Promise<void> {
  await em.execute(
    `insert into schedule_slots as s (schedule_id, slot) values (?, ?)
     on conflict (schedule_id) do update set slot = excluded.slot where s.slot <= ?`,
    [id, next, slot],
  );
}

/** @returns false when the slot ran already, by another clock or before its job was acknowledged. */
export async function beginRun(em: EntityManager, id: string, slot: Date): Promise<boolean> {
  const begun = await em.execute(
    `insert into schedule_runs as r (schedule_id, slot, status, attempts, started_at) values (?, ?, 'running', 1, now())
     on conflict (schedule_id, slot) do update set status = 'running', attempts = r.attempts + 1, error = null,
        finished_at = null where r.status <> 'completed' returning 1`,
    [id, slot],
  );
  return begun.length === 1;
}

export async function endRun(em: EntityManager, id: string, slot: Date, error: string | null): Promise<void> {
  await em.execute(
    `update schedule_runs set status = ?, error = ?, finished_at = now() where schedule_id = ? and slot = ?`,
    [error === null ? 'completed' : 'failed', error, id, slot],
  );
}

/** Whether somebody has paused a schedule. @param em of a system transaction. */
export async function isPaused(em: EntityManager, id: string): Promise<boolean> {
  return (await em.count(ScheduleSettings, { id, enabled: false })) > 0;
}
