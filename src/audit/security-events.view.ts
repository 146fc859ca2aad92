import { ApiProperty } from '@nestjs/swagger';
import { CursorMeta, type CursorPage } from '../kernel/lists.js';
import type { AuditEntry, AuditOutcome } from './audit-entry.entity.js';

/** Something that happened to my account. */
export class SecurityEventView {
  /** Sorted by time. */
  @ApiProperty({ format: 'uuid', example: '0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f00' })
  id!: string;
  /** When it happened. */
  @ApiProperty({ format: 'date-time', example: '2026-11-21T08:00:00.000Z' })
  at!: string;
  /** What happened, `area.verb`. */
  @ApiProperty({ example: 'session.revoked' })
  action!: string;
  /** Whether it succeeded or was refused. */
  @ApiProperty({ enum: ['success', 'failure'], example: 'success' })
  outcome!: AuditOutcome;
  /** The same for a person to read. */
  @ApiProperty({ example: 'Session revoked' })
  sentence!: string;
  /** Address that it came from; null where somebody else acted. */
  @ApiProperty({ type: String, nullable: true, example: '203.0.113.7' })
  ip!: string | null;
  /** Program that it came from; null where somebody else acted. */
  @ApiProperty({ type: String, nullable: true, example: 'Mozilla/5.0' })
  userAgent!: string | null;
}

/** One page of my security events, newest first. */
export class SecurityEventsPage implements CursorPage<SecurityEventView> {
  /** The events. */
  @ApiProperty({ type: [SecurityEventView] })
  data!: SecurityEventView[];
  /** Whether and where the list goes on. */
  @ApiProperty({ type: CursorMeta })
  meta!: CursorMeta;
}

/** What an entry is to the person whom it is about. Where another person acted, their address stays theirs. */
export function toSecurityEvent(entry: AuditEntry): SecurityEventView {
  const byAnother =
    (entry.actorKind === 'user' || entry.actorKind === 'service_account') && entry.actorId !== entry.userId;
  return {
    id: entry.id,
    at: entry.occurredAt.toISOString(),
    action: entry.action,
    outcome: entry.outcome,
    sentence: toSentence(entry, byAnother),
    ip: byAnother ? null : (entry.ip ?? null),
    userAgent: byAnother ? null : (entry.userAgent ?? null),
  };
}

/** `password.change_requested`, refused → `Password change requested: refused`; `password.refused` → `Password refused`. */
function toSentence(entry: AuditEntry, byAnother: boolean): string {
  const words = entry.action.replaceAll(/[._-]+/g, ' ');
  const sentence = words.charAt(0).toUpperCase() + words.slice(1);
  const by =
    entry.impersonatorId || byAnother ? ' by an administrator' : entry.actorKind === 'system' ? ' by the system' : '';
  const failed = entry.outcome === 'failure' && !/ (refused|denied|locked)$/.test(words);
  return `${sentence}${by}${failed ? ': refused' : ''}`;
}
