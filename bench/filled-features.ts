import type { Client } from 'pg';
import { hintOf, newApiKey } from '../src/auth/api-keys/key-format.js';
import { hashToken } from '../src/kernel/tokens.js';

export const flagOf = (index: number): string => `feature-${String(index).padStart(4, '0')}`;

/** The rule is met by this context, and decides by its roll-out. */
export const CONTEXT = {
  targetingKey: '018f6b1e-7c9a-7000-8000-000000000001',
  country: 'de',
  version: '2.1.0',
  seats: 40,
};

const RULES = [
  {
    name: 'half of some countries',
    when: [{ attribute: 'country', operator: 'in', values: ['de', 'at', 'ch'] }],
    rollout: { by: 'targetingKey', percentage: 50 },
  },
];

/** Puts flags into the tables, each with a constraint and a roll-out in every environment. No server may run yet. */
export async function insertFlags(client: Client, flags: number): Promise<void> {
  const keys = Array.from({ length: flags }, (_, index) => flagOf(index));
  await client.query(
    `insert into feature_definitions (key, name, type, default_value, created_at, updated_at)
       select key, key, 'boolean', 'false', now(), now() from unnest($1::text[]) key`,
    [keys],
  );
  await client.query(
    `insert into feature_configurations (feature_key, environment_key, rules, updated_at)
       select f.key, e.key, $1, now() from feature_definitions f, environments e`,
    [JSON.stringify(RULES)],
  );
  await client.query('update feature_revision set revision = revision + 1');
}

/** Gives each organization a service account with a key for production. @returns the keys, in the same order. */
export async function insertKeys(client: Client, organizationIds: string[]): Promise<string[]> {
  const keys = organizationIds.map(() => newApiKey());
  await client.query(
    `insert into service_accounts (organization_id, id, name, role, created_by, created_at, updated_at)
       select o, o, 'Bench', 'member', o, now(), now() from unnest($1::uuid[]) o`,
    [organizationIds],
  );
  await client.query(
    `insert into api_keys (organization_id, id, name, environment_key, scopes, service_account_id, key_hash, hint, created_by, created_at)
       select o, o, 'Bench', 'production', '{features:evaluate}', o, hash, hint, o, now()
         from unnest($1::uuid[], $2::bytea[], $3::text[]) as k (o, hash, hint)`,
    [organizationIds, keys.map(hashToken), keys.map(hintOf)],
  );
  return keys;
}

/** What a request of OFREP says of who asks. */
export function headersOf(key: string): Record<string, string> {
  return { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
}
