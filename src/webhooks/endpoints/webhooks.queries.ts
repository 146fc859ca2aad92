import type { EntityManager } from '@mikro-orm/postgresql';
import type { DisabledReason } from './webhook-endpoint.entity.js';

/** An endpoint, without its secrets. */
export interface WebhookRow {
  id: string;
  url: string;
  description: string | null;
  event_types: string[];
  enabled: boolean;
  disabled_reason: DisabledReason | null;
  failing_since: string | null;
  /** Null once it is over. */
  previous_secret_expires_at: string | null;
  version: number;
  created_at: string;
}

/** What of an endpoint can be changed. */
export interface WebhookChange {
  url: string;
  description: string | null;
  eventTypes: readonly string[];
  enabled: boolean;
}

const SELECT = `
  select id, url, description, event_types, enabled, disabled_reason, failing_since, version, created_at,
         case when previous_secret_expires_at > now() then previous_secret_expires_at end as previous_secret_expires_at
    from webhook_endpoints`;
/** Null is the platform. */
const OF = 'organization_id is not distinct from ?::uuid';

/** Endpoints of an organization, or of the platform, the newest first, and how many there are. */
export async function listWebhooks(
  em: EntityManager,
  organizationId: string | null,
  { limit, offset }: { limit: number; offset: number },
): Promise<[WebhookRow[], number]> {
  const [row] = await em.execute<[{ total: number }]>(
    `select count(*)::int as total from webhook_endpoints where ${OF}`,
    [organizationId],
  );
  const rows = await em.execute<WebhookRow[]>(`${SELECT} where ${OF} order by id desc limit ? offset ?`, [
    organizationId,
    limit,
    offset,
  ]);
  return [rows, row.total];
}

/** One endpoint; undefined when there is none. @param hold locks it until the transaction ends. */
export async function findWebhook(
  em: EntityManager,
  organizationId: string | null,
  id: string,
  { hold = false } = {},
): Promise<WebhookRow | undefined> {
  const [row] = await em.execute<WebhookRow[]>(`${SELECT} where ${OF} and id = ? ${hold ? 'for update' : ''}`, [
    organizationId,
    id,
  ]);
  return row;
}

/** How many endpoints there are. Nobody else makes one there until the transaction ends. */
export async function countWebhooks(em: EntityManager, organizationId: string | null): Promise<number> {
  await em.execute(`select pg_advisory_xact_lock(hashtextextended('webhooks ' || ?, 0))`, [
    organizationId ?? 'platform',
  ]);
  const [row] = await em.execute<[{ total: number }]>(
    `select count(*)::int as total from webhook_endpoints where ${OF}`,
    [organizationId],
  );
  return row.total;
}

/** Stores an endpoint. @param secret sealed. */
export async function insertWebhook(
  em: EntityManager,
  organizationId: string | null,
  { id, url, description, eventTypes, secret }: Omit<WebhookChange, 'enabled'> & { id: string; secret: string },
): Promise<void> {
  await em.execute(
    `insert into webhook_endpoints (id, organization_id, url, description, event_types, secret, created_at, updated_at)
     values (?, ?, ?, ?, ?::text[], ?, now(), now())`,
    [id, organizationId, url, description, toArray(eventTypes), secret],
  );
}

/** Changes an endpoint. Switched on again, it begins anew; its past failures are forgotten. */
export async function updateWebhook(
  em: EntityManager,
  id: string,
  { url, description, eventTypes, enabled }: WebhookChange,
): Promise<void> {
  await em.execute(
    `update webhook_endpoints
        set url = ?, description = ?, event_types = ?::text[], enabled = ?,
            disabled_reason = case when not ?::boolean then coalesce(disabled_reason, 'by_hand') end,
            failing_since = case when enabled then failing_since end,
            paused_until = case when enabled then paused_until end,
            version = version + 1
      where id = ?`,
    [url, description, toArray(eventTypes), enabled, enabled, id],
  );
}

/** Removes an endpoint with all of its deliveries. */
export async function deleteWebhook(em: EntityManager, id: string): Promise<void> {
  await em.execute('delete from webhook_endpoints where id = ?', [id]);
}

/** Gives an endpoint another secret; the one before it, and no older one, signs on for a while. @param secret sealed. */
export async function replaceWebhookSecret(
  em: EntityManager,
  id: string,
  secret: string,
  overlapSeconds: number,
): Promise<void> {
  await em.execute(
    `update webhook_endpoints
        set previous_secret = case when ? > 0 then secret end,
            previous_secret_expires_at = case when ? > 0 then now() + make_interval(secs => ?) end,
            secret = ?, version = version + 1
      where id = ?`,
    [overlapSeconds, overlapSeconds, overlapSeconds, secret, id],
  );
}

/** Gives up what waits. */
export async function abandonDeliveries(em: EntityManager, endpointId: string): Promise<void> {
  await em.execute('update webhook_deliveries set due_at = null where endpoint_id = ? and due_at is not null', [
    endpointId,
  ]);
}

/** None of the filters holds a comma or a quote. */
const toArray = (texts: readonly string[]): string => `{${texts.join()}}`;
