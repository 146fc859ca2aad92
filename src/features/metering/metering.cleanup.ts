import type { EntityManager } from '@mikro-orm/postgresql';
import type { Schedule } from '../../jobs/schedules.js';
import { removeOutdated } from '../outdated-rows.js';

/** The schedules that remove what metering does not need any more. */
export function meteringSchedules(em: EntityManager): Schedule[] {
  return [
    {
      id: 'feature-consumptions-cleanup',
      description: 'Removes idempotency keys of consumptions that are older than 7 days',
      schedule: '50 * * * *',
      run: (signal) => removeOldConsumptions(em, signal),
    },
    {
      id: 'feature-meters-cleanup',
      description: 'Removes what was used in periods that ended more than 13 months ago',
      schedule: '45 3 * * *',
      run: (signal) => removeOldMeters(em, signal),
    },
  ];
}

/** Removes idempotency keys whose week is over. @returns how many. */
export function removeOldConsumptions(em: EntityManager, signal?: AbortSignal): Promise<number> {
  return removeOutdated(em, { table: 'feature_consumptions', column: 'expires_at', kept: '0' }, signal);
}

/** Removes meters of periods that ended more than 13 months ago: a year can be compared with the one before. @returns how many. */
export function removeOldMeters(em: EntityManager, signal?: AbortSignal): Promise<number> {
  return removeOutdated(em, { table: 'feature_meters', column: 'resets_at', kept: '13 months' }, signal);
}
