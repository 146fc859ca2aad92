import type { EntityManager } from '@mikro-orm/postgresql';
import type { OrganizationRow, TotalRow, UserRow } from './usage-rows.js';

const BATCH = 2_000;
/** Pairs of user and feature that are kept of an organization and a day, by all instances together. */
export const MOST_USER_ROWS = 10_000;
/** 'usage': one flush after the other, so that none waits for rows of another, and the bound on users holds. */
const LOCK = 7_362_640_111;

/** What was counted, made as it is written: requests are answered between two batches. */
export interface Usage {
  totals: Iterable<TotalRow>;
  organizations: Iterable<OrganizationRow>;
  users: Iterable<UserRow>;
}

/**
 * Adds to what today has, by the database's clock. What was counted of an organization that is gone goes with it.
 * @param em of a transaction of the system.
 */
export async function writeUsage(em: EntityManager, { totals, organizations, users }: Usage): Promise<void> {
  await lockUsage(em);
  for (const batch of batches(totals)) await em.execute(WRITE_TOTALS, [batch]);
  for (const batch of batches(organizations)) await em.execute(WRITE_ORGANIZATIONS, [batch]);
  for (const batch of batches(users)) await em.execute(WRITE_USERS, [batch]);
}

/** Holds off others who write what was counted until the transaction ends. */
export async function lockUsage(em: EntityManager): Promise<void> {
  await em.execute('select pg_advisory_xact_lock(?)', [LOCK]);
}

/** Adds to a sketch, of which either may be missing. */
function joined(sketch: string): string {
  return `${sketch} = coalesce(d.${sketch} | excluded.${sketch}, d.${sketch}, excluded.${sketch})`;
}

const WRITE_TOTALS = `
  insert into feature_usage_days as d (environment_key, feature_key, value, day, evaluations, users_seen, organizations_seen)
  select environment, feature, value, (now() at time zone 'UTC')::date, sum(evaluations), bit_or(('x' || users)::bit(2048)),
         bit_or(('x' || organizations)::bit(2048))
    from jsonb_to_recordset(?::jsonb)
         as g (environment text, feature text, value text, evaluations bigint, users text, organizations text)
   group by 1, 2, 3
  on conflict (environment_key, feature_key, value, day) do update
    set evaluations = d.evaluations + excluded.evaluations, ${joined('users_seen')}, ${joined('organizations_seen')}`;

const WRITE_ORGANIZATIONS = `
  insert into organization_usage_days as d (organization_id, environment_key, feature_key, value, day, evaluations, users_seen)
  select o.id, g.environment, g.feature, g.value, (now() at time zone 'UTC')::date, sum(g.evaluations), bit_or(('x' || g.users)::bit(2048))
    from jsonb_to_recordset(?::jsonb)
         as g (organization uuid, environment text, feature text, value text, evaluations bigint, users text)
    join organizations o on o.id = g.organization
   group by 1, 2, 3, 4
  on conflict (organization_id, environment_key, feature_key, value, day) do update
    set evaluations = d.evaluations + excluded.evaluations, ${joined('users_seen')}`;

/** Users that the day knows are counted up; new ones come in as long as there is room. */
const WRITE_USERS = `
  with given as (
    select o.id as organization_id, g.environment as environment_key, g.user as user_key, g.feature as feature_key,
           (now() at time zone 'UTC')::date as day, sum(g.evaluations)::bigint as evaluations
      from jsonb_to_recordset(?::jsonb)
           as g (organization uuid, environment text, "user" text, feature text, evaluations bigint)
      join organizations o on o.id = g.organization
     group by 1, 2, 3, 4),
  present as (
    select organization_id, count(*) as rows from user_feature_usage
     where day = (now() at time zone 'UTC')::date and organization_id in (select organization_id from given)
     group by 1),
  placed as (
    select given.*, known.day is not null as is_known, coalesce(present.rows, 0) as rows,
           row_number() over (partition by organization_id, known.day is not null order by user_key, feature_key, environment_key) as place
      from given left join present using (organization_id)
      left join user_feature_usage known using (organization_id, environment_key, user_key, feature_key, day))
  insert into user_feature_usage as u (organization_id, environment_key, user_key, feature_key, day, evaluations)
  select organization_id, environment_key, user_key, feature_key, day, evaluations from placed
   where is_known or rows + place <= ${MOST_USER_ROWS}
  on conflict (organization_id, environment_key, user_key, feature_key, day) do update
    set evaluations = u.evaluations + excluded.evaluations`;

function* batches(rows: Iterable<object>): Generator<string> {
  let batch: object[] = [];
  for (const row of rows) {
    batch.push(row);
    if (batch.length < BATCH) continue;
    yield JSON.stringify(batch);
    batch = [];
  }
  if (batch.length > 0) yield JSON.stringify(batch);
}
