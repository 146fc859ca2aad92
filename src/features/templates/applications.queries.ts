import type { EntityManager } from '@mikro-orm/postgresql';
import { insertEntriesLike } from '../../audit/like-entries.js';
import type { Json } from '../../kernel/json.js';
import type { ApplicationFailure, FeatureState } from './template-application.entity.js';
import type { TemplateValue } from './feature-template.entity.js';

/** The number of the last change of features, and the time of the transaction, in ms since 1970. */
export async function readRevisionAndTime(em: EntityManager): Promise<{ revision: number; now: number }> {
  const [row] = await em.execute<[{ revision: string; now: string }]>(
    'select revision, (extract(epoch from now()) * 1000)::bigint as now from feature_revision',
  );
  return { revision: Number(row.revision), now: Number(row.now) };
}

/** An instant as everything else in the trail has it. */
export const iso = (column: string): string => `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

/** An override as the trail tells of it. */
export const told = (value: string, environment: string, expiresAt: string, reason: string): string =>
  `jsonb_build_object('value', ${value}, 'environment', ${environment}, 'expiresAt', ${expiresAt}, 'reason', ${reason})`;

/** What is written for each organization of a part. */
export interface OverridesToWrite {
  applicationId: string;
  organizationIds: readonly string[];
  values: readonly TemplateValue[];
  environment: string | null;
  reason: string;
  setBy: string | null;
  /** What the entries in the trail are like: `AuditService.entry`. */
  entry: string;
}

/**
 * Gives organizations the values, in one statement: overrides, what was there before, also of one that had all of it, and
 * an entry in each one's trail.
 * What an organization has already, without an end, stays as it is.
 * @param em of a system transaction that holds organizations and features.
 * @returns how many overrides it wrote.
 */
export async function writeOverrides(em: EntityManager, write: OverridesToWrite): Promise<number> {
  const { applicationId, organizationIds, values, environment, reason, setBy, entry } = write;
  const [row] = await em.execute<[{ changed: number }]>(
    `with given as (
       select ?::text as environment, ?::text as reason, ?::uuid as set_by),
     organization as materialized (
       select jsonb_array_elements_text(?::jsonb)::uuid as id),
     changed as materialized (
       select o.id as organization_id, v.feature, v.value,
              s.id is not null and (s.expires_at is null or s.expires_at > now()) as live,
              s.value as old_value, s.reason as old_reason, s.expires_at, s.set_by, s.updated_at
         from given
        cross join organization o
        cross join jsonb_to_recordset(?::jsonb) as v (feature text, value jsonb)
         left join organization_feature_settings s
                on s.organization_id = o.id and s.feature_key = v.feature
               and s.environment_key is not distinct from given.environment
        where s.id is null or s.value <> v.value or s.expires_at is not null),
     written as (
       insert into organization_feature_settings
              (organization_id, id, feature_key, environment_key, value, reason, expires_at, set_by, created_at, updated_at)
       select c.organization_id, uuid_v7(), c.feature, g.environment, c.value, g.reason, null, g.set_by, now(), now()
         from changed c, given g
           on conflict (organization_id, feature_key, environment_key) do update
          set value = excluded.value, reason = excluded.reason, expires_at = null, set_by = excluded.set_by,
              updated_at = excluded.updated_at),
     kept as (
       insert into template_application_changes (application_id, organization_id, applied_at, features)
       select ?::uuid, o.id, now(), coalesce(jsonb_object_agg(feature,
                case when live then jsonb_build_object('value', old_value, 'reason', old_reason, 'expiresAt', expires_at,
                                                       'setBy', set_by, 'updatedAt', updated_at) end)
                filter (where feature is not null), '{}')
         from organization o left join changed c on c.organization_id = o.id group by o.id),
     entries as (
       select c.organization_id, c.feature as target_id,
              case when c.live then ${told('c.old_value', 'g.environment', iso('c.expires_at'), 'c.old_reason')} end as before,
              ${told('c.value', 'g.environment', 'null', 'g.reason')} as after
         from changed c, given g),
     audited as (${insertEntriesLike('entries')})
     select count(*)::int as changed from changed`,
    [environment, reason, setBy, JSON.stringify(organizationIds), JSON.stringify(values), applicationId, entry],
  );
  return row.changed;
}

/** An organization that an application was for. */
export interface StoredApplicationOrganization {
  id: string;
  name: string;
  /** Those that it changed, by key. */
  features: { feature: string; before: Json; state: FeatureState }[];
}

/**
 * The organizations that a template was applied to, by id, with what has become of what each one was given.
 * @param after the id after which they begin; null: from the first.
 */
export async function readApplicationOrganizations(
  em: EntityManager,
  applicationId: string,
  after: string | null,
  limit: number,
): Promise<StoredApplicationOrganization[]> {
  return em.execute(
    `select o.id, o.name,
            (select coalesce(json_agg(json_build_object('feature', f.key, 'before', f.value -> 'value', 'state',
                      case when l.status = 'rolled_back' then case when jsonb_exists(c.kept, f.key) then 'kept' else 'rolled_back' end
                           when s.updated_at is not distinct from l.applied_at then 'applied'
                           else 'changed_since' end) order by f.key collate "C"), '[]')
               from jsonb_each(c.features) f
               left join organization_feature_settings s
                      on s.organization_id = c.organization_id and s.feature_key = f.key
                     and s.environment_key is not distinct from l.environment_key) as features
       from template_application_logs l
       join template_application_changes c on c.application_id = l.id
       join organizations o on o.id = c.organization_id
      where l.id = ? and (?::uuid is null or o.id > ?::uuid)
      order by o.id limit ?`,
    [applicationId, after, after, limit],
  );
}

/** Shows how far an application is. */
export async function showProgress(em: EntityManager, id: string, done: number): Promise<void> {
  await em.execute(
    `update template_application_logs
        set status = 'running', done = ?, started_at = coalesce(started_at, clock_timestamp())
      where id = ? and status in ('queued', 'running')`,
    [done, id],
  );
}

/** An application has ended well; its overrides have the time of this transaction. It may end before its first progress is shown. */
export async function completeApplication(em: EntityManager, id: string, total: number): Promise<void> {
  await em.execute(
    `update template_application_logs
        set status = 'completed', done = ?, total = ?, applied_at = now(), finished_at = clock_timestamp(),
            started_at = coalesce(started_at, now())
      where id = ?`,
    [total, total, id],
  );
}

/** An application has ended with nothing applied. */
export async function failApplication(em: EntityManager, id: string, failure: ApplicationFailure): Promise<void> {
  await em.execute(
    `update template_application_logs
        set status = 'failed', done = 0, failure = ?::jsonb, finished_at = clock_timestamp(),
            started_at = coalesce(started_at, now())
      where id = ? and status in ('queued', 'running')`,
    [JSON.stringify(failure), id],
  );
}
