import { Injectable } from '@nestjs/common';
import { Env } from '../../config/env.js';
import { Outbox } from '../jobs/outbox.service.js';
import { Links } from './links.js';
import { renderMail, type TemplateData, type TemplateName } from './templates/index.js';

/** The topic under which mails stand in the outbox. */
export const MAIL_TOPIC = 'mail';

/** What the outbox keeps, sealed, until the mail is sent. */
export interface MailPayload {
  template: TemplateName;
  to: string;
  data: TemplateData<TemplateName>;
}

export interface MailOptions {
  /** Names the cause: of several mails with one key, one is sent. */
  dedupeKey?: string;
}

/** One mailbox, and nothing that could end a header or begin a second recipient. */
const ONE_ADDRESS = /^[^\p{C}\p{Z}@,;:<>()[\]\\"]+@[^\p{C}\p{Z}@,;:<>()[\]\\"]+$/u;

/** Mails that go out after, and only if, the change that causes them commits. */
@Injectable()
export class MailService {
  private readonly links: Links;

  constructor(
    private readonly outbox: Outbox,
    env: Env,
  ) {
    this.links = new Links(env.appUrl);
  }

  /**
   * Leaves a mail in the ambient EntityManager; it commits with the caller's flush and is sent from there.
   * @param to one address, already validated.
   * @param data may hold a token: it is sealed, and removed once the mail is sent.
   * @returns the id under which the mail is listed.
   * @throws Error for what is not exactly one address.
   */
  send<T extends TemplateName>(template: T, to: string, data: TemplateData<T>, options: MailOptions = {}): string {
    if (!ONE_ADDRESS.test(to)) throw new Error('Not an address that a mail can go to');
    const { subject } = renderMail(template, data, this.links);
    return this.outbox.add(MAIL_TOPIC, { template, to, data } satisfies MailPayload, {
      ...options,
      summary: { template, to, subject },
    });
  }
}
