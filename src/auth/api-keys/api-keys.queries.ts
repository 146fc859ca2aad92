import type { EntityManager } from '@mikro-orm/postgresql';

/** A key with the name of its owner; never what it is known by. */
export interface ApiKeyRow {
  id: string;
  name: string;
  environment_key: string;
  scopes: string[];
  user_id: string | null;
  service_account_id: string | null;
  owner_name: string | null;
  hint: string;
  /** Null once it is over. */
  previous_key_expires_at: string | null;
  expires_at: string | null;
  expired: boolean;
  last_used_at: string | null;
  created_at: string;
}

/** A key to store: of a person, or of a service account. */
export interface NewApiKeyRow {
  id: string;
  name: string;
  environment: string;
  scopes: readonly string[];
  userId: string | null;
  serviceAccountId: string | null;
  hash: Buffer;
  hint: string;
  expiresAt: Date | null;
  createdBy: string;
}

const SELECT = `
  select k.id, k.name, k.environment_key, k.scopes, k.user_id, k.service_account_id, coalesce(u.full_name, a.name) as owner_name,
         k.hint, case when k.previous_key_expires_at > now() then k.previous_key_expires_at end as previous_key_expires_at,
         k.expires_at, coalesce(k.expires_at <= now(), false) as expired, k.last_used_at, k.created_at
    from api_keys k
    left join users u on u.id = k.user_id
    left join service_accounts a on a.organization_id = k.organization_id and a.id = k.service_account_id`;

/** Keys of an organization, the newest first, and how many there are. @param em of a transaction of the tenant. */
export async function listApiKeys(
  em: EntityManager,
  organizationId: string,
  { limit, offset }: { limit: number; offset: number },
): Promise<[ApiKeyRow[], number]> {
  const [row] = await em.execute<{ total: number }[]>(
    'select count(*)::int as total from api_keys where organization_id = ?',
    [organizationId],
  );
  const keys = await em.execute<ApiKeyRow[]>(
    `${SELECT} where k.organization_id = ? order by k.id desc limit ? offset ?`,
    [organizationId, limit, offset],
  );
  return [keys, row!.total];
}

/** One key; null when there is none. @param hold locks it until the transaction ends. */
export async function findApiKey(
  em: EntityManager,
  organizationId: string,
  id: string,
  { hold = false } = {},
): Promise<ApiKeyRow | null> {
  const [key] = await em.execute<ApiKeyRow[]>(
    `${SELECT} where k.organization_id = ? and k.id = ? ${hold ? 'for update of k' : ''}`,
    [organizationId, id],
  );
  return key ?? null;
}

/**
 * How many keys of an organization have not expired. Nobody else makes one there until the transaction ends.
 * @param em of a transaction that holds nothing yet which one that makes keys may wait for.
 */
export async function countLiveApiKeys(em: EntityManager, organizationId: string): Promise<number> {
  await em.execute(`select pg_advisory_xact_lock(hashtextextended('api_keys ' || ?, 0))`, [organizationId]);
  const [row] = await em.execute<{ live: number }[]>(
    `select count(*)::int as live from api_keys
      where organization_id = ? and (expires_at is null or expires_at > now())`,
    [organizationId],
  );
  return row!.live;
}

/** Stores a key. Its environment and its owner are held by foreign keys. */
export async function insertApiKey(em: EntityManager, organizationId: string, key: NewApiKeyRow): Promise<void> {
  await em.execute(
    `insert into api_keys (organization_id, id, name, environment_key, scopes, user_id, service_account_id, key_hash, hint,
                           expires_at, created_by, created_at)
     values (?, ?, ?, ?, ?::text[], ?, ?, ?, ?, ?, ?, now())`,
    [
      organizationId,
      key.id,
      key.name,
      key.environment,
      `{${key.scopes.join()}}`,
      key.userId,
      key.serviceAccountId,
      key.hash,
      key.hint,
      key.expiresAt,
      key.createdBy,
    ],
  );
}

/** Gives a key another secret; the one before it, and no older one, works on for a while. */
export async function replaceSecret(
  em: EntityManager,
  organizationId: string,
  id: string,
  { hash, hint, overlapSeconds }: { hash: Buffer; hint: string; overlapSeconds: number },
): Promise<void> {
  await em.execute(
    `update api_keys
        set previous_key_hash = case when ? > 0 then key_hash end,
            previous_key_expires_at = case when ? > 0 then now() + make_interval(secs => ?) end,
            key_hash = ?, hint = ?
      where organization_id = ? and id = ?`,
    [overlapSeconds, overlapSeconds, overlapSeconds, hash, hint, organizationId, id],
  );
}

/** What is left of removed keys, for the trail. */
export interface RemovedKey {
  organization_id: string;
  id: string;
  name: string;
  hint: string;
  environment_key: string;
  scopes: string[];
  user_id: string | null;
  service_account_id: string | null;
}

/** Removes the keys that meet a condition; every instance hears of it when the transaction commits. */
export function removeApiKeys(em: EntityManager, where: string, values: unknown[]): Promise<RemovedKey[]> {
  return em.execute<RemovedKey[]>(
    // Locked in one order, which is that of writing down their last use.
    `delete from api_keys where (organization_id, id) in (
       select organization_id, id from api_keys where ${where} order by organization_id, id for update)
     returning organization_id, id, name, hint, environment_key, scopes, user_id, service_account_id`,
    values,
  );
}
