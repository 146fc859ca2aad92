import type { EntityManager } from '@mikro-orm/postgresql';
import type { ExpiredBatch, ExpiringCount } from '../../database/expiring-type.js';

/** A run, as the work on it needs to know it. */
export interface RunToDo {
  batchSize: number;
  dryRun: boolean;
  /** What is not done yet, in its order. */
  types: { type: string; counted: boolean; next: string | null }[];
}

/**
 * Takes a run on, the first time or again.
 * @returns undefined when it is over.
 */
export async function beginRun(em: EntityManager, runId: string): Promise<RunToDo | undefined> {
  const [run] = await em.execute<{ batch_size: number; dry_run: boolean }[]>(
    `update cleanup_runs set status = 'running', started_at = coalesce(started_at, now())
      where id = ? and status in ('queued', 'running') returning batch_size, dry_run`,
    [runId],
  );
  if (!run) return undefined;
  const types = await em.execute<RunToDo['types']>(
    `select type, started_at is not null as counted, next from cleanup_run_types
      where run_id = ? and finished_at is null order by position`,
    [runId],
  );
  return { batchSize: run.batch_size, dryRun: run.dry_run, types };
}

/** The turn of a type has come. @param over whether counting was all that is asked for. */
export async function recordCount(
  em: EntityManager,
  runId: string,
  type: string,
  { expired }: ExpiringCount,
  over: boolean,
): Promise<void> {
  await em.execute(
    `update cleanup_run_types
        set expired = ?, started_at = clock_timestamp(), finished_at = case when ? then clock_timestamp() end
      where run_id = ? and type = ?`,
    [expired, over, runId, type],
  );
}

/** What a batch did, in the transaction of the batch itself. */
export async function recordBatch(
  em: EntityManager,
  runId: string,
  type: string,
  { removed, next, durationMs }: ExpiredBatch & { durationMs: number },
): Promise<void> {
  await em.execute(
    `with batch as (
       select ?::uuid as run_id, ?::text as type, ?::int as removed, ?::real as duration_ms, ?::text as next),
     counted as (
       update cleanup_run_types t
          set deleted = t.deleted + b.removed, expired = greatest(t.expired, t.deleted + b.removed),
              batches = t.batches + (b.removed > 0)::int, duration_ms = t.duration_ms + b.duration_ms, next = b.next,
              finished_at = case when b.next is null then clock_timestamp() end
         from batch b where t.run_id = b.run_id and t.type = b.type
       returning b.run_id, b.type, t.batches, b.removed, b.duration_ms)
     insert into cleanup_batches (run_id, type, number, deleted, duration_ms, at)
     select run_id, type, batches, removed, duration_ms, clock_timestamp() from counted where removed > 0`,
    [runId, type, removed, durationMs, next],
  );
}

/** What went wrong with a batch. @param over whether the run goes on without the type. */
export async function recordError(
  em: EntityManager,
  runId: string,
  type: string,
  message: string,
  over: boolean,
): Promise<void> {
  await em.execute(
    `update cleanup_run_types
        set errors = errors + 1, last_error = ?, started_at = coalesce(started_at, now()),
            given_up = ?, finished_at = case when ? then now() end
      where run_id = ? and type = ?`,
    [message, over, over, runId, type],
  );
}

/** How a run ended. */
export interface EndedRun {
  status: 'completed' | 'failed';
  expired: number;
  deleted: number;
  dryRun: boolean;
}

/**
 * Ends a run: `failed` where a type was given up, or is not done.
 * @returns undefined when it was over already.
 */
export async function endRun(em: EntityManager, runId: string): Promise<EndedRun | undefined> {
  const [ended] = await em.execute<EndedRun[]>(
    `with did as (
       select coalesce(sum(expired), 0)::int as expired, coalesce(sum(deleted), 0)::int as deleted,
              bool_and(finished_at is not null and not given_up) as well
         from cleanup_run_types where run_id = ?)
     update cleanup_runs set status = case when did.well then 'completed' else 'failed' end, finished_at = clock_timestamp()
       from did where id = ? and status in ('queued', 'running')
     returning status, did.expired, did.deleted, dry_run as "dryRun"`,
    [runId, runId],
  );
  return ended;
}
