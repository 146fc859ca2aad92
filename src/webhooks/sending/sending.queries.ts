import type { EntityManager } from '@mikro-orm/postgresql';
import type { WebhookAttempt } from '../deliveries/webhook-delivery.entity.js';
import type { DisabledReason } from '../endpoints/webhook-endpoint.entity.js';

/** A delivery that nobody settles for so long belongs to a process that died; more than a request may take. */
const LEASE_MS = 30_000;
/** Nothing has arrived for so long. */
const PATIENCE = `interval '5 days'`;
const KEPT_ATTEMPTS = 20;

/** An endpoint with its secrets, sealed. */
export interface SendingEndpoint {
  id: string;
  organization_id: string | null;
  url: string;
  description: string | null;
  secret: string;
  /** Null once it is over. */
  previous_secret: string | null;
}

/** A delivery that this process sends now. */
export interface Claim {
  event_id: string;
  /** With this one. */
  tries: number;
  /** Until then it is this process's; milliseconds since 1970. */
  leasedUntil: number;
}

/** What came of a try. */
export interface Outcome {
  attempt: WebhookAttempt;
  /** Until the next try if this one failed; null when it was the last. */
  waitMs: number | null;
  /** In which the endpoint wants to hear nothing. */
  pauseMs: number;
}

/** What has to be written down of a delivery that was claimed. */
export interface Settlement {
  endpoint: SendingEndpoint;
  claim: Claim;
  /** Null: it was not tried, and is given back as it was, for any process to send. */
  outcome: Outcome | null;
}

/** An endpoint with something to send. */
export interface DueEndpoint {
  id: string;
  /** Null: the platform's. */
  organization_id: string | null;
  /** It would be so many-th of its organization that is served at once. */
  nth: number;
}

/** While an organization is deactivated, or waits for its removal, its deliveries wait with it. */
const SENDS = `e.enabled and (e.paused_until is null or e.paused_until <= now())
        and not exists (select from organizations o where o.id = e.organization_id and o.status <> 'active')`;

/**
 * Endpoints with something to send: those first whose organization has the fewest under way, otherwise in no order, so that
 * none is always the last. @param busy those that are served.
 */
export async function dueEndpoints(em: EntityManager, busy: readonly string[], limit: number): Promise<DueEndpoint[]> {
  const served = `{${busy.join()}}`;
  return em.execute<DueEndpoint[]>(
    `select due.id, due.organization_id, (due.nth + coalesce(b.served, 0))::int as nth
       from (select e.id, e.organization_id, row_number() over (partition by e.organization_id order by random()) as nth
               from webhook_endpoints e
              where ${SENDS} and not e.id = any(?::uuid[])
                and exists (select from webhook_deliveries d where d.endpoint_id = e.id and d.due_at <= now())) due
       left join (select organization_id, count(*) as served from webhook_endpoints where id = any(?::uuid[]) group by 1) b
              on b.organization_id is not distinct from due.organization_id
      order by 3, random() limit ?`,
    [served, served, limit],
  );
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
    `select id, organization_id, url, description, secret,
            case when previous_secret_expires_at > now() then previous_secret end as previous_secret
       from webhook_endpoints e
      where id = ? and ${SENDS}`,
    [endpointId],
  );
  if (!endpoint) return undefined;
  const leasedUntil = Date.now() + LEASE_MS;
  const claims = await em.execute<Omit<Claim, 'leasedUntil'>[]>(
    `update webhook_deliveries d set due_at = now() + ${LEASE_MS} * interval '1 millisecond', tries = d.tries + 1
       from (select event_id from webhook_deliveries where endpoint_id = ? and due_at <= now()
              order by due_at, event_id limit ? for update skip locked) due
      where d.endpoint_id = ? and d.event_id = due.event_id
    returning d.event_id, d.tries`,
    [endpointId, limit, endpointId],
  );
  return claims.length === 0 ? undefined : { endpoint, claims: claims.map((one) => ({ ...one, leasedUntil })) };
}

/**
 * Locks endpoints, before their deliveries, which is the order of all who lock both. One that somebody else holds is left
 * out: whoever writes for all must not wait for one tenant. New deliveries refer to the row and do not mind the lock.
 * @returns those that are held now, and those that are there at all.
 */
export async function holdEndpoints(
  em: EntityManager,
  ids: readonly string[],
): Promise<{ held: Set<string>; there: Set<string> }> {
  const rows = await em.execute<{ id: string; held: boolean }[]>(
    `with held as materialized (
       select id from webhook_endpoints where id = any(?::uuid[]) for no key update skip locked)
     select id, id in (select id from held) as held from webhook_endpoints where id = any(?::uuid[])`,
    [`{${ids.join()}}`, `{${ids.join()}}`],
  );
  return {
    held: new Set(rows.filter(({ held }) => held).map(({ id }) => id)),
    there: new Set(rows.map(({ id }) => id)),
  };
}

/**
 * Writes down of endpoints whether events arrive there.
 * @param tried in the order in which they ended. @returns the endpoints where nothing has arrived for days.
 */
export async function markEndpoints(em: EntityManager, tried: readonly Settlement[]): Promise<Set<string>> {
  const marks = new Map<string, { id: string; arrived: boolean; failed: boolean; pause_ms: number }>();
  for (const { endpoint, outcome } of tried) {
    if (!outcome) continue;
    const { id } = endpoint;
    const before = marks.get(id);
    const failed = outcome.attempt.error !== null;
    marks.set(id, {
      id,
      arrived: (before?.arrived ?? false) || !failed,
      failed,
      pause_ms: Math.max(before?.pause_ms ?? 0, outcome.pauseMs),
    });
  }
  const rows = await em.execute<{ id: string }[]>(
    `with marked as (
       update webhook_endpoints e
          set failing_since = case when not m.failed then null when m.arrived then now() else coalesce(e.failing_since, now()) end,
              paused_until = greatest(e.paused_until, now() + nullif(m.pause_ms, 0) * interval '1 millisecond')
         from jsonb_to_recordset(?::jsonb) as m(id uuid, arrived boolean, failed boolean, pause_ms float8)
        where e.id = m.id and (m.failed or m.pause_ms > 0 or e.failing_since is not null)
       returning e.id, e.failing_since)
     select id from marked where failing_since < now() - ${PATIENCE}`,
    [JSON.stringify([...marks.values()])],
  );
  return new Set(rows.map(({ id }) => id));
}

/** Writes down what came of tries; of those that failed unless they were given up or are somebody else's by now. */
export async function markDeliveries(em: EntityManager, settlements: readonly Settlement[]): Promise<void> {
  const marks = settlements.map(({ endpoint, claim, outcome }) => ({
    endpoint_id: endpoint.id,
    event_id: claim.event_id,
    tries: claim.tries,
    given_back: outcome === null,
    arrived: outcome?.attempt.error === null,
    wait_ms: outcome ? outcome.waitMs : 0,
    attempt: outcome ? [outcome.attempt] : [],
  }));
  await em.execute(
    `update webhook_deliveries d
        set due_at = case when not m.arrived then now() + m.wait_ms * interval '1 millisecond' end,
            delivered_at = case when m.arrived then now() else d.delivered_at end,
            tries = case when m.given_back then d.tries - 1 else d.tries end,
            attempts = case when jsonb_array_length(d.attempts) + jsonb_array_length(m.attempt) > ${KEPT_ATTEMPTS} then d.attempts - 0 else d.attempts end
                    || m.attempt
       from jsonb_to_recordset(?::jsonb)
            as m(endpoint_id uuid, event_id uuid, tries int, given_back boolean, arrived boolean, wait_ms float8, attempt jsonb)
      where d.endpoint_id = m.endpoint_id and d.event_id = m.event_id
        and (m.arrived or (d.tries = m.tries and d.due_at is not null))`,
    [JSON.stringify(marks)],
  );
}

/** Switches an endpoint off. @returns whether it was on. */
export async function disable(em: EntityManager, endpointId: string, reason: DisabledReason): Promise<boolean> {
  const disabled = await em.execute(
    `update webhook_endpoints set enabled = false, disabled_reason = ?, version = version + 1
      where id = ? and enabled returning 1`,
    [reason, endpointId],
  );
  return disabled.length > 0;
}
