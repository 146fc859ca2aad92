import type { EntityManager } from '@mikro-orm/postgresql';
import { asSystem } from '../database/tenant-context.js';

/** Rows of a table by the time after which they are of no use. None of it comes from a request. */
export interface OutdatedRows {
  table: string;
  /** Indexed. */
  column: string;
  /** How long after that time they are kept, such as `30 days`. */
  kept: string;
}

const BATCH = 1_000;

/**
 * Removes outdated rows across tenants, in transactions of 1,000. Each starts where the one before ended: an old snapshot
 * that somebody holds keeps removed rows in the index, and without it each batch would walk past all of them.
 * @param signal ends it after the batch that runs.
 * @returns how many it removed.
 */
export async function removeOutdated(
  em: EntityManager,
  { table, column, kept }: OutdatedRows,
  signal?: AbortSignal,
): Promise<number> {
  const removeBatch = `
    with outdated as materialized (
      select ctid, ${column} as at from ${table}
       where ${column} >= ?::timestamptz and ${column} < now() - interval '${kept}'
       order by ${column} limit ${BATCH} for update skip locked),
    removed as (
      delete from ${table} where ctid = any (array(select ctid from outdated)) returning 1)
    select (select count(*)::int from removed) as removed, (select max(at)::text from outdated) as reached`;
  let total = 0;
  let from = '-infinity';
  for (;;) {
    const [batch] = await asSystem(em, (system) =>
      system.execute<{ removed: number; reached: string | null }[]>(removeBatch, [from]),
    );
    total += batch!.removed;
    if (batch!.removed < BATCH || signal?.aborted) return total;
    from = batch!.reached!;
  }
}
