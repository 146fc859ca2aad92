import type { EntityManager } from '@mikro-orm/postgresql';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { FeatureChanges } from '../feature-changes.js';
import { ChangeRequestMails } from './change-request-mails.js';
import { findUndone } from './change-requests.queries.js';
import { promote } from './change-requests.service.js';

/** Keeps requests where policies put them, by whatever way a policy is changed. */
@Injectable()
export class SettlingService implements OnModuleInit {
  constructor(
    private readonly changes: FeatureChanges,
    private readonly mails: ChangeRequestMails,
  ) {}

  onModuleInit(): void {
    this.changes.onCommitting(async (em, { entries }) => {
      if (entries.some(({ kind }) => kind === 'policy')) await this.settle(em);
    });
  }

  /** Lets go what waits for no more than was asked until now, and holds up, and asks for, what is not approved enough any more. */
  private async settle(em: EntityManager): Promise<void> {
    for (const request of await findUndone(em)) {
      const { status } = request;
      await promote(em, request);
      if (request.status === status) continue;
      request.updatedAt = new Date();
      if (request.status === 'pending') await this.mails.askApprovers(em, request);
    }
    await em.flush();
  }
}
