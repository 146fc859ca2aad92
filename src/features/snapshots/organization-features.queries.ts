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

/**
 * Reads plan and overrides of an organization; null when there is none. What has expired by the database's clock is left
 * out.
 * @param em of a system transaction.
 */
export async function readOrganization(em: EntityManager, organizationId: string): Promise<StoredOrganization | null> {
  const [row] = await em.execute<StoredOrganization[]>(
    `select plan_key as plan,
            (select coalesce(json_agg(json_build_object('feature', feature_key, 'environment', environment_key, 'value', value,
                                      'expiresAt', expires_at, 'reason', reason) order by feature_key, environment_key nulls last), '[]')
               from organization_feature_settings s
              where s.organization_id = o.id and (expires_at is null or expires_at > now())) as overrides
       from organizations o where id = ?`,
    [organizationId],
  );
  return row ?? null;
}
