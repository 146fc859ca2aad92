import type { EntityManager } from '@mikro-orm/postgresql';
import type { SystemStatement } from './tenant-context.js';

/** How much there is of a type, by the database's clock. */
export interface ExpiringCount {
  total: number;
  /** What a sweep would remove now. */
  expired: number;
  /** Since when the oldest of these could leave; null when there is none. */
  oldestExpiredAt: Date | null;
}

/** What one batch removed. */
export interface ExpiredBatch {
  removed: number;
  /** Where the next batch starts; null when nothing is left. */
  next: string | null;
}

/** What is told of a batch in the statement that removes it, which saves a way to the database: an expression in SQL. */
export interface BatchAccount {
  /** About `batch`, with its columns `removed` and `next`. */
  sql: string;
  values: unknown[];
}

/** Data that leaves on time. The room that owns it exports the type; whoever sweeps it knows no table. */
export interface ExpiringType {
  /** As requests name it. */
  name: string;
  /** What people call it, short. */
  title: string;
  description: string;
  table: string;
  /** How long a row is kept after it has expired, such as `30 days`; null for no longer than until the next sweep. */
  kept: string | null;
  /** Swept every hour: it grows fast, or lives for a day at most. Everything is swept every day. */
  hourly: boolean;
  /** @param em of a system transaction. */
  count: (em: EntityManager) => Promise<ExpiringCount>;
  /**
   * Removes up to `limit` rows, the oldest first, in a transaction; a row that somebody holds is left alone.
   * @param after where the batch before ended.
   * @param account is evaluated once the rows are removed.
   */
  removeBatch: (
    run: SystemStatement,
    limit: number,
    after: string | null,
    account?: BatchAccount,
  ) => Promise<ExpiredBatch>;
}

/** Rows of a table by the time after which they are of no use, as data. None of it comes from a request. */
export interface ExpiringRows extends Pick<ExpiringType, 'name' | 'title' | 'description' | 'table'> {
  hourly?: true;
  /** The time; indexed. */
  column: string;
  /** How long after that time a row is kept, such as `30 days`. */
  kept?: string;
  /** What else has to be true of a row, as SQL about `row`. */
  only?: string;
}

/**
 * A type whose rows a table has. A batch starts where the one before ended: an old snapshot that somebody holds keeps
 * removed rows in the index, and without it each batch would walk past all of them (4,000 rows/s in place of 200,000).
 */
export function expiringRows({ column, kept, only, ...type }: ExpiringRows): ExpiringType {
  const { table } = type;
  const late = kept ? ` + interval '${kept}'` : '';
  const due = `row.${column} < now()${kept ? ` - interval '${kept}'` : ''}${only ? ` and ${only}` : ''}`;
  return {
    hourly: false,
    kept: kept ?? null,
    ...type,
    count: (em) => countRows(em, { from: `${table} row`, due, leaves: `row.${column}${late}` }),
    removeBatch: (run, limit, after, account) => removeRows(run, { table, column, due }, limit, after, account),
  };
}

/** @param leaves when a row may leave, as SQL, as `due` is; `values` of both and of `from`, in their order. */
export async function countRows(
  em: EntityManager,
  { from, due, leaves, values = [] }: { from: string; due: string; leaves: string; values?: unknown[] },
): Promise<ExpiringCount> {
  const [row] = await em.execute<[{ total: string; expired: string; oldest: string | null }]>(
    `select count(*) as total, count(*) filter (where ${due}) as expired,
            min(${leaves}) filter (where ${due}) as oldest from ${from}`,
    values,
  );
  const oldestExpiredAt = row.oldest === null ? null : new Date(row.oldest);
  return { total: Number(row.total), expired: Number(row.expired), oldestExpiredAt };
}

/** @param due as SQL about `row`, with its `values`. */
export async function removeRows(
  run: SystemStatement,
  { table, column, due, values = [] }: { table: string; column: string; due: string; values?: unknown[] },
  limit: number,
  after: string | null,
  account?: BatchAccount,
): Promise<ExpiredBatch> {
  const [batch] = await run<ExpiredBatch>(
    `with due as materialized (
       select row.ctid, row.${column} as at from ${table} row
        where row.${column} >= ?::timestamptz and ${due}
        order by row.${column} limit ? for update of row skip locked),
     removed as (
       delete from ${table} where ctid = any (array(select ctid from due)) returning 1),
     batch as materialized (
       select (select count(*)::int from removed) as removed,
              (select case when count(*) = ? then max(at)::text end from due) as next)
     select removed, next${selected(account)} from batch`,
    [after ?? '-infinity', ...values, limit, limit, ...(account?.values ?? [])],
  );
  return batch!;
}

/** An account, where there is one, as a further column of a list. */
export function selected(account: BatchAccount | undefined): string {
  return account ? `, ${account.sql}` : '';
}
