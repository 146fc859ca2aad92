import { ApiProperty, getSchemaPath } from '@nestjs/swagger';
import { type CleanupRun, type CleanupRunType, RUN_STATUSES, type RunStatus } from './cleanup-run.entity.js';

const ID = '0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f00';

/** A run that was taken on. */
export class QueuedRunView {
  /** Id of the task. */
  @ApiProperty({ format: 'uuid', example: ID })
  taskId!: string;
  /** It waits for its turn. */
  @ApiProperty({ enum: ['queued'], example: 'queued' })
  status!: 'queued';
}

/** What a run did of one type. */
export class TypeResultView {
  /**
   * What had expired when its turn came.
   * @example 1200
   */
  expired!: number;
  /**
   * What is gone.
   * @example 1200
   */
  deleted!: number;
  /**
   * Transactions that removed something.
   * @example 2
   */
  batches!: number;
  /**
   * What they took, without the pauses between them.
   * @example 12
   */
  durationMs!: number;
  /**
   * Rows removed in a second of that.
   * @example 100000
   */
  tokensPerSecond!: number;
  /**
   * Batches that failed; each is tried again, up to three times in a row.
   * @example 0
   */
  errors!: number;
}

/** Batches of one type that failed. */
export class RunErrorView {
  /**
   * The type.
   * @example session
   */
  type!: string;
  /**
   * How many.
   * @example 1
   */
  count!: number;
  /**
   * What the last one failed with.
   * @example "canceling statement due to statement timeout"
   */
  message!: string;
}

/** What a run did so far. */
export class RunResultView {
  /**
   * What had expired.
   * @example 1200
   */
  totalExpired!: number;
  /**
   * What is gone; 0 in a dry run.
   * @example 1200
   */
  totalDeleted!: number;
  /**
   * Whether it only counts.
   * @example false
   */
  dryRun!: boolean;
  /**
   * From its begin to its end, or until now.
   * @example 40
   */
  durationMs!: number;
  /**
   * Rows removed in a second of that.
   * @example 30000
   */
  tokensPerSecond!: number;
  /** By type, in the order of the work. */
  @ApiProperty({
    type: 'object',
    additionalProperties: { $ref: getSchemaPath(TypeResultView) },
    example: {
      session: { expired: 1200, deleted: 1200, batches: 2, durationMs: 12, tokensPerSecond: 100000, errors: 0 },
    },
  })
  byType!: Record<string, TypeResultView>;
  /**
   * Transactions that removed something.
   * @example 2
   */
  batches!: number;
  /** What went wrong, by type; empty when nothing did. */
  @ApiProperty({ type: [RunErrorView], example: [] })
  errors!: RunErrorView[];
}

/** A run of the cleanup. */
export class RunView {
  /** Id of the task. */
  @ApiProperty({ format: 'uuid', example: ID })
  taskId!: string;
  /** `failed`: a type was given up after errors; the others are done. */
  @ApiProperty({ enum: RUN_STATUSES, example: 'completed' })
  status!: RunStatus;
  /**
   * Per cent that are done.
   * @example 100
   */
  @ApiProperty({ type: 'integer', minimum: 0, maximum: 100 })
  progress!: number;
  /**
   * When it was asked for.
   * @example 2026-11-28T02:00:00.000Z
   */
  createdAt!: string;
  /** When it ended; null before. */
  @ApiProperty({ type: String, format: 'date-time', nullable: true, example: '2026-11-28T02:00:02.000Z' })
  finishedAt!: string | null;
  /** What it did so far. */
  result!: RunResultView;
}

export function toRunView(run: CleanupRun, now = Date.now()): RunView {
  const types = run.types.getItems();
  const sum = (of: (one: CleanupRunType) => number): number => types.reduce((total, one) => total + of(one), 0);
  const totalDeleted = sum(({ deleted }) => deleted);
  const durationMs = run.startedAt ? (run.finishedAt?.getTime() ?? now) - run.startedAt.getTime() : 0;
  return {
    taskId: run.id,
    status: run.status,
    progress: run.status === 'completed' ? 100 : Math.floor((100 * sum(shareDone)) / types.length),
    createdAt: run.createdAt.toISOString(),
    finishedAt: run.finishedAt?.toISOString() ?? null,
    result: {
      totalExpired: sum(({ expired }) => expired),
      totalDeleted,
      dryRun: run.dryRun,
      durationMs: Math.max(0, durationMs),
      tokensPerSecond: perSecond(totalDeleted, durationMs),
      byType: Object.fromEntries(types.map((one) => [one.type, toTypeResult(one)])),
      batches: sum(({ batches }) => batches),
      errors: types.flatMap(({ type, errors, lastError }) =>
        errors > 0 ? [{ type, count: errors, message: lastError ?? '' }] : [],
      ),
    },
  };
}

function toTypeResult({ expired, deleted, batches, durationMs, errors }: CleanupRunType): TypeResultView {
  const tokensPerSecond = perSecond(deleted, durationMs);
  return { expired, deleted, batches, durationMs: Math.round(durationMs), tokensPerSecond, errors };
}

function shareDone({ finishedAt, expired, deleted }: CleanupRunType): number {
  if (finishedAt) return 1;
  return expired > 0 ? Math.min(1, deleted / expired) : 0;
}

export const perSecond = (rows: number, ms: number): number => (ms > 0 ? Math.round((rows * 1_000) / ms) : 0);
