import type { EntityManager } from '@mikro-orm/postgresql';
import { insertEntriesLike } from '../../audit/like-entries.js';
import type { Json } from '../../kernel/json.js';
import { iso, told } from './applications.queries.js';
import type { KeptOverrides, OverrideName } from './template-application.entity.js';
import { ROLLBACK_DAYS } from './templates.cleanup.js';

/** The overrides that are not any more what an application made them: an override is known by its time. */
const CHANGED_SINCE = `
  select c.organization_id, f.feature
    from template_application_logs l
    join template_application_changes c on c.application_id = l.id
   cross join jsonb_object_keys(c.features) as f (feature)
    left join organization_feature_settings s
           on s.organization_id = c.organization_id and s.feature_key = f.feature
          and s.environment_key is not distinct from l.environment_key
   where l.id = ? and s.updated_at is distinct from l.applied_at`;

/** The ids of the organizations that an application changed, in their order, locked as an application locks them. */
export async function holdChanged(em: EntityManager, applicationId: string): Promise<string[]> {
  const rows = await em.execute<{ id: string }[]>(
    `select id from organizations
      where id in (select organization_id from template_application_changes
                     where application_id = ? and features <> '{}')
      order by id for no key update`,
    [applicationId],
  );
  return rows.map(({ id }) => id);
}

/** Whether it may be gone already what an application has replaced. */
export async function isTooLate(em: EntityManager, applicationId: string): Promise<boolean> {
  const [row] = await em.execute<[{ late: boolean }]>(
    `select applied_at < now() - interval '${ROLLBACK_DAYS} days' as late from template_application_logs where id = ?`,
    [applicationId],
  );
  return row.late;
}

/** The first overrides, by organization and feature, that are not any more what an application made them, and how many. */
export async function changedSince(em: EntityManager, applicationId: string, limit: number): Promise<KeptOverrides> {
  const rows = await em.execute<(OverrideName & { total: number })[]>(
    `select organization_id as "organizationId", feature, count(*) over ()::int as total
       from (${CHANGED_SINCE}) changed order by 1, 2 limit ?`,
    [applicationId, limit],
  );
  const first = rows.map(({ organizationId, feature }) => ({ organizationId, feature }));
  return { total: rows[0]?.total ?? 0, first };
}

/** Notes for each organization what a rollback leaves. */
export async function noteKept(em: EntityManager, applicationId: string): Promise<void> {
  await em.execute(
    `update template_application_changes c set kept = k.features
       from (select organization_id, jsonb_agg(feature order by feature) as features
               from (${CHANGED_SINCE}) changed group by organization_id) k
      where c.organization_id = k.organization_id and c.application_id = ?`,
    [applicationId, applicationId],
  );
}

/** The values that would come back, each once; call {@link noteKept} before. */
export async function valuesBefore(
  em: EntityManager,
  applicationId: string,
): Promise<{ feature: string; value: Json; organizationId: string }[]> {
  return em.execute(
    `select f.key as feature, f.value -> 'value' as value, min(c.organization_id::text) as "organizationId"
       from template_application_changes c cross join jsonb_each(c.features) f
      where c.application_id = ? and f.value <> 'null'::jsonb and not jsonb_exists(c.kept, f.key)
      group by f.key, f.value -> 'value'`,
    [applicationId],
  );
}

/**
 * Puts back what organizations had before an application, in one statement, with an entry in each one's trail. What was
 * changed since stays.
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
        where l.id = ? and s.updated_at = l.applied_at and c.organization_id in (select jsonb_array_elements_text(?::jsonb)::uuid)),
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
