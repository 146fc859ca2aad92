import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable, Logger } from '@nestjs/common';
import { Env } from '../../../config/env.js';
import { AuditService } from '../../audit/audit.service.js';
import { asSystem } from '../../database/tenant-context.js';
import { Schedules } from '../../jobs/schedules.js';
import { Actor } from '../../kernel/actor.js';
import { Problem } from '../../kernel/problem.js';
import { MailService } from '../../mail/mail.service.js';
import { recordName, recordValue } from './domain-name.js';
import { markFound } from './domains.queries.js';
import { type DueDomain, dueDomains, holdDue, managersOf, markLapsed, markMissing } from './recheck.queries.js';
import { txtRecordsOf } from './txt-records.js';

/** Domains looked for at once; each then holds a connection of the pool for one short transaction. */
const CONCURRENCY = 8;

/**
 * Looks for the records of proven domains again, each about once a day. A missing record is told to owners and admins;
 * after three days the domain is no longer proven. While DNS does not answer, nothing changes.
 */
@Injectable()
export class DomainsRecheck {
  private readonly log = new Logger('domains');
  private readonly actor = Actor.system('domains-recheck');

  constructor(
    private readonly em: EntityManager,
    private readonly audit: AuditService,
    private readonly mail: MailService,
    private readonly env: Env,
    schedules: Schedules,
  ) {
    schedules.register({
      id: 'domains-recheck',
      description: 'Looks for the DNS records of proven domains, each about once a day, and lets domains lapse without',
      schedule: '23 * * * *',
      run: (signal) => this.run(signal),
    });
  }

  /** Each domain is a transaction of its own: a run that is cut short, or runs twice, loses and repeats nothing. */
  private async run(signal: AbortSignal): Promise<void> {
    let unanswered = 0;
    let last: DueDomain | undefined;
    for (;;) {
      const batch = await asSystem(this.em, (em) => dueDomains(em, last));
      if (batch.length === 0) break;
      last = batch.at(-1);
      const queue = batch.values();
      const work = async (): Promise<void> => {
        for (const due of queue) {
          if (signal.aborted) return;
          if (!(await this.check(due))) unanswered += 1;
        }
      };
      await Promise.all(Array.from({ length: CONCURRENCY }, work));
      if (signal.aborted) return;
    }
    if (unanswered > 0) this.log.warn({ domains: unanswered }, 'DNS gave no answer; the next run asks again');
  }

  /** @returns whether DNS answered. */
  private async check(due: DueDomain): Promise<boolean> {
    try {
      const records = await txtRecordsOf(recordName(due.domain), this.env.dnsServers);
      await this.settle(due, records.includes(recordValue(due.challenge)));
      return true;
    } catch (error) {
      if (error instanceof Problem && error.code === 'external_service_failed') return false;
      throw error;
    }
  }

  private async settle(due: DueDomain, found: boolean): Promise<void> {
    await asSystem(this.em, async (em) => {
      const held = await holdDue(em, due);
      if (!held) return;
      if (found) {
        await markFound(em, due);
      } else if (held.lapsed) {
        await markLapsed(em, due);
        this.audit.record(this.actor, 'domain.lapsed', {
          organizationId: due.organizationId,
          target: { type: 'domain', id: due.id },
          before: { domain: due.domain },
        });
        await this.tell(em, 'domain-lapsed', due, held.lapsesAt);
      } else {
        await markMissing(em, due);
        if (held.first) await this.tell(em, 'domain-missing', due, held.lapsesAt);
      }
    });
  }

  private async tell(
    em: EntityManager,
    template: 'domain-missing' | 'domain-lapsed',
    { organizationId, domain }: DueDomain,
    lapsesAt: string,
  ): Promise<void> {
    const { organizationName, managers } = await managersOf(em, organizationId);
    for (const { email, name } of managers)
      this.mail.send(template, email, { name, organizationName, domain, at: new Date(lapsesAt).toISOString() });
  }
}
