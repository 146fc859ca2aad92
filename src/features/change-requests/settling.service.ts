import type { EntityManager } from '@mikro-orm/postgresql';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { AuditService } from '../../audit/audit.service.js';
import { Actor } from '../../kernel/actor.js';
import { FeatureChanges } from '../feature-changes.js';
import { ChangeRequestMails } from './change-request-mails.js';
import { findUndone } from './change-requests.queries.js';
import { whyOutdated } from './outdated.js';
import { readAllStandings, statusBy } from './standing.js';

/** Keeps requests where policies put them, by whatever way a policy is changed. */
@Injectable()
export class SettlingService implements OnModuleInit {
  constructor(
    private readonly changes: FeatureChanges,
    private readonly mails: ChangeRequestMails,
    private readonly audit: AuditService,
  ) {}

  onModuleInit(): void {
    this.changes.onCommitting(async (em, { entries }) => {
      if (entries.some(({ kind }) => kind === 'policy')) await this.settle(em);
    });
  }

  /** Lets go what waits for no more than was asked until now, and holds up, and asks for, what is not approved enough any more. */
  private async settle(em: EntityManager): Promise<void> {
    const requests = await findUndone(em);
    const standings = await readAllStandings(em, requests);
    for (const request of requests) {
      const { id, title, status: before } = request;
      request.status = statusBy(standings.get(id)!, request);
      if (request.status === before) continue;
      // Nobody can approve what is outdated, and no policy does.
      if (request.status !== 'pending' && (await whyOutdated(em, request)) !== null) {
        request.status = before;
        continue;
      }
      request.updatedAt = new Date();
      if (request.status === 'pending') await this.mails.askApprovers(em, request);
      this.audit.record(Actor.system('feature-changes'), 'feature_change_request.settled', {
        target: { type: 'feature_change_request', id },
        userId: null,
        before: { title, status: before },
        after: { title, status: request.status },
      });
    }
    await em.flush();
  }
}
