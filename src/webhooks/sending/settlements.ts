import { setTimeout as sleep } from 'node:timers/promises';
import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable, Logger } from '@nestjs/common';
import { AuditService } from '../../audit/audit.service.js';
import { asSystem } from '../../database/tenant-context.js';
import { Actor } from '../../kernel/actor.js';
import { MailService } from '../../mail/mail.service.js';
import { managersOf } from '../../organizations/domains/recheck.queries.js';
import { platformAdmins } from '../../users/platform-admins.js';
import { abandonDeliveries } from '../endpoints/webhooks.queries.js';
import { hostOf } from '../endpoints/webhooks.service.js';
import {
  disable,
  holdEndpoints,
  markDeliveries,
  markEndpoints,
  type SendingEndpoint,
  type Settlement,
} from './sending.queries.js';

const GONE = 410;
/** What one transaction writes: with 1 KiB of each answer, half a megabyte. */
const MOST_AT_ONCE = 500;
const AGAIN_MS = 250;

interface Waiting extends Settlement {
  done: () => void;
}

/**
 * Writes down what came of deliveries: one writer in a process, one transaction for all that waits. Receivers decide when
 * they answer, and 2,000 who answered together, each with a transaction of its own, took the pool from everybody.
 */
@Injectable()
export class Settlements {
  private readonly log = new Logger('webhooks');
  private readonly actor = Actor.system('webhooks');
  private readonly waiting: Waiting[] = [];
  private writing = false;

  constructor(
    private readonly em: EntityManager,
    private readonly audit: AuditService,
    private readonly mail: MailService,
  ) {}

  /** Resolves once it is written, or cannot be any more because the lease is over: then it is sent again. */
  settle(settlement: Settlement): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.waiting.push({ ...settlement, done: resolve });
    if (!this.writing) void this.writeAll();
    return promise;
  }

  private async writeAll(): Promise<void> {
    this.writing = true;
    let most = MOST_AT_ONCE;
    while (this.waiting.length > 0) {
      const batch = this.waiting.splice(0, most);
      let left = batch;
      try {
        left = await asSystem(this.em, (em) => this.write(em, batch));
        most = Math.min(2 * most, MOST_AT_ONCE);
      } catch (err) {
        this.log.warn({ err, deliveries: batch.length }, 'outcomes of deliveries not written');
        // Smaller and smaller, until the one that cannot be written is alone, and keeps no other from it.
        most = Math.ceil(batch.length / 2);
      }
      this.end(batch, new Set(left));
      if (left.length === batch.length) await sleep(AGAIN_MS);
    }
    this.writing = false;
  }

  private end(batch: readonly Waiting[], left: ReadonlySet<Waiting>): void {
    for (const one of batch) {
      if (left.has(one) && one.claim.leasedUntil > Date.now()) this.waiting.push(one);
      else one.done();
    }
  }

  /** @returns those whose endpoint somebody holds. */
  private async write(em: EntityManager, batch: Waiting[]): Promise<Waiting[]> {
    const { held, there } = await holdEndpoints(em, [...new Set(batch.map(({ endpoint }) => endpoint.id))]);
    const settled = batch.filter(({ endpoint }) => held.has(endpoint.id));
    const failing = await markEndpoints(em, settled);
    await markDeliveries(em, settled);
    for (const { endpoint, outcome } of settled) {
      if (!outcome || outcome.attempt.error === null) continue;
      if (outcome.attempt.status === GONE) await this.switchOff(em, endpoint, 'gone');
      else if (outcome.waitMs === null && failing.has(endpoint.id)) await this.switchOff(em, endpoint, 'failing');
    }
    return batch.filter(({ endpoint }) => there.has(endpoint.id) && !held.has(endpoint.id));
  }

  private async switchOff(em: EntityManager, endpoint: SendingEndpoint, reason: 'gone' | 'failing'): Promise<void> {
    if (!(await disable(em, endpoint.id, reason))) return;
    await abandonDeliveries(em, endpoint.id);
    this.audit.record(this.actor, 'webhook.disabled', {
      organizationId: endpoint.organization_id,
      target: { type: 'webhook', id: endpoint.id },
      after: { host: hostOf(endpoint), enabled: false },
      reason,
    });
    const { organization_id: organizationId } = endpoint;
    const { organizationName, managers } =
      organizationId === null
        ? { organizationName: null, managers: await platformAdmins(em) }
        : await managersOf(em, organizationId);
    for (const { email, name } of managers)
      this.mail.send('webhook-disabled', email, {
        name,
        organizationName,
        webhookId: endpoint.id,
        description: endpoint.description,
        host: hostOf(endpoint),
        reason,
      });
  }
}
