import { Transform } from 'class-transformer';
import { IsIn, IsOptional, IsString, IsUUID, Length, Matches, MaxLength } from 'class-validator';
import { IsInstant, IsNoLaterThan } from '../kernel/instant.js';
import { CursorQuery } from '../kernel/lists.js';
import type { AuditOutcome } from './audit-entry.entity.js';

/** Which entries of an organization's trail to list. Filters that are given all have to hold. */
export class OrganizationAuditLogQuery extends CursorQuery {
  /**
   * Text to find in action, reason, target, `before`, `after`, address and request, and in the names of who acted and
   * whom it is about: 2 to 100 characters, in any case.
   * @example grace
   */
  @IsOptional()
  @Transform(({ value }: { value: unknown }) => (typeof value === 'string' ? value.normalize('NFC').trim() : value))
  @IsString()
  @Length(2, 100)
  @Matches(/^\P{Cc}*$/u, { message: 'q has to be one line of text' })
  q?: string;

  /**
   * Who acted: the id of a user or a service account.
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
   * The API key by which they acted.
   * @example 0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f00
   */
  @IsOptional()
  @IsUUID()
  apiKeyId?: string;

  /**
   * In which role they acted: a base role, a custom one, `platform-admin`, or `api-key` for whoever acted by one.
   * @example platform-admin
   */
  @IsOptional()
  @MaxLength(100)
  @Matches(/^[a-z0-9._-]+$/, { message: 'actorRole has to be the key of a role such as admin' })
  actorRole?: string;

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

/** Which entries of the trail to list. Filters that are given all have to hold. */
export class AuditLogQuery extends OrganizationAuditLogQuery {
  /**
   * The organization in which it happened.
   * @example 0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f00
   */
  @IsOptional()
  @IsUUID()
  organizationId?: string;
}
