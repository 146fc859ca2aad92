import { Injectable } from '@nestjs/common';
import { Env } from '../../config/env.js';
import { OutboxHistory } from '../jobs/outbox-history.js';
import type { OutboxMessage } from '../jobs/outbox.entity.js';
import { Outbox } from '../jobs/outbox.service.js';
import { readCursor, toCursorPage } from '../kernel/lists.js';
import { Links } from './links.js';
import { MAIL_TOPIC, type MailPayload } from './mail.service.js';
import type { MailsQuery } from './mails.dto.js';
import { type MailPage, toView } from './mails.view.js';
import { renderMail } from './templates/index.js';
import type { Mail } from './templates/compose.js';

/** Mails and what became of them, for platform admins. */
@Injectable()
export class MailsQueries {
  constructor(
    private readonly env: Env,
    private readonly history: OutboxHistory,
    private readonly outbox: Outbox,
  ) {}

  /** Newest first. @throws Problem `validation_failed` for a cursor of another list. */
  async list({ cursor, limit, to, status, template }: MailsQuery): Promise<MailPage> {
    const rows = await this.history.list({
      topic: MAIL_TOPIC,
      status,
      summary: { ...(to && { to }), ...(template && { template }) },
      before: readCursor(cursor),
      limit,
    });
    const { data, meta } = toCursorPage(rows, limit, ({ id }) => id);
    return { data: data.map((message) => toView(message, this.contentOf(message))), meta };
  }

  /** In production a mail is for its recipient alone: whoever read its token could act in their name. */
  private contentOf({ id, payload: sealed }: OutboxMessage): Mail | null {
    if (this.env.production || !sealed) return null;
    const { template, data } = this.outbox.open<MailPayload>(id, sealed);
    return renderMail(template, data, new Links(this.env.appUrl));
  }
}
