import type { EntityManager } from '@mikro-orm/postgresql';
import { countRows, type ExpiringCount, type ExpiringType, removeRows } from './expiring-type.js';

/** How long rows of an organization are kept after their time, in days. It may choose within the bounds. */
export interface Retention {
  /** Unless the organization says otherwise. */
  days: number;
  least: number;
  most: number;
}

/** Days that are chosen, by the type's name; of what is not named, the type's own. */
export type KeptDays = Record<string, number>;

/** A type of which each organization may choose how long it is kept. */
export interface RetainedType extends ExpiringType {
  retention: Retention;
  /**
   * @param em of a system transaction; of a tenant's it counts what is the tenant's.
   * @param asked counts as if every organization had chosen so; left out: as each has.
   */
  count: (em: EntityManager, asked?: KeptDays) => Promise<ExpiringCount>;
}

/** Rows of a table that have an `organization_id`, by the time after which they are of no use, as data. */
export interface RetainedRows extends Pick<RetainedType, 'name' | 'title' | 'description' | 'table' | 'retention'> {
  /** The time; indexed. */
  column: string;
}

/**
 * A type whose rows are kept as their organizations say in `cleanup_policies`. Bounds may have become narrower since one
 * chose: the nearest is taken.
 */
export function retainedRows({ name, title, description, table, column, retention }: RetainedRows): RetainedType {
  const { days, least, most } = retention;
  const at = `row.${column}`;
  const chosen = chosenDays(name);
  const bounded = (sql: string): string => `least(greatest(${sql}, ${least}), ${most})`;
  const kept = (own: string): string => `make_interval(days => ${bounded(`coalesce(${own}, ${days})`)})`;
  return {
    name,
    title,
    description: `${description}, after ${days} days or as their organization says`,
    table,
    kept: `${days} days`,
    hourly: false,
    retention,
    count: (em, asked) =>
      countRows(em, {
        from: `${table} row ${asked ? 'cross join (select ?::jsonb as kept_days) policy' : `left join ${POLICY} on ${OF_ROW}`}`,
        due: `${at} < now() - ${kept(chosen)}`,
        leaves: `${at} + ${kept(chosen)}`,
        values: asked && [JSON.stringify(asked)],
      }),
    async removeBatch(run, limit, after, account) {
      // Apart, so that the plan knows how many rows the index will give. Who chooses between this statement and the next is
      // obeyed from the next batch on.
      const [bounds] = await run<{ shortest: number; longest: number }>(
        `select ${bounded(`least(min(${chosen}), ${days})`)} as shortest, ${bounded(`greatest(max(${chosen}), ${days})`)} as longest
           from ${POLICY}`,
      );
      // What is older than any choice is due whoever it is of: only of the others a policy is looked up, which costs as much
      // as to remove a row.
      const own = kept(`(select ${chosen} from ${POLICY} where ${OF_ROW})`);
      const due = `${at} < now() - make_interval(days => ?)
          and (${at} < now() - make_interval(days => ?) or ${at} < now() - ${own})`;
      const { shortest, longest } = bounds!;
      return removeRows(run, { table, column, due, values: [shortest, longest] }, limit, after, account);
    },
  };
}

const POLICY = 'cleanup_policies policy';
const OF_ROW = 'policy.organization_id = row.organization_id';

/** What a policy says of a type, as SQL; null: nothing. Indexed, since the least and the most of all are asked for. */
const chosenDays = (name: string): string => `(policy.kept_days -> '${name}')::int`;
