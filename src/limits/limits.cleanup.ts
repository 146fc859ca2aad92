import type { EntityManager } from '@mikro-orm/postgresql';
import { asSystem } from '../database/tenant-context.js';

// Starts where the batch before ended: an old snapshot that somebody holds keeps the removed rows in the index, and
// without the keyset each batch would walk past all of them.
const REMOVE_BATCH = `
  with expired as materialized (
    select ctid, expires_at from rate_limit_tracking
     where expires_at >= ?::timestamptz and expires_at < now()
     order by expires_at limit ? for update skip locked),
  removed as (
    delete from rate_limit_tracking where ctid = any (array(select ctid from expired)) returning 1)
  select (select count(*)::int from removed) as removed, (select max(expires_at)::text from expired) as reached`;

/**
 * Removes the rows of windows that are over, in transactions of `batchSize` rows; a row that is being counted right now
 * is left alone.
 * @param signal ends it after the batch that runs.
 * @returns how many it removed.
 */
export async function removeExpiredLimits(em: EntityManager, batchSize = 1_000, signal?: AbortSignal): Promise<number> {
  let total = 0;
  let from = '-infinity';
  for (;;) {
    const [batch] = await asSystem(em, (system) =>
      system.execute<{ removed: number; reached: string | null }[]>(REMOVE_BATCH, [from, batchSize]),
    );
    total += batch!.removed;
    if (batch!.removed < batchSize || signal?.aborted) return total;
    from = batch!.reached!;
  }
}
