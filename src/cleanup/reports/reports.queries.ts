import type { EntityManager } from '@mikro-orm/postgresql';
import type { ExpiringCount } from '../../database/expiring-type.js';
import type { CleanupFigures, ReportedRun } from '../../mail/templates/cleanup-report.js';
import { EXPIRING_TYPES } from '../expiring-types.js';
import { backlogOf, type Recommendation, recommend } from '../statistics/recommendation.js';
import { readDeletedByDay, readRunHealth } from '../statistics/statistics.queries.js';
import type { ReportType } from './cleanup-report.entity.js';

/** How much a report looks back on, in calendar days in UTC, and what one bar of it stands for. */
const PERIODS: Record<ReportType, { length: string; step: string }> = {
  daily: { length: '1 day', step: '1 hour' },
  weekly: { length: '7 days', step: '1 day' },
  monthly: { length: '1 month', step: '1 day' },
};
const MOST_FAILURES = 20;
const MOST_RUNS = 20;
/** What the recommendation is made from, as the statistics' unless they are asked for another time. */
const RECOMMENDED_BY_DAYS = 30;
/** A run that was asked for later than this after its slot is late. Also what `alerts` tell. */
export const LATE_AFTER = '15 minutes';

/** A report that is to be made. */
export interface ReportToMake {
  type: ReportType;
  from: Date;
  until: Date;
}

/**
 * Takes a report on, and says what it is about: of a slot the calendar days (UTC) that were over by then, else as many with
 * the present one, up to now.
 * @returns undefined when it is made already.
 */
export async function beginReport(em: EntityManager, id: string): Promise<ReportToMake | undefined> {
  const [report] = await em.execute<{ type: ReportType; until: string | Date }[]>(
    `select type, coalesce(date_trunc('day', slot, 'UTC'), now()) as until from cleanup_reports where id = ? and status = 'queued' for update`,
    [id],
  );
  if (!report) return undefined;
  const [period] = await em.execute<[{ from: string | Date }]>(
    `select (date_trunc('day', ?::timestamptz at time zone 'UTC' - interval '1 ms') + interval '1 day' - ?::interval)
              at time zone 'UTC' as from`,
    [report.until, PERIODS[report.type].length],
  );
  return { type: report.type, from: new Date(period.from), until: new Date(report.until) };
}

/** What runs did in a time, and how much waits for them now. @param em of a system transaction. */
export async function readFigures(em: EntityManager, { type, from, until }: ReportToMake): Promise<CleanupFigures> {
  const { length, step } = PERIODS[type];
  const series = await em.execute<{ at: string | Date; deleted: string }[]>(
    `select step.at, coalesce(sum(b.deleted), 0) as deleted
       from generate_series(?::timestamptz at time zone 'UTC', ?::timestamptz at time zone 'UTC' - interval '1 ms',
                            ?::interval) utc
      cross join lateral (select utc at time zone 'UTC' as at) step
       left join cleanup_batches b on b.at >= step.at and b.at < least(step.at + ?::interval, ?::timestamptz)
      group by step.at order by step.at`,
    [from, until, step, step, until],
  );
  const times = series.map(({ at }) => new Date(at));
  const counts = await countTypes(em);
  return {
    ...(await readRuns(em, from, until)),
    ...(await readRemoved(em, { from, until, length })),
    recommendation: await readRecommendation(em, [...counts.values()]),
    series: series.map(({ deleted }, n) => ({ at: times[n]!.toISOString(), deleted: Number(deleted) })),
    types: await readTypes(em, counts, from, until),
    backlog: await readBacklog(em, times, until),
    failures: await readFailures(em, from, until),
  };
}

type RunFigures = Pick<CleanupFigures, 'runs' | 'failedRuns' | 'lateRuns' | 'idleRuns'> & { lastRuns: ReportedRun[] };

async function readRuns(em: EntityManager, from: Date, until: Date): Promise<RunFigures> {
  const [{ lastRuns, ...counts }] = await em.execute<[RunFigures]>(
    `with run as (
       select r.id, r.schedule_id, r.created_at, r.started_at, r.finished_at, r.status,
              coalesce(r.created_at > r.slot + interval '${LATE_AFTER}', false) as late,
              (select coalesce(sum(t.deleted), 0) from cleanup_run_types t where t.run_id = r.id) as deleted
         from cleanup_runs r where r.created_at >= ? and r.created_at < ? and not r.dry_run),
     told as (select * from run where deleted > 0 or status = 'failed' or late order by id desc)
     select count(*)::int as runs, count(*) filter (where status = 'failed')::int as "failedRuns",
            count(*) filter (where late)::int as "lateRuns",
            (count(*) - (select count(*) from told))::int as "idleRuns",
            (select coalesce(jsonb_agg(jsonb_build_object(
                      'taskId', id, 'scheduleId', schedule_id, 'at', created_at, 'status', status, 'late', late,
                      'deleted', deleted,
                      'durationMs', round(extract(epoch from finished_at - started_at) * 1000)) order by id desc), '[]')
               from (select * from told limit ${MOST_RUNS}) newest) as "lastRuns"
       from run`,
    [from, until],
  );
  return { ...counts, lastRuns: lastRuns.map((run) => ({ ...run, at: new Date(run.at).toISOString() })) };
}

/** With the same part of the period before: of a day that is not over, up to the same time of the day before. */
async function readRemoved(
  em: EntityManager,
  { from, until, length }: { from: Date; until: Date; length: string },
): Promise<Pick<CleanupFigures, 'deleted' | 'deletedBefore' | 'rowsPerSecond'>> {
  const [removed] = await em.execute<[{ deleted: string; before: string; rate: number }]>(
    `with asked as (select ?::timestamptz as "from", ?::timestamptz as until, ?::interval as length),
     period as (
       select "from", until, ("from" at time zone 'UTC' - length) at time zone 'UTC' as before_from,
              least("from", (until at time zone 'UTC' - length) at time zone 'UTC') as before_until from asked)
     select coalesce(sum(deleted) filter (where at >= period.from), 0) as deleted,
            coalesce(sum(deleted) filter (where at < period.before_until), 0) as before,
            coalesce(round(sum(deleted) filter (where at >= period.from) * 1000
                           / nullif(sum(duration_ms) filter (where at >= period.from), 0)), 0) as rate
       from period join cleanup_batches on at >= period.before_from and at < period.until`,
    [from, until, length],
  );
  return {
    deleted: Number(removed.deleted),
    deletedBefore: Number(removed.before),
    rowsPerSecond: Number(removed.rate),
  };
}

/** One type after the other: each counts a whole table. */
async function countTypes(em: EntityManager): Promise<Map<string, ExpiringCount>> {
  const counts = new Map<string, ExpiringCount>();
  for (const { name, count } of EXPIRING_TYPES) counts.set(name, await count(em));
  return counts;
}

async function readRecommendation(em: EntityManager, counts: ExpiringCount[]): Promise<Recommendation> {
  const daily = await readDeletedByDay(em, RECOMMENDED_BY_DAYS);
  const { rowsPerSecond } = await readRunHealth(em);
  return recommend({ ...backlogOf(counts, daily), now: new Date(), rowsPerSecond });
}

async function readTypes(
  em: EntityManager,
  counts: ReadonlyMap<string, ExpiringCount>,
  from: Date,
  until: Date,
): Promise<CleanupFigures['types']> {
  const rows = await em.execute<{ type: string; deleted: string; errors: string }[]>(
    `select type, sum(deleted) as deleted, sum(errors) as errors from (
       select type, deleted, 0 as errors from cleanup_batches where at >= ? and at < ?
       union all
       select type, 0, t.errors from cleanup_run_types t join cleanup_runs r on r.id = t.run_id
        where r.created_at >= ? and r.created_at < ?) did
      group by type`,
    [from, until, from, until],
  );
  const did = new Map(rows.map((row) => [row.type, row]));
  return [...counts].map(([type, { total, expired }]) => {
    const { deleted, errors } = did.get(type) ?? { deleted: 0, errors: 0 };
    return { type, deleted: Number(deleted), errors: Number(errors), total, expired };
  });
}

async function readBacklog(em: EntityManager, times: Date[], until: Date): Promise<CleanupFigures['backlog']> {
  const rows = await em.execute<{ type: string; n: number; expired: string }[]>(
    `select type, width_bucket(at, array(select value::timestamptz from jsonb_array_elements_text(?::jsonb))) - 1 as n,
            max(expired) as expired
       from cleanup_backlog where at >= ? and at < ? group by type, n`,
    [JSON.stringify(times), times[0], until],
  );
  const lines = new Map<string, (number | null)[]>();
  for (const { type, n, expired } of rows) {
    const line = lines.get(type) ?? times.map(() => null);
    line[n] = Number(expired);
    lines.set(type, line);
  }
  return [...lines].map(([type, expired]) => ({ type, expired }));
}

async function readFailures(em: EntityManager, from: Date, until: Date): Promise<CleanupFigures['failures']> {
  const rows = await em.execute<{ type: string; at: string | Date; message: string | null }[]>(
    `select t.type, r.finished_at as at, t.last_error as message
       from cleanup_run_types t join cleanup_runs r on r.id = t.run_id
      where r.created_at >= ? and r.created_at < ? and r.status = 'failed' and (t.given_up or t.finished_at is null)
      order by r.id desc, t.position limit ${MOST_FAILURES}`,
    [from, until],
  );
  return rows.map(({ type, at, message }) => ({
    type,
    at: new Date(at).toISOString(),
    message: message ?? 'not done',
  }));
}

/** What was made of it, once. */
export async function endReport(
  em: EntityManager,
  id: string,
  { from, until }: ReportToMake,
  figures: CleanupFigures,
): Promise<void> {
  await em.execute(
    `update cleanup_reports set status = 'completed', made_at = clock_timestamp(), period_from = ?, period_until = ?,
            figures = ?::jsonb where id = ?`,
    [from, until, JSON.stringify(figures), id],
  );
}

/** It cannot be made. */
export async function failReport(em: EntityManager, id: string): Promise<void> {
  await em.execute(`update cleanup_reports set status = 'failed' where id = ? and status = 'queued'`, [id]);
}
