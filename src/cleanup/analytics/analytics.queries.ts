import type { EntityManager } from '@mikro-orm/postgresql';
import type { BacklogPoint } from './backlog-series.js';

/** The most that had expired at once on each of the last `days`, the oldest first. Today is not over, and does not count. */
export async function readBacklog(em: EntityManager, days: number): Promise<(BacklogPoint & { type: string })[]> {
  return em.execute(
    `select type, to_char(at at time zone 'UTC', 'YYYY-MM-DD') as day, max(expired)::float8 as expired
       from cleanup_backlog
      where at >= ((now() at time zone 'UTC')::date - ?::int)::timestamp at time zone 'UTC'
        and at < (now() at time zone 'UTC')::date::timestamp at time zone 'UTC'
      group by 1, 2 order by 2`,
    [days],
  );
}

/** How sweeping a type went in the last 7 days. */
export interface WeekOfType {
  type: string;
  removedPerDay: number;
  rowsPerSecond: number | null;
  errorRate: number;
}

export async function readWeek(em: EntityManager): Promise<WeekOfType[]> {
  return em.execute(
    `select t.type, sum(t.deleted) / 7.0::float8 as "removedPerDay",
            nullif(sum(t.deleted), 0) / nullif(sum(t.duration_ms), 0)::float8 * 1000 as "rowsPerSecond",
            coalesce(sum(t.errors) / nullif(sum(t.errors + t.batches), 0)::float8, 0) as "errorRate"
       from cleanup_runs r join cleanup_run_types t on t.run_id = r.id
      where r.created_at > now() - interval '7 days' and not r.dry_run group by t.type`,
  );
}

/** What the runs that were asked for on a day did of a type. */
export interface DayOfType {
  type: string;
  day: string;
  deleted: number;
  batches: number;
  durationMs: number;
  errors: number;
}

/** What runs did in the last `days`, today included, by type and day. @param type only this one. */
export async function readDays(em: EntityManager, days: number, type: string | undefined): Promise<DayOfType[]> {
  return em.execute(
    `select t.type, to_char(r.created_at at time zone 'UTC', 'YYYY-MM-DD') as day, sum(t.deleted)::float8 as deleted,
            sum(t.batches)::float8 as batches, sum(t.duration_ms)::float8 as "durationMs", sum(t.errors)::float8 as errors
       from cleanup_runs r join cleanup_run_types t on t.run_id = r.id
      where r.created_at >= ((now() at time zone 'UTC')::date - ?::int + 1)::timestamp at time zone 'UTC'
        and not r.dry_run and t.type = coalesce(?::text, t.type)
      group by 1, 2`,
    [days, type ?? null],
  );
}

/** The day it is for the database, in UTC. */
export async function readToday(em: EntityManager): Promise<string> {
  const [{ today }] = await em.execute<[{ today: string }]>(
    `select to_char(now() at time zone 'UTC', 'YYYY-MM-DD') as today`,
  );
  return today;
}
