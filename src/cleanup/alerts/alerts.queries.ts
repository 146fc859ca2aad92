import type { EntityManager } from '@mikro-orm/postgresql';
import { newId } from '../../kernel/ids.js';
import type { CleanupTrouble } from '../../mail/templates/cleanup-alert.js';
import { LATE_AFTER } from '../reports/reports.queries.js';

/** Fewer rows than these are no trouble. */
const MUCH = 1_000;

/** Types that the last run over them gave up, or did not get to. */
export async function findFailed(em: EntityManager): Promise<CleanupTrouble[]> {
  const rows = await em.execute<{ type: string; message: string | null }[]>(
    `select type, last_error as message from (
       select distinct on (t.type) t.type, t.last_error, r.status = 'failed' and (t.given_up or t.finished_at is null) as failed
         from cleanup_run_types t join cleanup_runs r on r.id = t.run_id
        where r.finished_at > now() - interval '32 days' and not r.dry_run
        order by t.type, r.finished_at desc) latest
      where failed order by type`,
  );
  return rows.map(({ type, message }) => ({ kind: 'failed', type, message: message ?? 'not done' }));
}

/**
 * Types of which, for a day, there have never been as few as there were at the most on the day before. What is swept
 * once a day grows until then, every day, and is no trouble.
 */
export async function findGrowing(em: EntityManager): Promise<CleanupTrouble[]> {
  const rows = await em.execute<{ type: string; expired: string }[]>(
    `select type, max(expired) as expired from cleanup_backlog
      where at > now() - interval '2 days'
      group by type
     having min(expired) filter (where at > now() - interval '1 day')
            > greatest(max(expired) filter (where at <= now() - interval '1 day'), ${MUCH})
        and bool_or(at <= now() - interval '1 day')
      order by type`,
  );
  return rows.map(({ type, expired }) => ({ kind: 'growing', type, expired: Number(expired) }));
}

/**
 * Schedules whose last run was late: nobody was up at its slot, or the queue stood still. Where it was told while there
 * was no run yet, that is enough.
 */
export async function findLate(em: EntityManager): Promise<CleanupTrouble[]> {
  const rows = await em.execute<{ schedule: string; slot: string | Date }[]>(
    `select schedule, slot from (
       select distinct on (schedule_id) schedule_id as schedule, slot, created_at > slot + interval '${LATE_AFTER}' as late
         from cleanup_runs where slot > now() - interval '32 days' order by schedule_id, slot desc) latest
      where late and not exists (
        select from cleanup_alerts where cause = 'missed ' || schedule and raised_at > slot - interval '1 day')
      order by schedule`,
  );
  return rows.map(({ schedule, slot }) => ({ kind: 'late', schedule, at: new Date(slot).toISOString() }));
}

/** Trouble that is over may come again. */
export async function clearOthers(em: EntityManager, causes: string[]): Promise<void> {
  await em.execute(
    `update cleanup_alerts set cleared_at = now()
      where cleared_at is null and not cause = any (array(select jsonb_array_elements_text(?::jsonb)))`,
    [JSON.stringify(causes)],
  );
}

/** Trouble as it was told. */
export interface AlertRow {
  id: string;
  cause: string;
  raised_at: string | Date;
  cleared_at: string | Date | null;
}

/** What is open first, then what is over; of both the newest first. @param after the id of the last one seen. */
export async function listAlerts(em: EntityManager, after: string | null, limit: number): Promise<AlertRow[]> {
  return em.execute<AlertRow[]>(
    `select id, cause, raised_at, cleared_at from cleanup_alerts
      where ?::uuid is null or (cleared_at is null, id) < (select cleared_at is null, id from cleanup_alerts where id = ?)
      order by cleared_at is null desc, id desc limit ?`,
    [after, after, limit],
  );
}

/** @returns whether it is to be told: it is new, and was not told within a day. */
export async function raise(em: EntityManager, cause: string): Promise<boolean> {
  const raised = await em.execute(
    `insert into cleanup_alerts (id, cause, raised_at)
     select ?, ?, now() where not exists (
       select from cleanup_alerts where cause = ? and (cleared_at is null or raised_at > now() - interval '1 day'))
     on conflict do nothing returning 1`,
    [newId(), cause, cause],
  );
  return raised.length > 0;
}
