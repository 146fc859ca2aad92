import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { AuditService } from '../../audit/audit.service.js';
import { asSystem } from '../../database/tenant-context.js';
import { type DeliverableMessage, OutboxHandlers } from '../../jobs/outbox-handlers.js';
import { StoppedError } from '../../jobs/time-limit.js';
import { Actor } from '../../kernel/actor.js';
import { MailService } from '../../mail/mail.service.js';
import { platformAdmins } from '../../users/platform-admins.js';
import { TYPE_TITLES } from '../expiring-types.js';
import { beginReport, endReport, failReport, readFigures } from './reports.queries.js';

export const REPORT_TOPIC = 'cleanup-report';

/** Which report is asked for. */
export interface ReportMessage {
  reportId: string;
}

/** About 7 minutes, as for runs. */
const POLICY = { timeLimitMs: 60_000, firstDelayMs: 1_000, maxDelayMs: 60_000, maxAttempts: 12 };

/**
 * Makes reports, outside of requests. Figures, entry, mails and "delivered" of the message commit together: killed
 * before, nothing was made; after, nothing is left to do. One report, one mail for each platform admin.
 */
@Injectable()
export class ReportMaker {
  private readonly actor = Actor.system('cleanup');
  /** Beside the transaction of the message. */
  private readonly own: EntityManager;

  constructor(
    private readonly em: EntityManager,
    private readonly audit: AuditService,
    private readonly mail: MailService,
    handlers: OutboxHandlers,
  ) {
    this.own = em.fork({ disableContextResolution: true });
    handlers.register<ReportMessage>(REPORT_TOPIC, (message) => this.handle(message), POLICY);
  }

  private async handle({ payload: { reportId }, attempts, signal }: DeliverableMessage<ReportMessage>): Promise<void> {
    try {
      await this.make(reportId);
    } catch (error) {
      if (attempts + 1 === POLICY.maxAttempts && !(signal.reason instanceof StoppedError))
        await asSystem(this.own, (em) => failReport(em, reportId));
      throw error;
    }
  }

  private async make(id: string): Promise<void> {
    await asSystem(this.em, async (em) => {
      const report = await beginReport(em, id);
      if (!report) return;
      const figures = await readFigures(em, report);
      await endReport(em, id, report, figures);
      const [from, until] = [report.from.toISOString(), report.until.toISOString()];
      for (const { email, name } of await platformAdmins(em))
        this.mail.send('cleanup-report', email, {
          name,
          reportId: id,
          reportType: report.type,
          from,
          until,
          figures,
          titles: TYPE_TITLES,
        });
      this.audit.record(this.actor, 'cleanup.report_made', {
        target: { type: 'cleanup_report', id },
        after: { reportType: report.type, from, until, deleted: figures.deleted, failedRuns: figures.failedRuns },
      });
      await em.flush();
    });
  }
}
