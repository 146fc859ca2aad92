import type { EntityManager } from '@mikro-orm/postgresql';
import { LRUCache } from 'lru-cache';
import { isPermission, type Permission } from '../../kernel/permissions.js';

/** A key that works, as far as it depends on nobody but itself. */
export interface KnownKey {
  readonly id: string;
  readonly organizationId: string;
  readonly environment: string;
  readonly scopes: ReadonlySet<Permission>;
  /** Whose it is: a person, or else a service account with a role. */
  readonly userId: string | null;
  readonly serviceAccountId: string | null;
  readonly serviceAccountRole: string | null;
  /** On the clock of `performance.now()`; Infinity for one without an end. */
  readonly expiresAt: number;
}

interface Row {
  id: string;
  organization_id: string;
  environment_key: string;
  scopes: string[];
  user_id: string | null;
  service_account_id: string | null;
  role: string | null;
  left_ms: number | null;
}

/**
 * Reads a key by the hash of what was shown, also while it is the one that was replaced; null when there is none that
 * works. How long it still does is said by the database's clock.
 * @param em of a system transaction.
 */
export function readKey(em: EntityManager, hash: Buffer): Promise<KnownKey | null> {
  return read(
    em,
    'least(k.expires_at, case when k.key_hash <> ? then k.previous_key_expires_at end)',
    '(k.key_hash = ? or (k.previous_key_hash = ? and k.previous_key_expires_at > now()))',
    [hash, hash, hash],
  );
}

/** Reads a key by its id; null when there is none that works. */
export function readKeyById(em: EntityManager, id: string): Promise<KnownKey | null> {
  return read(em, 'k.expires_at', 'k.id = ?', [id]);
}

async function read(em: EntityManager, end: string, which: string, parameters: unknown[]): Promise<KnownKey | null> {
  const asked = performance.now();
  const [row] = await em.execute<Row[]>(
    `select k.id, k.organization_id, k.environment_key, k.scopes, k.user_id, k.service_account_id, a.role,
            (extract(epoch from ${end} - now()) * 1000)::float8 as left_ms
       from api_keys k
       left join service_accounts a on a.organization_id = k.organization_id and a.id = k.service_account_id
      where ${which} and (k.expires_at is null or k.expires_at > now())`,
    parameters,
  );
  if (!row) return null;
  return {
    id: row.id,
    organizationId: row.organization_id,
    environment: row.environment_key,
    scopes: scopesOf(row.scopes),
    userId: row.user_id,
    serviceAccountId: row.service_account_id,
    serviceAccountRole: row.role,
    expiresAt: row.left_ms === null ? Infinity : asked + row.left_ms,
  };
}

const scopeSets = new LRUCache<string, ReadonlySet<Permission>>({ max: 1_000 });

/** The same set for the same scopes: most keys have those of many others. */
function scopesOf(names: readonly string[]): ReadonlySet<Permission> {
  const text = names.join();
  let scopes = scopeSets.get(text);
  if (!scopes) scopeSets.set(text, (scopes = new Set(names.filter(isPermission))));
  return scopes;
}
