import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { AuditService } from '../../audit/audit.service.js';
import { asSystem } from '../../database/tenant-context.js';
import { Outbox } from '../../jobs/outbox.service.js';
import { Actor } from '../../kernel/actor.js';
import { newId } from '../../kernel/ids.js';
import { problem } from '../../kernel/problem.js';
import { CleanupReport, type ReportType } from './cleanup-report.entity.js';
import { REPORT_TOPIC, type ReportMessage } from './report-maker.js';

/** Reports of the cleanup: asked for and shown here, made by the maker. */
@Injectable()
export class ReportsService {
  constructor(
    private readonly em: EntityManager,
    private readonly outbox: Outbox,
    private readonly audit: AuditService,
  ) {}

  /**
   * Takes a report on, up to the moment at which it is made. While one of that type waits, it is the one that is asked
   * for: each is a mail to every platform admin. @returns its id.
   */
  async request(actor: Actor, type: ReportType): Promise<string> {
    return this.take(actor, type, null);
  }

  /**
   * Takes the report of a schedule's slot on, once, however often and by whoever it is asked for.
   * @param id of the report, where somebody waits for it by that.
   */
  async requestSlot(type: ReportType, slot: Date, id = newId()): Promise<void> {
    await this.take(Actor.system('cleanup'), type, slot, id);
  }

  /** Without their figures, newest first; one more than `limit` says that there are more. */
  async list({ limit, before, type }: { limit: number; before: string | null; type?: ReportType }) {
    return asSystem(this.em, (em) =>
      em.find(
        CleanupReport,
        { ...(type && { type }), ...(before && { id: { $lt: before } }) },
        { orderBy: { id: 'desc' }, limit: limit + 1, exclude: ['figures'] },
      ),
    );
  }

  /** @throws Problem `not_found`. */
  async get(id: string): Promise<CleanupReport> {
    const report = await this.find(id);
    if (!report) throw problem('not_found');
    return report;
  }

  /** A report; null when there is none of that id. */
  async find(id: string): Promise<CleanupReport | null> {
    return asSystem(this.em, (em) => em.findOne(CleanupReport, id));
  }

  private async take(actor: Actor, type: ReportType, slot: Date | null, id = newId()): Promise<string> {
    return asSystem(this.em, async (em) => {
      // Two at once: the second one waits for the first, and then finds its report.
      await em.execute('select pg_advisory_xact_lock(hashtextextended(?, 0))', [`cleanup report ${type}`]);
      const known = await em.findOne(CleanupReport, { type, slot, ...(slot ? {} : { status: 'queued' }) });
      if (known) return known.id;
      em.create(CleanupReport, {
        id,
        type,
        slot,
        status: 'queued',
        requestedBy: actor.userId,
        createdAt: new Date(),
      });
      this.audit.record(actor, 'cleanup.report_requested', {
        target: { type: 'cleanup_report', id },
        userId: null,
        after: { reportType: type, ...(slot && { slot: slot.toISOString() }) },
      });
      this.outbox.add(REPORT_TOPIC, { reportId: id } satisfies ReportMessage, { summary: { report: id } });
      await em.flush();
      return id;
    });
  }
}
