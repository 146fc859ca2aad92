import type { EntityManager } from '@mikro-orm/postgresql';
import type { Schedule } from '../../jobs/schedules.js';
import { removeOutdated } from '../outdated-rows.js';

/** The schedule that removes overrides which nobody will ask about any more. */
export function overridesSchedule(em: EntityManager): Schedule {
  return {
    id: 'feature-overrides-cleanup',
    description: 'Removes overrides of features that expired 30 days ago',
    schedule: '40 3 * * *',
    run: (signal) => removeExpiredOverrides(em, signal),
  };
}

/** Removes overrides that expired 30 days ago; they had no effect since. @returns how many. */
export function removeExpiredOverrides(em: EntityManager, signal?: AbortSignal): Promise<number> {
  return removeOutdated(em, { table: 'organization_feature_settings', column: 'expires_at', kept: '30 days' }, signal);
}
