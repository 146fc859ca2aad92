import { hintOf, newApiKey } from '../../src/auth/api-keys/key-format.js';
import { newId } from '../../src/kernel/ids.js';
import { type Permission, SCOPES } from '../../src/kernel/permissions.js';
import { hashToken } from '../../src/kernel/tokens.js';
import type { TestDatabase } from './database.js';

/** A service account put into the tables. */
export async function insertServiceAccount(
  { sql }: TestDatabase,
  organizationId: string,
  { name = 'CI', role = 'member' }: { name?: string; role?: string } = {},
): Promise<{ serviceAccountId: string; name: string; role: string }> {
  const serviceAccountId = newId();
  await sql.query(
    `insert into service_accounts (organization_id, id, name, role, created_by, created_at, updated_at)
     values ($1, $2, $3, $4, $2, now(), now())`,
    [organizationId, serviceAccountId, name, role],
  );
  return { serviceAccountId, name, role };
}

/** Whose key it is: a member's, or a service account's. */
export type KeyOwner = { userId: string } | { serviceAccountId: string };

/** A key put into the tables, with every scope that there is unless said. */
export async function insertApiKey(
  { sql }: TestDatabase,
  organizationId: string,
  owner: KeyOwner,
  {
    scopes = SCOPES,
    environment = 'production',
    expiresAt = null,
  }: { scopes?: readonly Permission[]; environment?: string; expiresAt?: Date | null } = {},
): Promise<{ id: string; key: string; auth: { authorization: string } }> {
  const [id, key] = [newId(), newApiKey()];
  const { userId = null, serviceAccountId = null } = owner as { userId?: string; serviceAccountId?: string };
  await sql.query(
    `insert into api_keys (organization_id, id, name, environment_key, scopes, user_id, service_account_id, key_hash, hint,
                           expires_at, created_by, created_at)
     values ($1, $2, 'A key', $3, $4, $5, $6, $7, $8, $9, $2, now())`,
    [organizationId, id, environment, scopes, userId, serviceAccountId, hashToken(key), hintOf(key), expiresAt],
  );
  return { id, key, auth: { authorization: `Bearer ${key}` } };
}
