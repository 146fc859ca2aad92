import type { EntityManager } from '@mikro-orm/postgresql';
import type { BatchAccount } from '../../database/expiring-type.js';

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
  expired: number,
  over: boolean,
): Promise<void> {
  await em.execute(
    `update cleanup_run_types
        set expired = ?, started_at = clock_timestamp(), finished_at = case when ? then clock_timestamp() end
      where run_id = ? and type = ?`,
    [expired, over, runId, type],
  );
}

/**
 * What a batch did, told by the statement of the batch itself. It does not wait for the disk: what a crash of the machine
 * takes back of it are rows and figures together, and the rows are removed again. The end of the run does wait.
 */
export function accountOf(runId: string, type: string): BatchAccount {
  return {
    sql: `record_cleanup_batch(?, ?, batch.removed, batch.next, (extract(epoch from clock_timestamp() - statement_timestamp()) * 1000)::real),
          set_config('synchronous_commit', 'off', true)`,
    values: [runId, type],
  };
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
