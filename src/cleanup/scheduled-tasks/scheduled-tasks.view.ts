import { ApiProperty } from '@nestjs/swagger';
import type { ScheduledTask } from '../../jobs/schedules.js';
import { SCHEDULE_STATUSES, type ScheduleStatus } from '../../jobs/schedule-run.entity.js';

/** A slot counts as missed when its run begins later: jobs wait for each other for some seconds. */
export const LATE_AFTER_MS = 60_000;

/** What became of the last slot of a task. */
export class TaskRunView {
  /**
   * The time that the run stands for.
   * @example 2026-11-28T02:00:00.000Z
   */
  slot!: string;
  /** `failed`: it is tried again up to three times, and then by the next slot. */
  @ApiProperty({ enum: SCHEDULE_STATUSES, example: 'completed' })
  status!: ScheduleStatus;
  /**
   * Whether nobody was up for the slot, so that it was caught up.
   * @example false
   */
  late!: boolean;
  /**
   * How long after its slot it began.
   * @example 0
   */
  lateBySeconds!: number;
  /** From its begin to its end; null before. */
  @ApiProperty({ type: 'integer', nullable: true, example: 120 })
  durationMs!: number | null;
  /**
   * How often it began.
   * @example 1
   */
  attempts!: number;
  /** What it failed with; null when it did not. */
  @ApiProperty({ type: String, nullable: true, example: null })
  error!: string | null;
}

/** Work that the fleet does once in each slot. */
export class ScheduledTaskView {
  /**
   * What it is known by.
   * @example cleanup-daily
   */
  id!: string;
  /**
   * What it does.
   * @example "Removes everything that has expired"
   */
  description!: string;
  /**
   * Five-field cron expression.
   * @example "0 2 * * *"
   */
  schedule!: string;
  /**
   * Time zone in which it is meant.
   * @example UTC
   */
  timezone!: string;
  /**
   * false: it rests, and can be run by hand.
   * @example true
   */
  enabled!: boolean;
  /** When it began last; null before the first time. */
  @ApiProperty({ type: String, format: 'date-time', nullable: true, example: '2026-11-28T02:00:00.000Z' })
  lastRun!: string | null;
  /** When it runs next; null while it rests. */
  @ApiProperty({ type: String, format: 'date-time', nullable: true, example: '2026-11-29T02:00:00.000Z' })
  nextRun!: string | null;
  /** The slot that has no run yet, though it was due five minutes ago; null where there is none. */
  @ApiProperty({ type: String, format: 'date-time', nullable: true, example: null })
  missedSlot!: string | null;
  /**
   * How much waits for it that people expect at its time, such as scheduled changes of features, while it rests.
   * @example 0
   */
  heldUp!: number;
  /** What became of the last run; null before the first one. */
  @ApiProperty({ type: TaskRunView, nullable: true })
  lastResult!: TaskRunView | null;
}

/** A task that will run at once. */
export class QueuedTaskView {
  /**
   * Id of the task.
   * @example cleanup-daily
   */
  id!: string;
  /** Id of this run, for `task-status`. */
  @ApiProperty({ format: 'uuid', example: '0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f00' })
  taskId!: string;
  /** It waits for its turn. */
  @ApiProperty({ enum: ['queued'], example: 'queued' })
  status!: 'queued';
}

export function toTaskView({ last, missed, next, ...task }: ScheduledTask): ScheduledTaskView {
  const lateMs = last ? Math.max(0, last.startedAt.getTime() - last.slot.getTime()) : 0;
  return {
    ...task,
    lastRun: last?.startedAt.toISOString() ?? null,
    nextRun: next?.toISOString() ?? null,
    missedSlot: missed?.toISOString() ?? null,
    lastResult: last && {
      slot: last.slot.toISOString(),
      status: last.status,
      late: lateMs > LATE_AFTER_MS,
      lateBySeconds: Math.round(lateMs / 1_000),
      durationMs: last.finishedAt ? last.finishedAt.getTime() - last.startedAt.getTime() : null,
      attempts: last.attempts,
      error: last.error ?? null,
    },
  };
}
