import { ApiProperty } from '@nestjs/swagger';
import { SCHEDULE_STATUSES, type ScheduleStatus } from '../../jobs/schedule-run.entity.js';
import type { AskedRun } from '../../jobs/schedules.js';
import {
  type CleanupReport,
  REPORT_STATUSES,
  REPORT_TYPES,
  type ReportStatus,
  type ReportType,
} from '../reports/cleanup-report.entity.js';

const ID = '0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f00';

/** Which report it is. */
export class ReportTaskResultView {
  /** Id of the report, which is that of the task. */
  @ApiProperty({ format: 'uuid', example: ID })
  reportId!: string;
  /** What it looks back on. */
  @ApiProperty({ enum: REPORT_TYPES, example: 'weekly' })
  reportType!: ReportType;
  /**
   * Where to get it: data, or the page that was mailed, once it is made.
   * @example /api/v1/admin/cleanup/reports/0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f00
   */
  url!: string;
}

/** A report that is to be made, or was. */
export class ReportTaskView {
  /** Id of the task. */
  @ApiProperty({ format: 'uuid', example: ID })
  taskId!: string;
  /** `completed`: it is made and mailed; `failed`: it could not be made. */
  @ApiProperty({ enum: REPORT_STATUSES, example: 'completed' })
  status!: ReportStatus;
  /** Per cent that are done: it is made at once, or not at all. */
  @ApiProperty({ type: 'integer', enum: [0, 100], example: 100 })
  progress!: 0 | 100;
  /**
   * When it was asked for.
   * @example 2026-11-29T03:00:00.100Z
   */
  createdAt!: string;
  /** When it was made; null before, and when it could not be. */
  @ApiProperty({ type: String, format: 'date-time', nullable: true, example: '2026-11-29T03:00:00.400Z' })
  finishedAt!: string | null;
  /** Which report it is. */
  result!: ReportTaskResultView;
}

const SCHEDULED_RUN_STATUSES = ['queued', ...SCHEDULE_STATUSES] as const;

/** How a scheduled task fared. */
export class ScheduledRunResultView {
  /**
   * Id of the scheduled task.
   * @example signing-keys
   */
  id!: string;
  /**
   * How often it began.
   * @example 1
   */
  attempts!: number;
  /** What it failed with; null when it did not. */
  @ApiProperty({ type: String, nullable: true, example: null })
  error!: string | null;
}

/** A run of a scheduled task that somebody asked for. */
export class ScheduledRunView {
  /** Id of the task. */
  @ApiProperty({ format: 'uuid', example: ID })
  taskId!: string;
  /** `failed`: it is tried again up to three times. */
  @ApiProperty({ enum: SCHEDULED_RUN_STATUSES, example: 'completed' })
  status!: 'queued' | ScheduleStatus;
  /** Per cent that are done: how far it is between is not known. */
  @ApiProperty({ type: 'integer', enum: [0, 100], example: 100 })
  progress!: 0 | 100;
  /**
   * When it was asked for.
   * @example 2026-11-29T03:00:00.100Z
   */
  createdAt!: string;
  /** When it ended; null before. */
  @ApiProperty({ type: String, format: 'date-time', nullable: true, example: '2026-11-29T03:00:00.400Z' })
  finishedAt!: string | null;
  /** How it fared. */
  result!: ScheduledRunResultView;
}

export function toScheduledRun({ id, scheduleId, createdAt, run }: AskedRun): ScheduledRunView {
  return {
    taskId: id,
    status: run?.status ?? 'queued',
    progress: run?.status === 'completed' ? 100 : 0,
    createdAt: createdAt.toISOString(),
    finishedAt: run?.finishedAt?.toISOString() ?? null,
    result: { id: scheduleId, attempts: run?.attempts ?? 0, error: run?.error ?? null },
  };
}

export function toReportTask({ id, type, status, createdAt, madeAt }: CleanupReport): ReportTaskView {
  return {
    taskId: id,
    status,
    progress: status === 'completed' ? 100 : 0,
    createdAt: createdAt.toISOString(),
    finishedAt: madeAt?.toISOString() ?? null,
    result: { reportId: id, reportType: type, url: `/api/v1/admin/cleanup/reports/${id}` },
  };
}
