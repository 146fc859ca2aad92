import type { EntityManager } from '@mikro-orm/postgresql';
import { insertEntriesLike } from '../../audit/like-entries.js';
import type { Json } from '../../kernel/json.js';
import { iso, told } from './applications.queries.js';

/** The ids of the organizations that an application changed, in their order, locked as an application locks them. */
export async function holdChanged(em: EntityManager, applicationId: string): Promise<string[]> {
  const rows = await em.execute<{ id: string }[]>(
    `select id from organizations
      where id in (select organization_id from template_application_changes where application_id = ?)
      order by id for no key update`,
    [applicationId],
  );
  return rows.map(({ id }) => id);
}

/** An override that is not any more what an application made it; null when all are. */
export async function changedSince(
  em: EntityManager,
  applicationId: string,
): Promise<{ organizationId: string; feature: string } | null> {
  const [row] = await em.execute<{ organizationId: string; feature: string }[]>(
    `select c.organization_id as "organizationId", f.feature
       from template_application_logs l
       join template_application_changes c on c.application_id = l.id
      cross join jsonb_object_keys(c.features) as f (feature)
       left join organization_feature_settings s
              on s.organization_id = c.organization_id and s.feature_key = f.feature
             and s.environment_key is not distinct from l.environment_key
      where l.id = ? and s.updated_at is distinct from l.applied_at
      order by 1, 2 limit 1`,
    [applicationId],
  );
  return row ?? null;
}

/** The values that would come back, each once. */
export async function valuesBefore(
  em: EntityManager,
  applicationId: string,
): Promise<{ feature: string; value: Json; organizationId: string }[]> {
  return em.execute(
    `select f.key as feature, f.value -> 'value' as value, min(c.organization_id::text) as "organizationId"
       from template_application_changes c cross join jsonb_each(c.features) f
      where c.application_id = ? and f.value <> 'null'::jsonb
      group by f.key, f.value -> 'value'`,
    [applicationId],
  );
}

/**
 * Puts back what organizations had before an application, in one statement, with an entry in each one's trail.
 * @param entries what those are like, `AuditService.entry`: of overrides that are put back, and of those that go.
 * @returns how many overrides it changed.
 */
export async function putBack(
  em: EntityManager,
  applicationId: string,
  organizationIds: readonly string[],
  entries: { overridden: string; removed: string },
): Promise<number> {
  const now = told('s.value', 's.environment_key', iso('s.expires_at'), 's.reason');
  const then = told(
    "f.value -> 'value'",
    's.environment_key',
    iso(`(f.value ->> 'expiresAt')::timestamptz`),
    `f.value -> 'reason'`,
  );
  const [row] = await em.execute<[{ changed: number }]>(
    `with was as materialized (
       select s.organization_id, s.id, s.feature_key as target_id, nullif(f.value, 'null'::jsonb) as old,
              ${now} as before, case when f.value <> 'null'::jsonb then ${then} end as after
         from template_application_logs l
         join template_application_changes c on c.application_id = l.id
        cross join jsonb_each(c.features) f
         join organization_feature_settings s
           on s.organization_id = c.organization_id and s.feature_key = f.key
          and s.environment_key is not distinct from l.environment_key
        where l.id = ? and c.organization_id in (select jsonb_array_elements_text(?::jsonb)::uuid)),
     gone as (
       delete from organization_feature_settings s using was w
        where s.organization_id = w.organization_id and s.id = w.id and w.old is null),
     back as (
       update organization_feature_settings s
          set value = w.old -> 'value', reason = w.old ->> 'reason', expires_at = (w.old ->> 'expiresAt')::timestamptz,
              set_by = (w.old ->> 'setBy')::uuid, updated_at = (w.old ->> 'updatedAt')::timestamptz
         from was w where s.organization_id = w.organization_id and s.id = w.id and w.old is not null),
     overridden as (select * from was where old is not null),
     removed as (select * from was where old is null),
     told_overridden as (${insertEntriesLike('overridden')}),
     told_removed as (${insertEntriesLike('removed')})
     select count(*)::int as changed from was`,
    [applicationId, JSON.stringify(organizationIds), entries.overridden, entries.removed],
  );
  return row.changed;
}
