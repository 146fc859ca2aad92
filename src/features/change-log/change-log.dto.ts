import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsOptional, IsUUID, Matches } from 'class-validator';
import { ENVIRONMENT_KEY, ENVIRONMENT_KEY_MESSAGE } from '../../environments/environments.dto.js';
import { IsInstant, IsNoLaterThan } from '../../kernel/instant.js';
import { CursorQuery } from '../../kernel/lists.js';
import { FEATURE_KEY, FEATURE_KEY_MESSAGE } from '../feature-key.js';
import { CHANGE_KINDS, type ChangeKind } from './feature-change-log.entity.js';
import { IsChangeReason } from './change-reason.dto.js';

/** Which changes of a feature to list. Filters that are given all have to hold. */
export class FeatureChangesQuery extends CursorQuery {
  /**
   * Only those of this environment.
   * @example production
   */
  @IsOptional()
  @Matches(ENVIRONMENT_KEY, ENVIRONMENT_KEY_MESSAGE)
  environment?: string;

  /** Only those of a kind: the `feature` itself, its `configuration` in an environment, a `segment`, a `policy` of approvals. */
  @ApiPropertyOptional({ enum: CHANGE_KINDS, example: 'configuration' })
  @IsOptional()
  @IsIn(CHANGE_KINDS)
  kind?: ChangeKind;

  /**
   * Only what this person changed.
   * @example 0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f00
   */
  @IsOptional()
  @IsUUID()
  actorId?: string;

  /**
   * Earliest time, included: ISO 8601 with a zone, or a date (midnight UTC).
   * @example 2026-11-01T00:00:00Z
   */
  @IsOptional()
  @IsInstant()
  @IsNoLaterThan('to')
  from?: string;

  /**
   * Latest time, excluded: ISO 8601 with a zone, or a date (midnight UTC).
   * @example 2026-12-01T00:00:00Z
   */
  @IsOptional()
  @IsInstant()
  to?: string;
}

/** Which changes to list. Filters that are given all have to hold. */
export class ChangesQuery extends FeatureChangesQuery {
  /**
   * Only those of this feature, and of what it is in environments.
   * @example reports
   */
  @IsOptional()
  @Matches(FEATURE_KEY, FEATURE_KEY_MESSAGE)
  feature?: string;

  /**
   * Only those of this segment.
   * @example beta-testers
   */
  @IsOptional()
  @Matches(FEATURE_KEY, FEATURE_KEY_MESSAGE)
  segment?: string;

  /**
   * Only what this change request has made.
   * @example 0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f00
   */
  @IsOptional()
  @IsUUID()
  changeRequestId?: string;
}

/** Names a change. */
export class ChangePath {
  /**
   * Id of the change.
   * @example 0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f00
   */
  @IsUUID()
  id!: string;
}

export const ROLLBACK_TARGETS = ['before', 'after'] as const;
export type RollbackTarget = (typeof ROLLBACK_TARGETS)[number];

/** Puts what a change was about back to what it was. */
export class RollbackRequest {
  /** As it was `before` that change, which undoes it; or `after` it, which undoes what came later. */
  @ApiPropertyOptional({ enum: ROLLBACK_TARGETS, default: 'before', example: 'before' })
  @IsOptional()
  @IsIn(ROLLBACK_TARGETS)
  to?: RollbackTarget;

  /** Why; it stands in the change log. */
  @IsChangeReason()
  reason?: string | null;
}
