import type { EntityManager } from '@mikro-orm/postgresql';
import { asSystem } from '../../database/tenant-context.js';
import type { Schedule } from '../../jobs/schedules.js';
import { lockUsage } from './usage-write.queries.js';

const DAYS_AHEAD = 7;
/** How long it is kept by whom features are asked for. */
export const DAYS_KEPT = 30;
/** How long days are kept, so that a month can be compared with that of the year before. */
export const MONTHS_KEPT = 13;

/** What is done with usage once a day. */
export function usageSchedule(em: EntityManager): Schedule {
  return {
    id: 'feature-usage',
    description: `Rolls up how features were used, and drops days after ${MONTHS_KEPT} months, those of users after ${DAYS_KEPT} days`,
    schedule: '10 0 * * *',
    run: async () => {
      await createUsagePartitions(em);
      await rollUpUsage(em);
      await dropOldUsage(em);
    },
  };
}

/** Makes the partitions of today and the next seven days. @returns how many were made. */
export async function createUsagePartitions(em: EntityManager): Promise<number> {
  return asSystem(em, async (system) => {
    const [row] = await system.execute<[{ made: number }]>('select create_feature_usage_partitions(?) as made', [
      DAYS_AHEAD,
    ]);
    return row.made;
  });
}

/** Puts numbers in the place of their sketches, in every day that is over. @returns how many rows. */
export async function rollUpUsage(em: EntityManager): Promise<number> {
  return asSystem(em, async (system) => {
    await lockUsage(system);
    const [row] = await system.execute<[{ rolled: number }]>(
      `with totals as (
         update feature_usage_days
            set users = greatest(users, estimate_seen(users_seen)), users_seen = null,
                organizations = greatest(organizations, estimate_seen(organizations_seen)), organizations_seen = null
          where organizations_seen is not null and day < (now() at time zone 'UTC')::date returning 1),
       of_organizations as (
         update organization_usage_days set users = greatest(users, estimate_seen(users_seen)), users_seen = null
          where users_seen is not null and day < (now() at time zone 'UTC')::date returning 1)
       select (select count(*) from totals)::int + (select count(*) from of_organizations)::int as rolled`,
    );
    return row.rolled;
  });
}

/** Drops the partitions that are too old. @returns how many. */
export async function dropOldUsage(em: EntityManager): Promise<number> {
  return asSystem(em, async (system) => {
    const [row] = await system.execute<[{ dropped: number }]>('select drop_feature_usage_partitions(?, ?) as dropped', [
      DAYS_KEPT,
      MONTHS_KEPT,
    ]);
    return row.dropped;
  });
}
