import type { EntityManager } from '@mikro-orm/postgresql';
import type { Json } from '../../kernel/json.js';

/** What decides over an organization's features. */
export interface StoredOrganization {
  plan: string;
  overrides: {
    feature: string;
    environment: string | null;
    value: Json;
    expiresAt: string | null;
    reason: string;
  }[];
}

const ORGANIZATION = `
  select o.id, o.plan_key as plan,
         (select coalesce(json_agg(json_build_object('feature', feature_key, 'environment', environment_key, 'value', value,
                                   'expiresAt', expires_at, 'reason', reason) order by feature_key, environment_key nulls last), '[]')
            from organization_feature_settings s
           where s.organization_id = o.id and (expires_at is null or expires_at > now())) as overrides
    from organizations o`;

/**
 * Reads plan and overrides of an organization; null when there is none. What has expired by the database's clock is left
 * out.
 * @param em of a system transaction.
 */
export async function readOrganization(em: EntityManager, organizationId: string): Promise<StoredOrganization | null> {
  const [row] = await em.execute<StoredOrganization[]>(`${ORGANIZATION} where o.id = ?`, [organizationId]);
  return row ?? null;
}

/** The same of several organizations, by id; those that are not there are left out. */
export async function readOrganizations(
  em: EntityManager,
  organizationIds: readonly string[],
): Promise<(StoredOrganization & { id: string })[]> {
  return em.execute(`${ORGANIZATION} where o.id in (select jsonb_array_elements_text(?::jsonb)::uuid) order by o.id`, [
    JSON.stringify(organizationIds),
  ]);
}
