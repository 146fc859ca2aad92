import { ApiProperty } from '@nestjs/swagger';
import type { ActorKind } from '../kernel/actor.js';
import { CursorMeta, type CursorPage } from '../kernel/lists.js';
import type { AuditData, AuditEntry, AuditOutcome } from './audit-entry.entity.js';

const ID = '0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f00';

/** One entry of the trail, as it was recorded, with names of today. */
export class AuditEntryView {
  /** Sorted by time. */
  @ApiProperty({ format: 'uuid', example: ID })
  id!: string;
  /** When it happened. */
  @ApiProperty({ format: 'date-time', example: '2026-11-21T08:00:00.000Z' })
  occurredAt!: string;
  /** What happened, `area.verb`. */
  @ApiProperty({ example: 'session.revoked' })
  action!: string;
  /** The same for a person to read. Plain text, which holds what people chose: escape it where markup is read. */
  @ApiProperty({ example: 'Grace Hopper changed the role of Ada Lovelace from member to admin' })
  sentence!: string;
  /** Whether it succeeded or was refused. */
  @ApiProperty({ enum: ['success', 'failure'], example: 'success' })
  outcome!: AuditOutcome;
  /** Why, such as the code of a refusal. */
  @ApiProperty({ type: String, nullable: true, example: 'invalid_credentials' })
  reason!: string | null;
  /** Who acted: a person, a service account, nobody known, or Tenon itself. */
  @ApiProperty({ enum: ['anonymous', 'user', 'service_account', 'system'], example: 'user' })
  actorKind!: ActorKind;
  /** The person or service account who acted; in an organization's trail null for a platform admin. */
  @ApiProperty({ type: String, format: 'uuid', nullable: true, example: ID })
  actorId!: string | null;
  /** What they are called now; null once the account is deleted. */
  @ApiProperty({ type: String, nullable: true, example: 'Grace Hopper' })
  actorFullName!: string | null;
  /** Which part of Tenon acted, for the kind `system`. */
  @ApiProperty({ type: String, nullable: true, example: 'cleanup' })
  actorName!: string | null;
  /** Their role in the organization: a base role, a custom one, `platform-admin`, or `api-key` for whoever acted by one. */
  @ApiProperty({ type: String, nullable: true, example: 'admin' })
  actorRole!: string | null;
  /** The platform admin who acted as that person. */
  @ApiProperty({ type: String, format: 'uuid', nullable: true, example: null })
  impersonatorId!: string | null;
  /** The session in which it happened; null where `ip` is. */
  @ApiProperty({ type: String, format: 'uuid', nullable: true, example: ID })
  sessionId!: string | null;
  /** The API key by which they acted. */
  @ApiProperty({ type: String, format: 'uuid', nullable: true, example: null })
  apiKeyId!: string | null;
  /** The person whom it is about. */
  @ApiProperty({ type: String, format: 'uuid', nullable: true, example: ID })
  userId!: string | null;
  /** What that person is called now; null once their account is deleted. */
  @ApiProperty({ type: String, nullable: true, example: 'Ada Lovelace' })
  userFullName!: string | null;
  /** The organization in which it happened. */
  @ApiProperty({ type: String, format: 'uuid', nullable: true, example: null })
  organizationId!: string | null;
  /** Kind of the thing that was acted on. */
  @ApiProperty({ type: String, nullable: true, example: 'session' })
  targetType!: string | null;
  /** Id of the thing that was acted on. */
  @ApiProperty({ type: String, nullable: true, example: ID })
  targetId!: string | null;
  /** What it was before; only the fields that changed. */
  @ApiProperty({ type: 'object', additionalProperties: true, nullable: true, example: { status: 'active' } })
  before!: AuditData | null;
  /** What it is since. */
  @ApiProperty({ type: 'object', additionalProperties: true, nullable: true, example: { status: 'disabled' } })
  after!: AuditData | null;
  /** Address of the caller; in an organization's trail only where a member acted. */
  @ApiProperty({ type: String, nullable: true, example: '203.0.113.7' })
  ip!: string | null;
  /** Program of the caller; null where `ip` is. */
  @ApiProperty({ type: String, nullable: true, example: 'Mozilla/5.0' })
  userAgent!: string | null;
  /** The request, as its header X-Request-Id said. */
  @ApiProperty({ type: String, nullable: true, example: ID })
  requestId!: string | null;
}

/** One page of the trail, newest first. */
export class AuditLogPage implements CursorPage<AuditEntryView> {
  /** The entries. */
  @ApiProperty({ type: [AuditEntryView] })
  data!: AuditEntryView[];
  /** Whether and where the list goes on. */
  @ApiProperty({ type: CursorMeta })
  meta!: CursorMeta;
}

/** What an entry says without the names of today. */
export type EntryFacts = Omit<AuditEntryView, 'sentence' | 'actorFullName' | 'userFullName'>;

/** What was recorded. */
export function toFacts(entry: AuditEntry): EntryFacts {
  return {
    id: entry.id,
    occurredAt: entry.occurredAt.toISOString(),
    action: entry.action,
    outcome: entry.outcome,
    reason: entry.reason ?? null,
    actorKind: entry.actorKind,
    actorId: entry.actorId ?? null,
    actorName: entry.actorName ?? null,
    actorRole: entry.actorRole ?? null,
    impersonatorId: entry.impersonatorId ?? null,
    sessionId: entry.sessionId ?? null,
    apiKeyId: entry.apiKeyId ?? null,
    userId: entry.userId ?? null,
    organizationId: entry.organizationId ?? null,
    targetType: entry.targetType ?? null,
    targetId: entry.targetId ?? null,
    before: entry.before ?? null,
    after: entry.after ?? null,
    ip: entry.ip ?? null,
    userAgent: entry.userAgent ?? null,
    requestId: entry.requestId ?? null,
  };
}

/** @param names of the people in it, of whom the reader may know. */
export function toView(entry: EntryFacts, sentence: string, names: ReadonlyMap<string, string>): AuditEntryView {
  return {
    ...entry,
    sentence,
    actorFullName: names.get(entry.actorId ?? '') ?? null,
    userFullName: names.get(entry.userId ?? '') ?? null,
  };
}
