import { Injectable } from '@nestjs/common';

/** How much a purge removes: what belongs to test accounts, or everything that people made. */
export const PURGE_SCOPES = ['test-data', 'all'] as const;
export type PurgeScope = (typeof PURGE_SCOPES)[number];

/**
 * What a purge does with a table. Rows that hang on others by a foreign key `on delete cascade` go with them and need no
 * rule; a table that hangs on none needs one, or a test fails.
 */
export interface PurgeRule {
  /** Condition of SQL for the rows that go with the scope `all`; none when left out. */
  all?: string;
  /** The same for the scope `test-data`. */
  testData?: string;
  /** What stays, and why, for whoever reads the plan; by scope where it differs. */
  keeps: string | Record<PurgeScope, string>;
  /** Rows that a plan shows one by one, so that somebody sees who goes before it is too late. */
  shows?: ShownAs;
  /** Rows come and go while people work: they make no plan outdated. */
  volatile?: true;
  /** Statement of SQL once rows of the table have gone, such as counting a revision up. */
  afterwards?: string;
}

/** How a plan shows a row of a table: expressions of SQL. */
export interface ShownAs {
  name: string;
  /** By which people tell it from others of its name. */
  address: string;
  /** Why it goes. */
  why: Record<PurgeScope, string>;
}

/** Rules by the name of the table. */
export type PurgeRuleSet = Record<string, PurgeRule>;

/** Whether an address of SQL is one of a test account. A purge sets the variable to the patterns of the environment. */
export function isTestAddress(address: string): string {
  return `${address} like any (select jsonb_array_elements_text(current_setting('app.test_addresses')::jsonb))`;
}

/** What stays of a table of which no row goes with `test-data`. */
export function ofInstallation(all: string): Record<PurgeScope, string> {
  return { all, 'test-data': 'All of them: they belong to the installation' };
}

/** The first pattern that an address of SQL fits, as the environment has it. */
export function testPatternOf(address: string): string {
  return `(select current_setting('app.test_patterns')::jsonb ->> (number - 1)::int
     from jsonb_array_elements_text(current_setting('app.test_addresses')::jsonb) with ordinality as fits(pattern, number)
    where ${address} like pattern order by number limit 1)`;
}

/** What a purge does with each table. Rooms add the rules of their tables in their modules' constructors. */
@Injectable()
export class PurgeRules {
  private readonly rules = new Map<string, PurgeRule>([
    ['schema_migrations', { keeps: 'The ledger of migrations: the schema stays as it is' }],
  ]);

  add(rules: PurgeRuleSet): void {
    for (const [table, rule] of Object.entries(rules)) this.rules.set(table, rule);
  }

  of(table: string): PurgeRule | undefined {
    return this.rules.get(table);
  }
}
