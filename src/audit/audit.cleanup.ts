import { EntityManager } from '@mikro-orm/postgresql';
import { asSystem } from '../database/tenant-context.js';

/** Entries find their month for this long when the schedule does not run; after it the default partition takes them. */
const MONTHS_AHEAD = 3;

/**
 * Makes the partitions of this month and the next three, and moves what the default partition took in their place.
 * @returns how many were made.
 */
export async function createAuditPartitions(em: EntityManager): Promise<number> {
  return asSystem(em, async (system) => {
    const [row] = await system.execute<{ made: number }[]>('select create_audit_partitions(?) as made', [MONTHS_AHEAD]);
    return row!.made;
  });
}
