import { ApiProperty } from '@nestjs/swagger';
import { CursorMeta, type CursorPage } from '../../kernel/lists.js';
import type { CleanupFigures, ReportedRun } from '../../mail/templates/cleanup-report.js';
import { RUN_STATUSES, type RunStatus } from '../runs/cleanup-run.entity.js';
import { RecommendationView } from '../statistics/statistics.view.js';
import {
  type CleanupReport,
  REPORT_STATUSES,
  REPORT_TYPES,
  type ReportStatus,
  type ReportType,
} from './cleanup-report.entity.js';

const ID = '0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f00';

/** A report that was taken on. */
export class QueuedReportView {
  /** Id of the task, and of the report. */
  @ApiProperty({ format: 'uuid', example: ID })
  taskId!: string;
}

/** A report, without its figures. */
export class ReportSummaryView {
  /** Id. */
  @ApiProperty({ format: 'uuid', example: ID })
  id!: string;
  /** What it looks back on. */
  @ApiProperty({ enum: REPORT_TYPES, example: 'weekly' })
  reportType!: ReportType;
  /** `completed`: it is made and mailed; `failed`: it could not be made. */
  @ApiProperty({ enum: REPORT_STATUSES, example: 'completed' })
  status!: ReportStatus;
  /** Begin of what it is about; null until it is made. */
  @ApiProperty({ type: String, format: 'date-time', nullable: true, example: '2026-11-22T03:00:00.000Z' })
  from!: string | null;
  /** End of what it is about, itself not in it; null until it is made. */
  @ApiProperty({ type: String, format: 'date-time', nullable: true, example: '2026-11-29T03:00:00.000Z' })
  until!: string | null;
  /** The time of its schedule; null where somebody asked for it. */
  @ApiProperty({ type: String, format: 'date-time', nullable: true, example: '2026-11-29T03:00:00.000Z' })
  slot!: string | null;
  /**
   * When it was asked for.
   * @example 2026-11-29T03:00:00.100Z
   */
  createdAt!: string;
  /** When it was made; null before. */
  @ApiProperty({ type: String, format: 'date-time', nullable: true, example: '2026-11-29T03:00:00.400Z' })
  madeAt!: string | null;
}

/** What was removed in an hour or a day. */
export class RemovedAtView {
  /**
   * Its begin.
   * @example 2026-11-22T03:00:00.000Z
   */
  at!: string;
  /**
   * Rows that were removed.
   * @example 1200
   */
  deleted!: number;
}

/** One type in a report. */
export class ReportedTypeView {
  /**
   * The type.
   * @example session
   */
  type!: string;
  /**
   * Rows that were removed.
   * @example 1200
   */
  deleted!: number;
  /**
   * Batches that failed.
   * @example 0
   */
  errors!: number;
  /**
   * Rows when the report was made.
   * @example 4000
   */
  total!: number;
  /**
   * Of these, what had expired.
   * @example 12
   */
  expired!: number;
}

/** What had expired of a type and was still there. */
export class ReportedBacklogView {
  /**
   * The type.
   * @example session
   */
  type!: string;
  /** The most in each hour or day of `series`, in its order; null where nobody looked. */
  @ApiProperty({ type: 'array', items: { type: 'integer', nullable: true }, example: [0, 120, null] })
  expired!: (number | null)[];
}

/** A type that a run gave up, or did not get to. */
export class ReportedFailureView {
  /**
   * The type.
   * @example session
   */
  type!: string;
  /**
   * When the run ended.
   * @example 2026-11-22T02:00:01.000Z
   */
  at!: string;
  /**
   * What its last batch failed with.
   * @example "canceling statement due to statement timeout"
   */
  message!: string;
}

/** A run that removed something, failed or came late. */
export class ReportedRunView implements ReportedRun {
  /** Id of its task, for `task-status`. */
  @ApiProperty({ format: 'uuid', example: ID })
  taskId!: string;
  /** The scheduled task that it is a run of; null where somebody asked for it. */
  @ApiProperty({ type: String, nullable: true, example: 'cleanup-daily' })
  scheduleId!: string | null;
  /**
   * When it was asked for.
   * @example 2026-11-22T02:00:00.000Z
   */
  at!: string;
  /** How far it was when the report was made. */
  @ApiProperty({ enum: RUN_STATUSES, example: 'completed' })
  status!: RunStatus;
  /**
   * Whether it came more than 15 minutes after its slot.
   * @example false
   */
  late!: boolean;
  /**
   * Rows that it removed.
   * @example 1200
   */
  deleted!: number;
  /** From its begin to its end; null while it went on. */
  @ApiProperty({ type: 'integer', nullable: true, example: 40 })
  durationMs!: number | null;
}

/** What a report says. */
export class ReportFiguresView implements CleanupFigures {
  /**
   * Runs that were asked for, dry runs aside.
   * @example 175
   */
  runs!: number;
  /**
   * Of these, how many failed.
   * @example 0
   */
  failedRuns!: number;
  /**
   * Of these, how many came more than 15 minutes after their slot.
   * @example 0
   */
  lateRuns!: number;
  /** Of these, how many neither failed nor came late nor removed anything; null in reports of an earlier version. */
  @ApiProperty({ type: 'integer', nullable: true, example: 168 })
  idleRuns!: number | null;
  /** The others, the newest 20, newest first. */
  @ApiProperty({ type: [ReportedRunView] })
  lastRuns!: ReportedRunView[];
  /**
   * Rows that were removed.
   * @example 8400
   */
  deleted!: number;
  /**
   * Rows that were removed in the period before; while the period is not over, up to the same time in that.
   * @example 8000
   */
  deletedBefore!: number;
  /**
   * Rows removed in a second of work.
   * @example 100000
   */
  rowsPerSecond!: number;
  /** What should be done, as it was when the report was made; null in reports of an earlier version. */
  @ApiProperty({ type: RecommendationView, nullable: true })
  recommendation!: RecommendationView | null;
  /** By hour in a daily report, else by day. */
  @ApiProperty({ type: [RemovedAtView] })
  series!: RemovedAtView[];
  /** By type. */
  @ApiProperty({ type: [ReportedTypeView] })
  types!: ReportedTypeView[];
  /** What waited, by type, as it was looked at once an hour. */
  @ApiProperty({ type: [ReportedBacklogView] })
  backlog!: ReportedBacklogView[];
  /** What failed, the newest 20. */
  @ApiProperty({ type: [ReportedFailureView], example: [] })
  failures!: ReportedFailureView[];
}

/** A report. */
export class ReportView extends ReportSummaryView {
  /** What it says; null until it is made. */
  @ApiProperty({ type: ReportFiguresView, nullable: true })
  figures!: ReportFiguresView | null;
}

/** One page of reports, newest first. */
export class ReportPage implements CursorPage<ReportSummaryView> {
  /** The reports. */
  @ApiProperty({ type: [ReportSummaryView] })
  data!: ReportSummaryView[];
  /** Whether and where the list goes on. */
  @ApiProperty({ type: CursorMeta })
  meta!: CursorMeta;
}

type Summarized = 'id' | 'type' | 'status' | 'slot' | 'createdAt' | 'madeAt' | 'periodFrom' | 'periodUntil';

export function toReportSummary(report: Pick<CleanupReport, Summarized>): ReportSummaryView {
  return {
    id: report.id,
    reportType: report.type,
    status: report.status,
    from: report.periodFrom?.toISOString() ?? null,
    until: report.periodUntil?.toISOString() ?? null,
    slot: report.slot?.toISOString() ?? null,
    createdAt: report.createdAt.toISOString(),
    madeAt: report.madeAt?.toISOString() ?? null,
  };
}

export function toReportView(report: CleanupReport): ReportView {
  return { ...toReportSummary(report), figures: report.figures ? filled(report.figures) : null };
}

const filled = (figures: CleanupFigures): ReportFiguresView => ({
  ...figures,
  idleRuns: figures.idleRuns ?? null,
  lastRuns: figures.lastRuns ?? [],
  recommendation: figures.recommendation ?? null,
});
