import { IsIn, IsOptional, Matches, MaxLength } from 'class-validator';
import { OUTBOX_STATUSES, type OutboxStatus } from '../jobs/outbox.entity.js';
import { CursorQuery } from '../kernel/lists.js';
import { type TemplateName, templates } from './templates/index.js';

/** Which mails to list. Filters that are given all have to hold. */
export class MailsQuery extends CursorQuery {
  /**
   * Recipient, exactly.
   * @example kim@example.com
   */
  @IsOptional()
  @MaxLength(320)
  @Matches(/^[^\p{C}\p{Z}]+$/u, { message: 'to has to be an e-mail address' })
  to?: string;

  /**
   * Where the mail stands: waiting to be sent, sent, given up, kept because there is no mail server, or left out
   * because another one told the same.
   * @example sent
   */
  @IsOptional()
  @IsIn(OUTBOX_STATUSES)
  status?: OutboxStatus;

  /**
   * Kind of mail.
   * @example verify-email
   */
  @IsOptional()
  @IsIn(Object.keys(templates))
  template?: TemplateName;
}
