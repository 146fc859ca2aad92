import type { EntityManager } from '@mikro-orm/postgresql';
import type { Json, JsonObject } from '../../kernel/json.js';
import type { FeatureType, Metering } from '../definitions/feature-definition.entity.js';
import type { StoredOrganization } from '../snapshots/organization-features.queries.js';

/** A feature with what the plan says of it, and what is used of it in the environment that was asked for. */
export interface StoredEntitlement {
  key: string;
  name: string;
  description: string | null;
  type: FeatureType;
  category: string | null;
  lifecycle: string;
  defaultValue: Json;
  schema: JsonObject | null;
  planValue: Json;
  metering: Metering | null;
  used: number;
  resetsAt: string | null;
}

/** An override as it is shown. */
export type StoredOverride = StoredOrganization['overrides'][number] & { setBy: string | null; setAt: string };

/** Features of an organization and what decides over them, all of one moment. */
export interface StoredEntitlements {
  plan: string;
  overrides: StoredOverride[];
  /** The number of the change of features that this has seen. */
  revision: number;
  /** The database's clock, in ms since 1970. */
  now: number;
  total: number;
  features: StoredEntitlement[];
}

/** Which features, in which environment. */
export interface EntitlementFilter {
  environment: string;
  key?: string;
  category?: string;
  type?: FeatureType;
  q?: string;
  limit?: number;
  offset?: number;
}

/**
 * Reads features of an organization, by key; null when there is no such organization. One statement, so that overrides,
 * plan and features go together.
 * @param em of a transaction of the tenant.
 */
export async function readEntitlements(
  em: EntityManager,
  organizationId: string,
  { environment, limit = 1, offset = 0, ...filter }: EntitlementFilter,
): Promise<StoredEntitlements | null> {
  const [conditions, values] = conditionsOf(filter);
  const [row] = await em.execute<(StoredEntitlements & { revision: string; now: string })[]>(
    `select o.plan_key as plan,
            (select revision from feature_revision) as revision,
            (extract(epoch from clock_timestamp()) * 1000)::bigint as now,
            (select coalesce(json_agg(json_build_object(
                      'feature', feature_key, 'environment', environment_key, 'value', value, 'expiresAt', expires_at,
                      'reason', reason, 'setBy', set_by, 'setAt', updated_at) order by feature_key, environment_key nulls last), '[]')
               from organization_feature_settings s
              where s.organization_id = o.id and (expires_at is null or expires_at > clock_timestamp())) as overrides,
            (select count(*)::int from feature_definitions f where ${conditions}) as total,
            (select coalesce(json_agg(json_build_object(
                      'key', f.key, 'name', f.name, 'description', f.description, 'type', f.type, 'category', f.category,
                      'lifecycle', f.lifecycle, 'defaultValue', f.default_value, 'schema', f.schema,
                      'planValue', p.value, 'metering', f.metering, 'used', coalesce(m.used, 0),
                      'resetsAt', period.resets_at) order by f.key collate "C"), '[]')
               from (select * from feature_definitions f where ${conditions}
                      order by f.key collate "C" limit ? offset ?) f
               left join feature_plan_values p on p.feature_key = f.key and p.plan_key = o.plan_key
               left join lateral feature_period(f.metering ->> 'period', clock_timestamp()) period on true
               left join feature_meters m on m.organization_id = o.id and m.feature_key = f.key
                                         and m.environment_key = ? and m.period_start = period.starts_at) as features
       from organizations o where o.id = ?`,
    [...values, ...values, limit, offset, environment, organizationId],
  );
  return row ? { ...row, revision: Number(row.revision), now: Number(row.now) } : null;
}

function conditionsOf({ key, category, type, q }: Omit<EntitlementFilter, 'environment'>): [string, string[]] {
  const parts: [condition: string, value: string | undefined][] = [
    ['f.key = ?', key],
    ['f.category = ?', category],
    ['f.type = ?', type],
    [`strpos(lower(concat_ws(' ', f.key, f.name, f.description)), lower(?)) > 0`, q],
  ];
  const asked = parts.filter((part): part is [string, string] => part[1] !== undefined);
  // Drafts and archived features are evaluated for nobody.
  const conditions = [`f.lifecycle in ('active', 'deprecated')`, ...asked.map(([condition]) => condition)];
  return [conditions.join(' and '), asked.map(([, value]) => value)];
}
