import type { EntityManager } from '@mikro-orm/postgresql';
import { asSystem } from '../../database/tenant-context.js';
import type { Schedule } from '../../jobs/schedules.js';
import { EXPIRING_TYPES } from '../expiring-types.js';

/** Looks once an hour, shortly before the sweep, how much has expired and is still there. */
export function backlogSchedule(em: EntityManager): Schedule {
  return {
    id: 'cleanup-backlog-hourly',
    description: 'Counts what has expired and is still there',
    schedule: '10 * * * *',
    // One type after the other: each counts a whole table.
    run: async (signal, slot) => {
      for (const type of EXPIRING_TYPES) {
        signal.throwIfAborted();
        await asSystem(em, async (system) => {
          const { expired } = await type.count(system);
          await system.execute(
            'insert into cleanup_backlog (type, at, expired) values (?, ?, ?) on conflict do nothing',
            [type.name, slot, expired],
          );
        });
      }
    },
  };
}
