import { IsIn, IsOptional, IsString, IsUUID, Matches, MaxLength } from 'class-validator';
import { IsInstant } from '../kernel/instant.js';
import { CursorQuery } from '../kernel/lists.js';
import type { AuditOutcome } from './audit-entry.entity.js';

/** Which entries of the trail to list. Filters that are given all have to hold. */
export class AuditLogQuery extends CursorQuery {
  /**
   * Who acted: the id of a user.
   * @example 0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f00
   */
  @IsOptional()
  @IsUUID()
  actorId?: string;

  /**
   * The user whom the entry is about.
   * @example 0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f00
   */
  @IsOptional()
  @IsUUID()
  userId?: string;

  /**
   * The organization in which it happened.
   * @example 0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f00
   */
  @IsOptional()
  @IsUUID()
  organizationId?: string;

  /**
   * What happened: an action, or the beginning of one followed by `.*`.
   * @example session.*
   */
  @IsOptional()
  @MaxLength(100)
  @Matches(/^[a-z0-9_-]+(\.[a-z0-9_-]+)*(\.\*)?$/, { message: 'action has to be like session.revoked or session.*' })
  action?: string;

  /**
   * Whether it succeeded or was refused.
   * @example success
   */
  @IsOptional()
  @IsIn(['success', 'failure'])
  outcome?: AuditOutcome;

  /**
   * Kind of the thing that was acted on.
   * @example user
   */
  @IsOptional()
  @MaxLength(100)
  @Matches(/^[a-zA-Z0-9._-]+$/, { message: 'targetType has to be a word such as user' })
  targetType?: string;

  /**
   * Id of the thing that was acted on.
   * @example 0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f00
   */
  @IsOptional()
  @IsString()
  @MaxLength(255)
  targetId?: string;

  /**
   * The request in which it happened, as its header X-Request-Id said.
   * @example 0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f00
   */
  @IsOptional()
  @IsUUID()
  requestId?: string;

  /**
   * Earliest time, included: ISO 8601 with a zone, or a date (midnight UTC).
   * @example 2026-11-01T00:00:00Z
   */
  @IsOptional()
  @IsInstant()
  from?: string;

  /**
   * Latest time, excluded: ISO 8601 with a zone, or a date (midnight UTC).
   * @example 2026-12-01T00:00:00Z
   */
  @IsOptional()
  @IsInstant()
  to?: string;
}
