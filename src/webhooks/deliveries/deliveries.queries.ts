import type { EntityManager } from '@mikro-orm/postgresql';
import type { DeliveryStatus } from './deliveries.dto.js';
import type { WebhookAttempt } from './webhook-delivery.entity.js';

/** A delivery as it is listed. */
export interface DeliveryRow {
  event_id: string;
  event_type: string;
  due_at: string | null;
  delivered_at: string | null;
  attempts: WebhookAttempt[];
}

const SELECT = 'select event_id, event_type, due_at, delivered_at, attempts from webhook_deliveries';
const STATUS: Record<DeliveryStatus, string> = {
  pending: 'due_at is not null',
  delivered: 'due_at is null and delivered_at is not null',
  failed: 'due_at is null and delivered_at is null',
};
/** From the beginning; what the receiver had taken before counts no more. */
const AGAIN = 'set due_at = now(), tries = 0, delivered_at = null';

/** Deliveries of an endpoint, the newest event first. */
export async function listDeliveries(
  em: EntityManager,
  endpointId: string,
  { status, before, limit }: { status?: DeliveryStatus; before: string | null; limit: number },
): Promise<DeliveryRow[]> {
  return em.execute<DeliveryRow[]>(
    `${SELECT} where endpoint_id = ? and (?::uuid is null or event_id < ?::uuid) ${status ? `and ${STATUS[status]}` : ''}
      order by event_id desc limit ?`,
    [endpointId, before, before, limit],
  );
}

/** One delivery; undefined when there is none. */
export async function findDelivery(
  em: EntityManager,
  endpointId: string,
  eventId: string,
): Promise<DeliveryRow | undefined> {
  const [row] = await em.execute<DeliveryRow[]>(`${SELECT} where endpoint_id = ? and event_id = ?`, [
    endpointId,
    eventId,
  ]);
  return row;
}

/** Has a delivery sent again, whatever became of it. @returns whether there is one that was over. */
export async function replayOne(em: EntityManager, endpointId: string, eventId: string): Promise<boolean> {
  const replayed = await em.execute(
    `update webhook_deliveries ${AGAIN} where endpoint_id = ? and event_id = ? and due_at is null returning 1`,
    [endpointId, eventId],
  );
  return replayed.length > 0;
}

/** Has all deliveries that failed sent again. @param from the id of the first event. @returns how many. */
export async function replayFailed(em: EntityManager, endpointId: string, from: string): Promise<number> {
  const [row] = await em.execute<[{ replayed: number }]>(
    `with replayed as (
       update webhook_deliveries ${AGAIN}
        where endpoint_id = ? and event_id >= ? and ${STATUS.failed} returning 1)
     select count(*)::int as replayed from replayed`,
    [endpointId, from],
  );
  return row.replayed;
}
