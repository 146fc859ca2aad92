import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { factsOf } from '../../audit/entries-by-id.js';
import { AuditService } from '../../audit/audit.service.js';
import type { Actor } from '../../kernel/actor.js';
import { firstIdAt } from '../../kernel/ids.js';
import { readInstant } from '../../kernel/instant.js';
import { type CursorPage, readCursor, toCursorPage } from '../../kernel/lists.js';
import { problem } from '../../kernel/problem.js';
import type { WebhookRow } from '../endpoints/webhooks.queries.js';
import { hostOf, requireWebhook } from '../endpoints/webhooks.service.js';
import { type Payload, toPayload } from '../sending/payload.js';
import { inScope } from '../webhook-scope.js';
import type { WebhookDeliveriesQuery } from './deliveries.dto.js';
import { type DeliveryRow, findDelivery, listDeliveries, replayFailed, replayOne } from './deliveries.queries.js';

/** What became of events, and sending them again. */
@Injectable()
export class DeliveriesService {
  constructor(
    private readonly em: EntityManager,
    private readonly audit: AuditService,
  ) {}

  /** Deliveries of a webhook, the newest event first. @throws Problem `not_found`; `validation_failed` for a cursor. */
  async list(actor: Actor, id: string, query: WebhookDeliveriesQuery): Promise<CursorPage<DeliveryRow>> {
    const { status, cursor, limit } = query;
    const before = readCursor(cursor);
    return inScope(this.em, actor, async (em) => {
      await requireWebhook(em, actor, id);
      const rows = await listDeliveries(em, id, { status, before, limit: limit + 1 });
      return toCursorPage(rows, limit, ({ event_id: eventId }) => eventId);
    });
  }

  /**
   * One delivery, and what is posted of it: null when the trail does not hold the event any more, or the caller may not
   * read the trail. @throws Problem `not_found`.
   */
  async get(actor: Actor, id: string, deliveryId: string): Promise<{ row: DeliveryRow; payload: Payload | null }> {
    return inScope(this.em, actor, async (em) => {
      await requireWebhook(em, actor, id);
      const row = await requireDelivery(em, id, deliveryId);
      if (actor.organizationId !== null && !actor.permissions.has('audit:read')) return { row, payload: null };
      const facts = (await factsOf(em, [deliveryId], actor.organizationId)).get(deliveryId);
      return { row, payload: facts ? toPayload(facts) : null };
    });
  }

  /**
   * Has an event sent again under the same `webhook-id`, also one that arrived; one that is on its way anyway is not sent
   * twice. @throws Problem `not_found`, `webhook_disabled`.
   */
  async replay(actor: Actor, id: string, deliveryId: string): Promise<DeliveryRow> {
    return inScope(this.em, actor, async (em) => {
      const webhook = await requireEnabled(em, actor, id);
      await requireDelivery(em, id, deliveryId);
      if (await replayOne(em, id, deliveryId))
        this.record(actor, 'webhook.replayed', webhook, { deliveries: 1, deliveryId });
      return requireDelivery(em, id, deliveryId);
    });
  }

  /**
   * Has every event that failed sent again.
   * @param since of the events; all that are kept when left out.
   * @returns how many.
   * @throws Problem `not_found`, `webhook_disabled`.
   */
  async replayAllFailed(actor: Actor, id: string, since: string | undefined): Promise<number> {
    const from = since === undefined ? 0 : readInstant(since)!.getTime();
    return inScope(this.em, actor, async (em) => {
      const webhook = await requireEnabled(em, actor, id);
      const deliveries = await replayFailed(em, id, firstIdAt(from));
      if (deliveries > 0) this.record(actor, 'webhook.replayed', webhook, { deliveries, since: since ?? null });
      return deliveries;
    });
  }

  /**
   * Sends a webhook an event that says that it is a test, whatever types it listens to.
   * @throws Problem `not_found`, `webhook_disabled`.
   */
  async test(actor: Actor, id: string): Promise<DeliveryRow> {
    return inScope(this.em, actor, async (em) => {
      const webhook = await requireEnabled(em, actor, id);
      const eventId = this.record(actor, 'webhook.tested', webhook, {});
      await em.flush();
      return requireDelivery(em, id, eventId);
    });
  }

  private record(actor: Actor, action: string, webhook: WebhookRow, after: Record<string, unknown>): string {
    return this.audit.record(actor, action, {
      userId: null,
      target: { type: 'webhook', id: webhook.id },
      after: { host: hostOf(webhook), ...after },
    });
  }
}

async function requireDelivery(em: EntityManager, id: string, deliveryId: string): Promise<DeliveryRow> {
  const row = await findDelivery(em, id, deliveryId);
  if (!row) throw problem('not_found');
  return row;
}

/** Held, so that it is not switched off meanwhile. */
async function requireEnabled(em: EntityManager, actor: Actor, id: string): Promise<WebhookRow> {
  const webhook = await requireWebhook(em, actor, id, { hold: true });
  if (!webhook.enabled) throw problem('webhook_disabled');
  return webhook;
}
