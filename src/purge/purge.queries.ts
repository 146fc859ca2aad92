import { createHash } from 'node:crypto';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { PurgeRules, PurgeScope } from '../database/purge-rules.js';
import { quote } from '../database/roles.js';
import {
  type PlannedTable,
  type PurgeCheck,
  type PurgeOutcome,
  PurgePlan,
  type ShownRows,
} from './purge-plan.entity.js';
import { RemovableRows } from './removable-rows.js';
import { readTables, type Table } from './tables.queries.js';

/** How long a plan may be confirmed. */
const LIFETIME = `interval '15 minutes'`;
/** Deleted by one transaction; more would hold their locks longer than others like to wait. */
const BATCH = 1_000;
/** Rows of a table that are shown one by one: enough to see that it is the wrong patterns. */
const SHOWN = 20;
/** Somebody may hold a row for a moment; who holds it longer is in the report. */
const LOCK_TIMEOUT = '10s';

/**
 * Tells the conditions of rules, until the transaction ends, what counts as test data.
 * @param planId the plan whose subjects count; none while it is being made.
 */
export async function enterPlan(em: EntityManager, patterns: readonly string[], planId = ''): Promise<void> {
  const like = patterns.map((pattern) => pattern.replaceAll(/[\\%_]/g, String.raw`\$&`).replaceAll('*', '%'));
  await em.execute(
    `select set_config('app.test_addresses', ?, true), set_config('app.test_patterns', ?, true),
            set_config('app.purge_plan', ?, true), set_config('lock_timeout', ?, true)`,
    [JSON.stringify(like), JSON.stringify(patterns), planId, LOCK_TIMEOUT],
  );
}

/** The tables that there are, and what of them goes with a scope. */
export async function readRemovable(em: EntityManager, rules: PurgeRules, scope: PurgeScope): Promise<RemovableRows> {
  return new RemovableRows(await readTables(em), rules, scope);
}

/** The ids of the test data that other rows hang on, by table. */
async function findSubjects(em: EntityManager, rows: RemovableRows): Promise<Record<string, string[]>> {
  const subjects: Record<string, string[]> = {};
  for (const { name, key } of rows.tables) {
    const [id] = key;
    if (!rows.isSubject(name) || !id) continue;
    const found = await em.execute<{ id: string }[]>(
      `select ${quote(id.name)}::text as id from ${quote(name)} where ${rows.namedBy(name)} order by 1`,
    );
    subjects[name] = found.map((row) => row.id);
  }
  return subjects;
}

/** Counts and hashed keys of what the rules name as things are now: other rows make another state. */
async function readKeys(em: EntityManager, rows: RemovableRows): Promise<string> {
  const counts = rows.tables
    .filter(({ name }) => rows.isState(name) && !rows.isSubject(name))
    .map(({ name, key }) => {
      const id = key.map((column) => quote(column.name)).join(', ');
      return `select '${name}' as name, count(*), sum(hashtextextended(concat_ws(',', ${id}), 0)::numeric) as keys
                from ${quote(name)} where ${rows.namedBy(name)}`;
    });
  if (counts.length === 0) return '';
  const [row] = await em.execute<[{ state: string }]>(
    `select string_agg(concat_ws(' ', name, count, keys), ',' order by name) as state
       from (${counts.join(' union all ')}) as counts`,
  );
  return row.state;
}

/** What a plan is about, as things are now: the subjects, and one hash of them and of everything else that would go. */
export async function readState(
  em: EntityManager,
  rows: RemovableRows,
): Promise<{ subjects: Record<string, string[]>; state: string }> {
  const subjects = await findSubjects(em, rows);
  const seen = JSON.stringify([subjects, await readKeys(em, rows)]);
  return { subjects, state: createHash('sha256').update(seen).digest('hex') };
}

/** Counts what goes and what stays, table by table. */
export async function countTables(em: EntityManager, rows: RemovableRows): Promise<PlannedTable[]> {
  const counted: PlannedTable[] = [];
  for (const table of rows.tables.toSorted((one, other) => one.name.localeCompare(other.name))) {
    const [row] = await em.execute<[{ remove: string; keep: string }]>(
      `select count(*) filter (where removable) as remove, count(*) filter (where not removable) as keep
         from (select coalesce(${rows.conditionOf(table) ?? 'false'}, false) as removable from ${quote(table.name)}) as all_rows`,
    );
    counted.push({
      table: table.name,
      remove: Number(row.remove),
      keep: Number(row.keep),
      reason: rows.reasonOf(table),
    });
  }
  return counted;
}

/** Who goes, by name: the first rows of each table that shows them. Nothing of it is kept. */
export async function readShown(em: EntityManager, rows: RemovableRows): Promise<ShownRows[]> {
  const shown: ShownRows[] = [];
  for (const table of rows.tables.toReversed()) {
    const as = rows.shownAs(table.name);
    const condition = as && rows.conditionOf(table);
    const [id] = table.key;
    if (!condition || !id) continue;
    const [counted] = await em.execute<[{ total: string }]>(
      `select count(*) as total from ${quote(table.name)} where ${condition}`,
    );
    const sample = await em.execute<ShownRows['sample']>(
      `select ${quote(id.name)}::text as id, ${as.name} as name, ${as.address} as address, ${as.why} as why
         from ${quote(table.name)} where ${condition} order by address, id limit ${SHOWN}`,
    );
    shown.push({ table: table.name, total: Number(counted.total), sample });
  }
  return shown.toSorted((one, other) => other.table.localeCompare(one.table));
}

/** Writes a plan down, without what it counts, which reads its subjects. */
export async function insertPlan(
  em: EntityManager,
  plan: { id: string; scope: PurgeScope; phrase: string; state: string; subjects: object; plannedBy: string | null },
): Promise<{ expires_at: string }> {
  const [row] = await em.execute<[{ expires_at: string }]>(
    `insert into purge_plans (id, scope, phrase, state, subjects, tables, planned_by, created_at, expires_at)
     values (?, ?, ?, ?, ?::jsonb, '[]', ?, now(), now() + ${LIFETIME}) returning expires_at`,
    [plan.id, plan.scope, plan.phrase, plan.state, JSON.stringify(plan.subjects), plan.plannedBy],
  );
  return row;
}

/** Plans and purges, newest first, without what they say of tables. @param before the id of the last one seen. */
export function listPlans(em: EntityManager, before: string | null, limit: number) {
  return em.find(PurgePlan, { ...(before && { id: { $lt: before } }) }, { orderBy: { id: 'desc' }, limit });
}

/** Forgets plans that nobody confirmed in time. */
export async function removeStalePlans(em: EntityManager): Promise<void> {
  await em.execute(`delete from purge_plans where status = 'planned' and expires_at < now() - interval '1 day'`);
}

/** Writes fields of a plan that are JSON. */
export async function updatePlan(
  em: EntityManager,
  id: string,
  column: 'tables' | 'before',
  value: PlannedTable[],
): Promise<void> {
  await em.execute(`update purge_plans set ${column} = ?::jsonb where id = ?`, [JSON.stringify(value), id]);
}

/** Where a plan stands in the eyes of who wants to execute it. */
export interface Standing {
  scope: PurgeScope;
  used: boolean;
  expired: boolean;
  confirmed: boolean;
}

/** @param plannedBy only whoever made a plan knows it. */
export async function readStanding(
  em: EntityManager,
  id: string,
  plannedBy: string | null,
  confirmation: string,
): Promise<Standing | undefined> {
  const [row] = await em.execute<Standing[]>(
    `select scope, status <> 'planned' as used, expires_at <= now() as expired, phrase = ? as confirmed
       from purge_plans where id = ? and planned_by is not distinct from ?`,
    [confirmation, id, plannedBy],
  );
  return row;
}

/** Uses a plan, while no other is being executed: one statement, so of fifty at once one gets it. */
export async function takePlan(
  em: EntityManager,
  { id, plannedBy, confirmation, state }: { id: string; plannedBy: string | null; confirmation: string; state: string },
): Promise<boolean> {
  const taken = await em.execute(
    `update purge_plans set status = 'queued', confirmed_at = now()
      where id = ? and planned_by is not distinct from ? and status = 'planned' and expires_at > now() and phrase = ? and state = ?
        and not exists (select from purge_plans other where other.status in ('queued', 'running'))
     returning 1`,
    [id, plannedBy, confirmation, state],
  );
  return taken.length === 1;
}

/** Marks a plan as running. */
export async function startPlan(em: EntityManager, id: string): Promise<void> {
  await em.execute(
    `update purge_plans set status = 'running', started_at = coalesce(started_at, now()) where id = ? and status <> 'completed'`,
    [id],
  );
}

/** Marks a plan as done, with what was seen afterwards. */
export async function completePlan(em: EntityManager, id: string, verification: PurgeCheck[]): Promise<void> {
  await em.execute(
    `update purge_plans set status = 'completed', finished_at = clock_timestamp(), subjects = '{}', verification = ?::jsonb where id = ?`,
    [JSON.stringify(verification), id],
  );
}

/** Writes down what came of a table, and adds what of it is gone now. */
export async function writeResult(
  em: EntityManager,
  id: string,
  table: string,
  { outcome, removed, detail }: { outcome: PurgeOutcome | null; removed: number; detail: string | null },
): Promise<void> {
  await em.execute(
    `update purge_plans
        set results = results || jsonb_build_object(?::text, jsonb_build_object(
              'outcome', ?::text, 'detail', ?::text, 'rows', coalesce((results -> ? ->> 'rows')::bigint, 0) + ?::bigint))
      where id = ?`,
    [table, outcome, detail, table, removed, id],
  );
}

/** The key of the last row that was looked at, as texts. */
export type Reached = readonly string[] | null;

/**
 * Removes the next rows of a table in the order of its key: each is looked at once, also while an old snapshot keeps
 * those that are gone in the index.
 * @returns how many, and the key to go on after; null when it was the last batch.
 */
export async function removeBatch(
  em: EntityManager,
  { name, key }: Table,
  condition: string,
  after: Reached,
): Promise<{ removed: number; reached: Reached }> {
  const columns = key.map((column) => quote(column.name));
  const order = (direction: string): string => columns.map((column) => `${column} ${direction}`).join(', ');
  const from = after ? `(${columns.join(', ')}) > (${key.map(({ type }) => `?::${type}`).join(', ')}) and ` : '';
  const [row] = await em.execute<[{ removed: number; found: number; reached: string[] | null }]>(
    `with batch as materialized (
       select ${columns.join(', ')} from ${quote(name)} where ${from}(${condition}) order by ${order('asc')} limit ${BATCH}),
     gone as (
       delete from ${quote(name)} t using batch
        where ${columns.map((column) => `t.${column} = batch.${column}`).join(' and ')} returning 1)
     select (select count(*)::int from gone) as removed, (select count(*)::int from batch) as found,
            (select json_build_array(${columns.map((column) => `${column}::text`).join(', ')})
               from batch order by ${order('desc')} limit 1) as reached`,
    [...(after ?? [])],
  );
  return { removed: row.removed, reached: row.found < BATCH ? null : row.reached };
}
