import type { EntityManager } from '@mikro-orm/postgresql';
import { ALL_FEATURES } from './usage-counts.js';
import type { Point } from './usage.view.js';

/** Days, both included. */
export interface Days {
  from: string;
  to: string;
}

/** As long as a day lasts its users are a sketch. */
const USERS = 'greatest(users, estimate_seen(users_seen))';
const ORGANIZATIONS = 'greatest(organizations, estimate_seen(organizations_seen))';

/** What was counted of an organization, in a transaction of it. @param feature null: of all. */
export function readUsage(
  em: EntityManager,
  { organizationId, environment }: { organizationId: string; environment: string },
  feature: string | null,
  { from, to }: Days,
): Promise<Point[]> {
  return em
    .execute<Stored[]>(
      `select nullif(feature_key, '${ALL_FEATURES}') as feature, case when feature_key <> '${ALL_FEATURES}' then value end as value,
              day::text as day, evaluations, ${USERS} as users, 1 as organizations
         from organization_usage_days
        where organization_id = ? and environment_key = ? and (?::text is null or feature_key in (?, '${ALL_FEATURES}'))
          and day between ? and ?
        order by feature_key collate "C", value collate "C", day`,
      [organizationId, environment, feature, feature, from, to],
    )
    .then(toPoints);
}

/** What is kept of a user of an organization, in a transaction of it. @param feature null: of all. */
export function readUserUsage(
  em: EntityManager,
  { organizationId, environment, userKey }: { organizationId: string; environment: string; userKey: string },
  feature: string | null,
  { from, to }: Days,
): Promise<Point[]> {
  return em
    .execute<Stored[]>(
      `select nullif(feature_key, '${ALL_FEATURES}') as feature, null as value, day::text as day, evaluations, 1 as users,
              1 as organizations
         from user_feature_usage
        where organization_id = ? and environment_key = ? and user_key = ?
          and (?::text is null or feature_key in (?, '${ALL_FEATURES}')) and day between ? and ?
        order by feature_key collate "C", day`,
      [organizationId, environment, userKey, feature, feature, from, to],
    )
    .then(toPoints);
}

/** What was counted of a feature in all organizations, as the system. */
export function readFeatureUsage(
  em: EntityManager,
  feature: string,
  environment: string,
  { from, to }: Days,
): Promise<Point[]> {
  return em
    .execute<Stored[]>(
      `select feature_key as feature, value, day::text as day, evaluations, ${USERS} as users, ${ORGANIZATIONS} as organizations
         from feature_usage_days
        where feature_key = ? and environment_key = ? and day between ? and ?
        order by value collate "C", day`,
      [feature, environment, from, to],
    )
    .then(toPoints);
}

interface Stored extends Omit<Point, 'evaluations'> {
  evaluations: string;
}

/** The driver gives large numbers as texts. */
function toPoints(rows: Stored[]): Point[] {
  return rows.map((row) => ({ ...row, evaluations: Number(row.evaluations) }));
}
