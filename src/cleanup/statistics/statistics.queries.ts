import type { EntityManager } from '@mikro-orm/postgresql';

/** What was removed by day in UTC, the oldest first, also of days on which nothing was. */
export async function readDeletedByDay(em: EntityManager, days: number): Promise<{ date: string; deleted: number }[]> {
  return em.execute(
    `select to_char(day, 'YYYY-MM-DD') as date, coalesce(sum(b.deleted), 0)::int as deleted
       from generate_series((now() at time zone 'UTC')::date - ?::int + 1, (now() at time zone 'UTC')::date, '1 day') day
       left join cleanup_batches b on b.at >= day at time zone 'UTC' and b.at < (day + interval '1 day') at time zone 'UTC'
      group by day order by day`,
    [days],
  );
}

/** How runs fared lately. */
export interface RunHealth {
  /** Queued or running for more than an hour. */
  stuck: number;
  /** Failed within a day. */
  failed: number;
  /** Rows removed in a second, in the batches of the last week; null when there was none. */
  rowsPerSecond: number | null;
}

export async function readRunHealth(em: EntityManager): Promise<RunHealth> {
  const [health] = await em.execute<[RunHealth]>(
    `select count(*) filter (where status in ('queued', 'running') and created_at < now() - interval '1 hour')::int as stuck,
            count(*) filter (where status = 'failed' and finished_at > now() - interval '1 day')::int as failed,
            (select (sum(deleted) / nullif(sum(duration_ms), 0) * 1000)::float8 from cleanup_batches
              where at > now() - interval '7 days') as "rowsPerSecond"
       from cleanup_runs`,
  );
  return health;
}
