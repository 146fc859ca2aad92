import { Injectable, Logger } from '@nestjs/common';
import type { Transporter } from 'nodemailer';
import { Env } from '../../config/env.js';
import { type DeliverableMessage, OutboxHandlers, PermanentFailure } from '../jobs/outbox-handlers.js';
import { Links } from './links.js';
import { MailHealth } from './mail-health.js';
import { MAIL_TOPIC, type MailPayload } from './mail.service.js';
import { renderMail } from './templates/index.js';
import { openTransport } from './transport.js';

/** What nodemailer says of a failure. */
interface SmtpError extends Error {
  code?: string;
  responseCode?: number;
  /** The SMTP command that was refused. */
  command?: string;
}

/** Asking for a password, or for TLS, is a matter of MAIL_URL and not of one mail (RFC 4954, 6). */
const CONFIGURATION_CODES = [530, 534, 535, 538];

/** Sends the mails of the outbox. Nobody else opens SMTP. */
@Injectable()
export class MailDelivery {
  private readonly log = new Logger('mail');
  private readonly links: Links;
  private readonly from: Env['mailFrom'];
  private readonly transport: Transporter | null;

  constructor(
    env: Env,
    private readonly health: MailHealth,
    handlers: OutboxHandlers,
  ) {
    this.links = new Links(env.appUrl);
    this.from = env.mailFrom;
    this.transport = env.mailUrl ? openTransport(env.mailUrl) : null;
    handlers.register<MailPayload>(MAIL_TOPIC, (message) => this.deliver(message));
  }

  /** Closes kept connections. */
  close(): void {
    this.transport?.close();
  }

  private async deliver({ id, payload, createdAt }: DeliverableMessage<MailPayload>): Promise<void | 'kept'> {
    const mail = renderMail(payload.template, payload.data, this.links);
    if (!this.transport) {
      this.log.log(`Mail to ${payload.to}: ${mail.subject}\n\n${mail.text}`);
      return 'kept';
    }
    try {
      await this.transport.sendMail({
        from: this.from,
        // As an object, so that no comma in it makes a second recipient.
        to: { name: '', address: payload.to },
        subject: mail.subject,
        text: mail.text,
        html: mail.html,
        date: createdAt,
        // The same on every try, so that a mail that did go twice is recognised as one.
        messageId: `<${id}@${this.from.address.split('@').at(-1)!}>`,
        headers: { 'Auto-Submitted': 'auto-generated' },
      });
    } catch (error) {
      throw this.judge(error as SmtpError);
    }
    this.health.succeeded();
  }

  /**
   * A refusal of this mail (5xx to its recipient or content, RFC 5321, 4.2.1) will not change; everything else may: the
   * server is down, busy, or misconfigured. The server's sentence is kept, the address and the password of it are not.
   */
  private judge({ code, command = '', responseCode = 0, message }: SmtpError): Error {
    const refused = responseCode >= 500 && !CONFIGURATION_CODES.includes(responseCode);
    if (refused && /^(RCPT|DATA)/.test(command)) {
      this.health.succeeded();
      return new PermanentFailure(message);
    }
    if (responseCode >= 400 && responseCode < 500) this.health.succeeded();
    else this.health.failed();
    // Replies to AUTH may repeat what was sent.
    return new Error(
      command.startsWith('AUTH')
        ? `${code}: the mail server refused the login (${responseCode})`
        : `${code}: ${message}`,
    );
  }
}
