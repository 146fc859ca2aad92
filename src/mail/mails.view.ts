import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { OUTBOX_STATUSES, type OutboxMessage, type OutboxStatus } from '../jobs/outbox.entity.js';
import { CursorMeta, type CursorPage } from '../kernel/lists.js';
import type { Mail } from './templates/compose.js';

/** One mail and what became of it. */
export class MailView {
  /** Also in the mail's Message-ID. */
  @ApiProperty({ format: 'uuid', example: '0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f00' })
  id!: string;
  /** Recipient. */
  @ApiProperty({ example: 'kim@example.com' })
  to!: string;
  /** Kind of mail. */
  @ApiProperty({ example: 'verify-email' })
  template!: string;
  /** Subject line. */
  @ApiProperty({ example: 'Confirm your e-mail address' })
  subject!: string;
  /** Where the mail stands. */
  @ApiProperty({ enum: OUTBOX_STATUSES, example: 'sent' })
  status!: OutboxStatus;
  /** Tries that failed. */
  @ApiProperty({ example: 0 })
  attempts!: number;
  /** Why the last try failed. */
  @ApiProperty({ type: String, nullable: true, example: null })
  lastError!: string | null;
  /** When the cause of it was committed. */
  @ApiProperty({ format: 'date-time', example: '2026-11-21T08:00:00.000Z' })
  createdAt!: string;
  /** When the mail server took it. */
  @ApiProperty({ type: String, format: 'date-time', nullable: true, example: '2026-11-21T08:00:01.000Z' })
  sentAt!: string | null;
  /** The text; outside production, until the mail is sent. */
  @ApiPropertyOptional({ example: 'Hello Kim,' })
  text?: string;
  /** The same as HTML; outside production, until the mail is sent. */
  @ApiPropertyOptional({ example: '<p>Hello Kim,</p>' })
  html?: string;
  /** The links in it, with their tokens; outside production, until the mail is sent. */
  @ApiPropertyOptional({ type: [String], example: ['http://127.0.0.1:3000/verify-email?token=…'] })
  links?: string[];
}

/** One page of mails, newest first. */
export class MailPage implements CursorPage<MailView> {
  /** The mails. */
  @ApiProperty({ type: [MailView] })
  data!: MailView[];
  /** Whether and where the list goes on. */
  @ApiProperty({ type: CursorMeta })
  meta!: CursorMeta;
}

/** What a mail is to a platform admin. @param content null where it must not be shown or is gone. */
export function toView(message: OutboxMessage, content: Mail | null): MailView {
  return {
    id: message.id,
    to: String(message.summary.to),
    template: String(message.summary.template),
    subject: String(message.summary.subject),
    status: message.status,
    attempts: message.attempts,
    lastError: message.lastError ?? null,
    createdAt: message.createdAt.toISOString(),
    sentAt: message.sentAt?.toISOString() ?? null,
    ...(content && { text: content.text, html: content.html, links: content.links }),
  };
}
