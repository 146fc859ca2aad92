import { ApiProperty } from '@nestjs/swagger';
import { CursorMeta, PageLinks, PageMeta } from '../../kernel/lists.js';
import { type CleanupBatch, type CleanupRun, RUN_TRIGGERS, type RunTrigger } from '../runs/cleanup-run.entity.js';
import { perSecond, RunView, toRunView } from '../runs/cleanup-runs.view.js';
import type { DayOfType } from './analytics.queries.js';

/** A run as the history has it. */
export class HistoryRunView extends RunView {
  /** What made it begin. */
  @ApiProperty({ enum: RUN_TRIGGERS, example: 'schedule' })
  trigger!: RunTrigger;
  /** The schedule whose slot it was; null where somebody asked. */
  @ApiProperty({ type: String, nullable: true, example: 'cleanup-daily' })
  scheduleId!: string | null;
  /** Share of its batches that failed; null before there was any. */
  @ApiProperty({ type: Number, nullable: true, example: 0 })
  errorRate!: number | null;
}

/** A page of the history. */
export class HistoryPageView {
  /** The runs of this page, the newest first. */
  data!: HistoryRunView[];
  /** Whether and where it goes on. */
  meta!: CursorMeta;
}

/** One transaction that removed something. */
export class BatchView {
  /**
   * What it removed.
   * @example session
   */
  type!: string;
  /**
   * From 1, in its type.
   * @example 1
   */
  number!: number;
  /**
   * Rows that it removed.
   * @example 1000
   */
  deleted!: number;
  /**
   * What it took.
   * @example 6.5
   */
  durationMs!: number;
  /**
   * Rows removed in a second of that.
   * @example 153846
   */
  tokensPerSecond!: number;
  /**
   * When it was done.
   * @example 2026-11-28T02:00:01.000Z
   */
  at!: string;
}

/** A page of the batches of a run. */
export class BatchPageView {
  /** The batches of this page, in their order. */
  data!: BatchView[];
  /** Where this page stands. */
  meta!: PageMeta;
  /** Neighbouring pages. */
  links!: PageLinks;
}

/** How sweeping a type went, day by day. */
export class HistorySeriesView {
  /**
   * The type.
   * @example session
   */
  type!: string;
  /** Rows removed on each of `days`. */
  @ApiProperty({ type: [Number], example: [1200, 0, 980] })
  deleted!: number[];
  /** Rows removed in a second of the batches; null where nothing was removed. */
  @ApiProperty({ type: 'array', items: { type: 'number', nullable: true }, example: [98000, null, 101000] })
  tokensPerSecond!: (number | null)[];
  /** Share of the batches that failed, from 0 to 1; null where there was none. */
  @ApiProperty({ type: 'array', items: { type: 'number', nullable: true }, example: [0, null, 0.25] })
  errorRate!: (number | null)[];
}

/** What the cleanup did, ready for a chart. */
export class HistoryChartView {
  /** What a point stands for. */
  @ApiProperty({ enum: ['day'], example: 'day' })
  interval!: 'day';
  /** The days in UTC, without gaps. */
  @ApiProperty({ type: [String], example: ['2026-11-26', '2026-11-27', '2026-11-28'] })
  days!: string[];
  /** By type, of those that were swept. */
  series!: HistorySeriesView[];
}

export function toHistoryRun(run: CleanupRun): HistoryRunView {
  const view = toRunView(run);
  const { batches, errors } = view.result;
  const failed = errors.reduce((sum, { count }) => sum + count, 0);
  return { ...view, trigger: run.trigger, scheduleId: run.scheduleId ?? null, errorRate: errorRate(failed, batches) };
}

export function toBatchView({ type, number, deleted, durationMs, at }: CleanupBatch): BatchView {
  const tokensPerSecond = perSecond(deleted, durationMs);
  return { type, number, deleted, durationMs, tokensPerSecond, at: at.toISOString() };
}

/** Puts what was done in its places. */
export function toHistoryChart(done: readonly DayOfType[], days: readonly string[]): HistoryChartView {
  const placeOf = new Map(days.map((day, place) => [day, place]));
  const row = <T>(value: T): T[] => Array<T>(days.length).fill(value);
  const series = new Map<string, HistorySeriesView>();
  for (const { type, day, deleted, batches, durationMs, errors } of done) {
    const one = series.get(type) ?? { type, deleted: row(0), tokensPerSecond: row(null), errorRate: row(null) };
    series.set(type, one);
    const place = placeOf.get(day)!;
    one.deleted[place] = deleted;
    one.tokensPerSecond[place] = deleted > 0 ? perSecond(deleted, durationMs) : null;
    one.errorRate[place] = errorRate(errors, batches);
  }
  return { interval: 'day', days: [...days], series: [...series.values()] };
}

const errorRate = (failed: number, batches: number): number | null =>
  failed + batches > 0 ? failed / (failed + batches) : null;
