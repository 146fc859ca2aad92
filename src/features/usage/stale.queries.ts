import type { EntityManager } from '@mikro-orm/postgresql';
import type { Lifecycle } from '../definitions/feature-definition.entity.js';
import type { StaleQuery } from './usage.dto.js';

/** A stale feature, with what shows that it is. */
export interface StaleFeature {
  key: string;
  name: string;
  lifecycle: Lifecycle;
  owner: string | null;
  createdAt: string;
  removeBy: string | null;
  today: string;
  unused: boolean;
  constant: boolean;
  expired: boolean;
  lastAskedOn: string | null;
  /** The first day on which nobody asked, and on which somebody might have: it was there, and was counted. */
  unusedSince: string;
  /** The value of a constant one. */
  value: string | null;
  /** The first day since which it was given no other. */
  constantSince: string | null;
  /** Of the days that were asked for. */
  evaluations: number;
  organizations: number;
}

/*
 * Nothing is said of a feature that is younger than these days, nor before usage has been counted for so long. Each feature
 * looks up its own days by an index; only those of the last `days` are added up.
 */
const STALE = `
  with given as (select ?::text as environment, (now() at time zone 'UTC')::date as today, ?::int as days),
  counting as (select (select min(day) from feature_usage_days where environment_key = environment) as since, given.* from given),
  judged as (
    select f.key, f.name, f.lifecycle, f.owner, f.created_at as "createdAt", f.remove_by as "removeBy", c.environment, c.today,
           (f.created_at at time zone 'UTC')::date as created_on, c.since, asked.*, recent.*,
           was_there and recent.values = 0 as unused,
           was_there and recent.values = 1 and asked.first <= c.today - c.days as constant,
           coalesce(f.remove_by < c.today, false) as expired
      from counting c cross join feature_definitions f
     cross join lateral (
       select (f.created_at at time zone 'UTC')::date <= c.today - c.days and coalesce(c.since <= c.today - c.days, false) as was_there) age
     cross join lateral (
       select min(day) as first, max(day) as last from feature_usage_days u
        where u.feature_key = f.key and u.environment_key = c.environment) asked
     cross join lateral (
       select count(distinct u.value)::int as values, min(u.value) as value, coalesce(sum(u.evaluations), 0) as evaluations,
              coalesce(max(greatest(u.organizations, estimate_seen(u.organizations_seen))), 0) as organizations
         from feature_usage_days u
        where u.feature_key = f.key and u.environment_key = c.environment and u.day > c.today - c.days) recent
     where f.lifecycle in ('active', 'deprecated'))`;

const CONDITIONS = { unused: 'unused', constant: '"constant"', expired: 'expired' };

/** What was found of an environment. */
export interface FoundStale {
  /** Of the page. */
  features: StaleFeature[];
  /** On all pages. */
  total: number;
  /** The first day of which something was counted; null: nothing ever was. */
  countedSince: string | null;
}

/** A page of the stale features of an environment; as the system. */
export async function findStale(
  em: EntityManager,
  environment: string,
  { days, kind, page, perPage }: StaleQuery,
): Promise<FoundStale> {
  const where = kind ? CONDITIONS[kind] : Object.values(CONDITIONS).join(' or ');
  const rows = await em.execute<(StaleFeature & Pick<FoundStale, 'total' | 'countedSince'>)[]>(
    `${STALE}, stale as materialized (select * from judged where ${where})
     select told.total, told."countedSince", s.key, name, lifecycle, owner, "createdAt", "removeBy"::text, today::text, unused, "constant", expired,
            last::text as "lastAskedOn", greatest(last + 1, created_on, since)::text as "unusedSince", value, evaluations, organizations,
            (select coalesce(max(day) + 1, s.first) from feature_usage_days u
              where s.constant and u.feature_key = s.key and u.environment_key = s.environment and u.value <> s.value)::text as "constantSince"
       from (select count(*)::int as total, (select since::text from counting) as "countedSince" from stale) told
       left join (select * from stale order by key collate "C" limit ? offset ?) s on true
      order by s.key collate "C"`,
    [environment, days, perPage, (page - 1) * perPage],
  );
  const found = rows.filter(({ key }) => key !== null);
  const { total, countedSince } = rows[0]!;
  return { features: found.map((row) => ({ ...row, evaluations: Number(row.evaluations) })), total, countedSince };
}

/** Keys of the features that some organization overrides in an environment now; as the system. */
export async function overriddenFeatures(em: EntityManager, environment: string): Promise<Set<string>> {
  const rows = await em.execute<{ key: string }[]>(
    `select distinct feature_key as key from organization_feature_settings
      where (environment_key is null or environment_key = ?) and (expires_at is null or expires_at > now())`,
    [environment],
  );
  return new Set(rows.map(({ key }) => key));
}
