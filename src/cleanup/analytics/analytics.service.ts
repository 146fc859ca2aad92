import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { asSystem } from '../../database/tenant-context.js';
import { type CursorPage, type PageQuery, readCursor, toCursorPage } from '../../kernel/lists.js';
import { problem } from '../../kernel/problem.js';
import type { ExpiringType } from '../../database/expiring-type.js';
import { EXPIRING_TYPES } from '../expiring-types.js';
import { CleanupBatch, CleanupRun } from '../runs/cleanup-run.entity.js';
import type { ForecastQuery, HistoryChartQuery, HistoryQuery } from './analytics.dto.js';
import { readBacklog, readDays, readToday, readWeek, type WeekOfType } from './analytics.queries.js';
import { type BacklogSeries, dayAfter, toBacklogSeries } from './backlog-series.js';
import { forecast, HELD_OUT_DAYS, LEAST_DAYS } from './forecast.js';
import type { ForecastsView, TypeForecastView } from './forecast.view.js';
import { type HistoryChartView, toHistoryChart } from './history.view.js';
import { suggest } from './suggestion.js';

/** Half a year: what was before tells little of the next weeks. */
const LEARNT_DAYS = 182;
const QUIET: Omit<WeekOfType, 'type'> = { removedPerDay: 0, rowsPerSecond: null, errorRate: 0 };

/** What the cleanup did, and what it will have to do. */
@Injectable()
export class AnalyticsService {
  constructor(private readonly em: EntityManager) {}

  /** Runs, the newest first. @throws Problem `validation_failed` for a cursor that is none. */
  async history({ cursor, limit, status }: HistoryQuery): Promise<CursorPage<CleanupRun>> {
    const before = readCursor(cursor);
    const runs = await asSystem(this.em, (em) =>
      em.find(
        CleanupRun,
        { ...(before && { id: { $lt: before } }), ...(status && { status }) },
        { orderBy: { id: 'desc' }, limit: limit + 1, populate: ['types'] },
      ),
    );
    return toCursorPage(runs, limit, ({ id }) => id);
  }

  /** The batches of a run, in their order. @throws Problem `not_found`. */
  async batches(runId: string, { page, perPage }: PageQuery): Promise<[CleanupBatch[], number]> {
    return asSystem(this.em, async (em) => {
      if ((await em.count(CleanupRun, runId)) === 0) throw problem('not_found');
      return em.findAndCount(
        CleanupBatch,
        { run: runId },
        { orderBy: { at: 'asc', type: 'asc', number: 'asc' }, limit: perPage, offset: (page - 1) * perPage },
      );
    });
  }

  async chart({ days, type }: HistoryChartQuery): Promise<HistoryChartView> {
    return asSystem(this.em, async (em) => {
      const first = dayAfter(await readToday(em), 1 - days);
      const labels = Array.from({ length: days }, (_, at) => dayAfter(first, at));
      return toHistoryChart(await readDays(em, days, type), labels);
    });
  }

  /** Forecasts what will have expired of each type, or of one, and suggests how to sweep it. */
  async forecasts({ type: only, days }: ForecastQuery): Promise<ForecastsView> {
    const [today, points, weeks] = await asSystem(this.em, async (em) => [
      await readToday(em),
      await readBacklog(em, LEARNT_DAYS),
      await readWeek(em),
    ]);
    const week = new Map(weeks.map((one) => [one.type, one]));
    return {
      generatedAt: new Date().toISOString(),
      types: EXPIRING_TYPES.filter(({ name }) => name === (only ?? name)).map((type) => {
        const series = toBacklogSeries(
          points.filter((point) => point.type === type.name),
          today,
        );
        return toForecast(type, series, week.get(type.name) ?? QUIET, days);
      }),
    };
  }
}

function toForecast(
  { name: type, hourly }: ExpiringType,
  { from, values, recorded }: BacklogSeries,
  week: Omit<WeekOfType, 'type'>,
  days: number,
): TypeForecastView {
  const history = { from, days: values.length, recordedDays: recorded };
  if (recorded < LEAST_DAYS || recorded < 0.8 * values.length) {
    const reason =
      recorded < LEAST_DAYS
        ? `${recorded} days are recorded, a forecast needs ${LEAST_DAYS}: two weeks to learn from, one to be tried on`
        : `${values.length - recorded} of ${values.length} days are missing, a forecast bears a fifth of them`;
    const suggestion = suggest({ hourly, ...week, peak: null });
    return { type, status: 'too_little_history', reason, history, evaluation: null, points: [], suggestion };
  }
  const { method, errors, values: coming } = forecast(values, days);
  const rounded = coming.map(Math.round);
  const { naive, 'holt-winters': holtWinters } = errors;
  const reason =
    method === 'naive'
      ? `Holt-Winters was not nearer to the last ${HELD_OUT_DAYS} days than "as on the last day"`
      : `Holt-Winters was nearer to the last ${HELD_OUT_DAYS} days than "as on the last day"`;
  return {
    type,
    status: 'ready',
    reason,
    history,
    evaluation: { heldOutDays: HELD_OUT_DAYS, method, holtWinters, naive },
    points: rounded.map((expired, ahead) => ({ date: dayAfter(from!, values.length + ahead), expired })),
    suggestion: suggest({ hourly, ...week, peak: Math.max(...rounded) }),
  };
}
