import type { EntityManager } from '@mikro-orm/postgresql';
import { EXPIRING_TYPES } from '../expiring-types.js';
import type { CleanupFigures } from '../../mail/templates/cleanup-report.js';
import type { ReportType } from './cleanup-report.entity.js';

/** How far back a report looks, and what one bar of it stands for. */
const PERIODS: Record<ReportType, { length: string; step: string }> = {
  daily: { length: '1 day', step: '1 hour' },
  weekly: { length: '7 days', step: '1 day' },
  monthly: { length: '1 month', step: '1 day' },
};
const MOST_FAILURES = 20;
/** A run that was asked for later than this after its slot is late. Also what `alerts` tell. */
export const LATE_AFTER = '15 minutes';

/** A report that is to be made. */
export interface ReportToMake {
  type: ReportType;
  from: Date;
  until: Date;
}

/** Takes a report on, and says what it is about. @returns undefined when it is made already. */
export async function beginReport(em: EntityManager, id: string): Promise<ReportToMake | undefined> {
  const [report] = await em.execute<{ type: ReportType; until: string | Date }[]>(
    `select type, coalesce(slot, now()) as until from cleanup_reports where id = ? and status = 'queued' for update`,
    [id],
  );
  if (!report) return undefined;
  const [period] = await em.execute<[{ from: string | Date }]>(
    `select (?::timestamptz at time zone 'UTC' - ?::interval) at time zone 'UTC' as from`,
    [report.until, PERIODS[report.type].length],
  );
  return { type: report.type, from: new Date(period.from), until: new Date(report.until) };
}

/** What runs did in a time, and how much waits for them now. @param em of a system transaction. */
export async function readFigures(em: EntityManager, { type, from, until }: ReportToMake): Promise<CleanupFigures> {
  const { step } = PERIODS[type];
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
  return {
    ...(await readRuns(em, from, until)),
    ...(await readRemoved(em, from, until)),
    series: series.map(({ deleted }, n) => ({ at: times[n]!.toISOString(), deleted: Number(deleted) })),
    types: await readTypes(em, from, until),
    backlog: await readBacklog(em, times, until),
    failures: await readFailures(em, from, until),
  };
}

async function readRuns(
  em: EntityManager,
  from: Date,
  until: Date,
): Promise<Pick<CleanupFigures, 'runs' | 'failedRuns' | 'lateRuns'>> {
  const [runs] = await em.execute<[Pick<CleanupFigures, 'runs' | 'failedRuns' | 'lateRuns'>]>(
    `select count(*)::int as runs, count(*) filter (where status = 'failed')::int as "failedRuns",
            count(*) filter (where created_at > slot + interval '${LATE_AFTER}')::int as "lateRuns"
       from cleanup_runs where created_at >= ? and created_at < ? and not dry_run`,
    [from, until],
  );
  return runs;
}

async function readRemoved(
  em: EntityManager,
  from: Date,
  until: Date,
): Promise<Pick<CleanupFigures, 'deleted' | 'deletedBefore' | 'rowsPerSecond'>> {
  const [removed] = await em.execute<[{ deleted: string; before: string; rate: number }]>(
    `with period as (select ?::timestamptz as "from", ?::timestamptz as until)
     select coalesce(sum(deleted) filter (where at >= period.from), 0) as deleted,
            coalesce(sum(deleted) filter (where at < period.from), 0) as before,
            coalesce(round(sum(deleted) filter (where at >= period.from) * 1000
                           / nullif(sum(duration_ms) filter (where at >= period.from), 0)), 0) as rate
       from period join cleanup_batches on at >= period.from - (period.until - period.from) and at < period.until`,
    [from, until],
  );
  return {
    deleted: Number(removed.deleted),
    deletedBefore: Number(removed.before),
    rowsPerSecond: Number(removed.rate),
  };
}

async function readTypes(em: EntityManager, from: Date, until: Date): Promise<CleanupFigures['types']> {
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
  const types: CleanupFigures['types'] = [];
  for (const type of EXPIRING_TYPES) {
    const { total, expired } = await type.count(em);
    const { deleted, errors } = did.get(type.name) ?? { deleted: 0, errors: 0 };
    types.push({ type: type.name, deleted: Number(deleted), errors: Number(errors), total, expired });
  }
  return types;
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
