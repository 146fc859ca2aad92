import type { EntityManager } from '@mikro-orm/postgresql';
import type { WebhookAttempt } from '../deliveries/webhook-delivery.entity.js';
import type { DisabledReason } from '../endpoints/webhook-endpoint.entity.js';

/** A delivery that nobody settles for so long belongs to a process that died; more than a request may take. */
const LEASE = `interval '30 seconds'`;
/** Nothing has arrived for so long. */
const PATIENCE = `interval '5 days'`;
const KEPT_ATTEMPTS = 20;

/** An endpoint with its secrets, sealed. */
export interface SendingEndpoint {
  id: string;
  organization_id: string | null;
  url: string;
  secret: string;
  /** Null once it is over. */
  previous_secret: string | null;
}

/** A delivery that this process sends now. */
export interface Claim {
  event_id: string;
  /** With this one. */
  tries: number;
}

/**
 * Endpoints with something to send, in no order, so that none is always the last. A look at the index for each endpoint:
 * 20,000 with nothing to send take 2 ms, 1,000 with something that waits 5 ms.
 */
export async function dueEndpoints(em: EntityManager, busy: readonly string[], limit: number): Promise<string[]> {
  const rows = await em.execute<{ id: string }[]>(
    `select e.id from webhook_endpoints e
      where e.enabled and (e.paused_until is null or e.paused_until <= now()) and not e.id = any(?::uuid[])
        and exists (select from webhook_deliveries d where d.endpoint_id = e.id and d.due_at <= now())
      order by random() limit ?`,
    [`{${busy.join()}}`, limit],
  );
  return rows.map(({ id }) => id);
}

/**
 * Takes deliveries of an endpoint for this process. If it dies, they are due again when the lease is over.
 * @returns undefined when there is nothing to send.
 */
export async function claim(
  em: EntityManager,
  endpointId: string,
  limit: number,
): Promise<{ endpoint: SendingEndpoint; claims: Claim[] } | undefined> {
  const [endpoint] = await em.execute<SendingEndpoint[]>(
    `select id, organization_id, url, secret,
            case when previous_secret_expires_at > now() then previous_secret end as previous_secret
       from webhook_endpoints
      where id = ? and enabled and (paused_until is null or paused_until <= now())`,
    [endpointId],
  );
  if (!endpoint) return undefined;
  const claims = await em.execute<Claim[]>(
    `update webhook_deliveries d set due_at = now() + ${LEASE}, tries = d.tries + 1
       from (select event_id from webhook_deliveries where endpoint_id = ? and due_at <= now()
              order by due_at, event_id limit ? for update skip locked) due
      where d.endpoint_id = ? and d.event_id = due.event_id
    returning d.event_id, d.tries`,
    [endpointId, limit, endpointId],
  );
  return claims.length === 0 ? undefined : { endpoint, claims };
}

const ADD_ATTEMPT = `attempts = (case when jsonb_array_length(attempts) >= ${KEPT_ATTEMPTS} then attempts - 0 else attempts end) || ?::jsonb`;

/** Writes down that a delivery arrived. The endpoint comes first, which is the order of all who lock both. */
export async function markDelivered(
  em: EntityManager,
  endpointId: string,
  { event_id: eventId }: Claim,
  attempt: WebhookAttempt,
): Promise<void> {
  await em.execute('update webhook_endpoints set failing_since = null where id = ? and failing_since is not null', [
    endpointId,
  ]);
  await em.execute(
    `update webhook_deliveries set due_at = null, delivered_at = now(), ${ADD_ATTEMPT}
      where endpoint_id = ? and event_id = ?`,
    [JSON.stringify(attempt), endpointId, eventId],
  );
}

/**
 * Writes down that a try failed, unless the delivery was given up or is somebody else's by now.
 * @param waitMs until the next; null when it was the last. @param pauseMs in which the endpoint wants to hear nothing.
 * @returns whether nothing has arrived for days.
 */
export async function markFailed(
  em: EntityManager,
  endpointId: string,
  { event_id: eventId, tries }: Claim,
  attempt: WebhookAttempt,
  { waitMs, pauseMs }: { waitMs: number | null; pauseMs: number },
): Promise<boolean> {
  const [endpoint] = await em.execute<{ failing: boolean }[]>(
    `update webhook_endpoints
        set failing_since = coalesce(failing_since, now()),
            paused_until = greatest(paused_until, now() + nullif(?::float8, 0) * interval '1 millisecond')
      where id = ? returning failing_since < now() - ${PATIENCE} as failing`,
    [pauseMs, endpointId],
  );
  await em.execute(
    `update webhook_deliveries set due_at = now() + ?::float8 * interval '1 millisecond', ${ADD_ATTEMPT}
      where endpoint_id = ? and event_id = ? and tries = ? and due_at is not null`,
    [waitMs, JSON.stringify(attempt), endpointId, eventId, tries],
  );
  return endpoint?.failing ?? false;
}

/** Gives a delivery back as it was, for any process to send. */
export async function giveBack(
  em: EntityManager,
  endpointId: string,
  { event_id: eventId, tries }: Claim,
): Promise<void> {
  await em.execute(
    `update webhook_deliveries set due_at = now(), tries = tries - 1
      where endpoint_id = ? and event_id = ? and tries = ? and due_at is not null`,
    [endpointId, eventId, tries],
  );
}

/** Switches an endpoint off. @returns whether it was on. */
export async function disable(em: EntityManager, endpointId: string, reason: DisabledReason): Promise<boolean> {
  const disabled = await em.execute(
    'update webhook_endpoints set enabled = false, disabled_reason = ? where id = ? and enabled returning 1',
    [reason, endpointId],
  );
  return disabled.length > 0;
}
