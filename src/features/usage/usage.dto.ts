import { ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsIn, IsInt, IsOptional, IsString, Matches, Max, MaxLength, Min } from 'class-validator';
import { ENVIRONMENT_KEY, ENVIRONMENT_KEY_MESSAGE } from '../../environments/environments.dto.js';
import { IsDay, IsNoLaterThan } from '../../kernel/instant.js';
import { PageQuery } from '../../kernel/lists.js';
import { FEATURE_KEY, FEATURE_KEY_MESSAGE } from '../feature-key.js';

/** Of which days to show how a feature was used. */
export class FeatureUsageQuery {
  /**
   * Key of the environment; `production` when left out, for an API key its own.
   * @example production
   */
  @IsOptional()
  @Matches(ENVIRONMENT_KEY, ENVIRONMENT_KEY_MESSAGE)
  environment?: string;

  /** The first day, in UTC; 29 days before the last one when left out. At most 400 days are shown, both ends included. */
  @ApiPropertyOptional({ type: String, format: 'date', example: '2026-11-01' })
  @IsOptional()
  @IsDay()
  @IsNoLaterThan('to')
  from?: string;

  /** The last day, included; today when left out. */
  @ApiPropertyOptional({ type: String, format: 'date', example: '2026-11-30' })
  @IsOptional()
  @IsDay()
  to?: string;

  /** What a point of a chart stands for. */
  @ApiPropertyOptional({ enum: ['day'], default: 'day', example: 'day' })
  @IsOptional()
  @IsIn(['day'])
  interval?: 'day';
}

/** Of which days, of what and by whom to show how features were used. */
export class UsageQuery extends FeatureUsageQuery {
  /**
   * Only of this feature, and what was asked for all features at once. Without it, and without `userKey`, at most 31 days
   * are shown.
   * @example reports
   */
  @IsOptional()
  @Matches(FEATURE_KEY, FEATURE_KEY_MESSAGE)
  feature?: string;

  /**
   * Only for this user: the targeting key of the contexts. Users are known for 30 days.
   * @example user-4711
   */
  @IsOptional()
  @IsString()
  @MaxLength(2_048)
  userKey?: string;
}

export const STALE_KINDS = ['unused', 'constant', 'expired'] as const;
export type StaleKind = (typeof STALE_KINDS)[number];

/** Which stale features to list. */
export class StaleQuery extends PageQuery {
  /**
   * Key of the environment; `production` when left out.
   * @example production
   */
  @IsOptional()
  @Matches(ENVIRONMENT_KEY, ENVIRONMENT_KEY_MESSAGE)
  environment?: string;

  /** For how many days nobody must have asked for a feature, or it must have been the same. */
  @ApiPropertyOptional({ type: Number, minimum: 7, maximum: 365, default: 30, example: 30 })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(7)
  @Max(365)
  days: number = 30;

  /** Only those that are stale in this way. */
  @ApiPropertyOptional({ enum: STALE_KINDS, example: 'constant' })
  @IsOptional()
  @IsIn(STALE_KINDS)
  kind?: StaleKind;
}
