import { ApiProperty } from '@nestjs/swagger';
import { ACTIONS, type Action, type Recommendation } from './recommendation.js';

/** How much there is of a type. */
export class TypeStatisticsView {
  /**
   * The type.
   * @example session
   */
  type!: string;
  /**
   * What it is, and when it leaves.
   * @example "Sessions, 7 days after the last refresh or 30 days after sign-in"
   */
  description!: string;
  /** How long a row is kept after it has expired; null: the next sweep removes it. */
  @ApiProperty({ type: String, nullable: true, example: '30 days' })
  kept!: string | null;
  /**
   * Rows in all.
   * @example 1500
   */
  total!: number;
  /**
   * Rows that stay: they live, or something still asks for them.
   * @example 300
   */
  active!: number;
  /**
   * Rows that the next run removes.
   * @example 1200
   */
  expired!: number;
  /** Since when the oldest of these could leave; null when there is none. */
  @ApiProperty({ type: String, format: 'date-time', nullable: true, example: '2026-11-28T02:10:00.000Z' })
  oldestExpiredAt!: string | null;
}

/** What was removed on a day. */
export class DeletedOnDayView {
  /**
   * The day, in UTC.
   * @example 2026-11-28
   */
  date!: string;
  /**
   * Rows that were removed.
   * @example 1200
   */
  deleted!: number;
}

/** What should be done. */
export class RecommendationView implements Recommendation {
  /** `run_now`: something is overdue; `run_more_often`: much expires every day. */
  @ApiProperty({ enum: ACTIONS, example: 'none' })
  action!: Action;
  /**
   * Why.
   * @example "1,200 expired rows leave with the next runs"
   */
  reason!: string;
  /**
   * Rows of a batch that others do not feel.
   * @example 1000
   */
  batchSize!: number;
  /**
   * Five-field cron expression, in UTC.
   * @example "0 2 * * *"
   */
  schedule!: string;
}

/** How much has expired, and how much of it left. */
export class StatisticsView {
  /**
   * When it was counted.
   * @example 2026-11-28T08:00:00.000Z
   */
  generatedAt!: string;
  /** By type, in the order in which they are swept. */
  types!: TypeStatisticsView[];
  /** By day, the oldest first, today included. */
  daily!: DeletedOnDayView[];
  /** What should be done. */
  recommendation!: RecommendationView;
}

/** One thing that was looked at. */
export class HealthCheckView {
  /**
   * What.
   * @example backlog
   */
  name!: string;
  /** How it is. */
  @ApiProperty({ enum: ['ok', 'warning', 'failed'], example: 'ok' })
  status!: 'ok' | 'warning' | 'failed';
  /**
   * What was found.
   * @example "Nothing is overdue"
   */
  detail!: string;
}

/** Whether cleanup does its work. */
export class HealthReportView {
  /** `degraded`: somebody should look; `unhealthy`: something does not run. */
  @ApiProperty({ enum: ['healthy', 'degraded', 'unhealthy'], example: 'healthy' })
  status!: 'healthy' | 'degraded' | 'unhealthy';
  /** What was looked at. */
  checks!: HealthCheckView[];
}
