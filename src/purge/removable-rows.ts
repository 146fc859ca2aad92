import type { PurgeRules, PurgeScope } from '../database/purge-rules.js';
import { quote } from '../database/roles.js';
import type { Reference, Table } from './tables.queries.js';

/** Ids that were found when the plan was made. */
const FOUND = (table: string, type: string): string =>
  `(select value::${type} from purge_plans, jsonb_array_elements_text(subjects -> '${table}') as value
     where purge_plans.id = current_setting('app.purge_plan')::uuid)`;

/**
 * Which rows of which tables go with a scope, as conditions of SQL: those that the rules of the rooms name, and whatever
 * hangs on them by a foreign key `on delete cascade`.
 */
export class RemovableRows {
  /** What refers to others first, so that a row goes before what it hangs on. */
  readonly tables: readonly Table[];
  private readonly byName: ReadonlyMap<string, Table>;

  constructor(
    tables: readonly Table[],
    private readonly rules: PurgeRules,
    private readonly scope: PurgeScope,
  ) {
    this.byName = new Map(tables.map((table) => [table.name, table]));
    this.tables = this.inOrder();
  }

  find(name: string): Table | undefined {
    return this.byName.get(name);
  }

  /** Condition for the rows that go; null when none does. It reads the variables that {@link enterPlan} sets. */
  conditionOf({ name, key, references }: Table, path: readonly string[] = []): string | null {
    const conditions = references
      .filter(({ to, cascades }) => cascades && to !== name && !path.includes(to))
      .flatMap((reference) => this.hangingOn(reference, [...path, name]));
    const [id] = key;
    const named = this.namedBy(name);
    if (named) {
      const all = this.rules.of(name)?.all ?? 'true';
      const known = this.isSubject(name) && id;
      conditions.unshift(known ? `(${all}) and ${quote(id.name)} in ${FOUND(name, id.type)}` : named);
    }
    return conditions.length === 0 ? null : conditions.map((condition) => `(${condition})`).join(' or ');
  }

  /** Condition for the rows that a rule names as things are now; null without one. */
  namedBy(name: string): string | null {
    const { all, testData } = this.rules.of(name) ?? {};
    if (this.scope === 'all') return all ?? null;
    if (testData === undefined) return null;
    return all === undefined ? testData : `(${all}) and (${testData})`;
  }

  /** Whether rows of other tables go with test data of this one, which is therefore written down first. */
  isSubject(name: string): boolean {
    return (
      this.scope === 'test-data' &&
      this.rules.of(name)?.testData !== undefined &&
      this.tables.some(({ references }) => references.some(({ to, cascades }) => cascades && to === name))
    );
  }

  /** Whether a plan is for other rows as soon as this table has others. */
  isState(name: string): boolean {
    return this.namedBy(name) !== null && !this.rules.of(name)!.volatile;
  }

  /** What stays of a table, and why. */
  reasonOf({ name, references }: Table): string {
    const rule = this.rules.of(name);
    if (rule) return typeof rule.keeps === 'string' ? rule.keeps : rule.keeps[this.scope];
    const parents = new Set(references.filter(({ cascades }) => cascades).map(({ to }) => to));
    return parents.size > 0 ? `What hangs on kept rows of ${[...parents].join(', ')}` : NOBODY_SAID;
  }

  /** How the rows of a table are shown one by one, and why each goes; undefined where their number has to do. */
  shownAs(name: string): { name: string; address: string; why: string } | undefined {
    const shown = this.rules.of(name)?.shows;
    return shown && { ...shown, why: shown.why[this.scope] };
  }

  /** Tables of which nobody said what a purge does with them: they stay as they are. */
  unknown(): string[] {
    return this.tables.filter((table) => this.reasonOf(table) === NOBODY_SAID).map(({ name }) => name);
  }

  private hangingOn({ to, columns, toColumns }: Reference, path: readonly string[]): string[] {
    const parent = this.byName.get(to);
    const condition = parent && this.conditionOf(parent, path);
    if (!condition) return [];
    const [own, theirs] = [columns, toColumns].map((names) => names.map(quote).join(', '));
    return [`(${own}) in (select ${theirs} from ${quote(to)} where ${condition})`];
  }

  private inOrder(): Table[] {
    const parentsFirst = new Set<Table>();
    const seen = new Set<Table>();
    const visit = (table: Table): void => {
      if (seen.has(table)) return;
      seen.add(table);
      for (const { to } of table.references) {
        const parent = this.byName.get(to);
        if (parent) visit(parent);
      }
      parentsFirst.add(table);
    };
    for (const table of this.byName.values()) visit(table);
    return [...parentsFirst].toReversed();
  }
}

const NOBODY_SAID = 'No room said what a purge does with it, so it stays';
