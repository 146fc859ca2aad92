import { Injectable } from '@nestjs/common';
import { Env } from '../../config/env.js';
import { OutboxHistory } from '../jobs/outbox-history.js';
import { type ComponentReport, Readiness } from '../kernel/readiness.js';
import { MAIL_TOPIC } from './mail.service.js';

/** How mail is doing, as seen by this instance. */
export interface MailState {
  /** Whether the mail server took the last mail, or refused it in an orderly way. */
  reachable: boolean;
  lastSuccessAt: Date | null;
  lastFailureAt: Date | null;
  /** Mails that still have to go, of all instances. */
  pending: number;
}

/** Remembers how the mail server answered. A server that is down degrades Tenon; mails wait, and nothing is lost. */
@Injectable()
export class MailHealth {
  private lastSuccessAt: Date | null = null;
  private lastFailureAt: Date | null = null;

  constructor(
    private readonly env: Env,
    private readonly history: OutboxHistory,
    readiness: Readiness,
  ) {
    readiness.addProbe('mail', () => this.report());
  }

  succeeded(): void {
    this.lastSuccessAt = new Date();
  }

  failed(): void {
    this.lastFailureAt = new Date();
  }

  async state(): Promise<MailState> {
    const { lastSuccessAt, lastFailureAt } = this;
    return {
      reachable: (lastFailureAt?.getTime() ?? 0) <= (lastSuccessAt?.getTime() ?? 0),
      lastSuccessAt,
      lastFailureAt,
      pending: await this.history.pending(MAIL_TOPIC),
    };
  }

  private async report(): Promise<ComponentReport> {
    if (!this.env.mailUrl) return { state: 'up', detail: 'MAIL_URL is not set: mails are kept and listed' };
    const { reachable, pending } = await this.state();
    return reachable
      ? { state: 'up' }
      : { state: 'degraded', detail: `the mail server does not take mails; ${pending} wait` };
  }
}
