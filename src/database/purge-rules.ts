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
  /** What stays, and why, for whoever reads the plan. */
  keeps: string;
  /** Rows come and go while people work: they make no plan outdated. */
  volatile?: true;
  /** Statement of SQL once rows of the table have gone, such as counting a revision up. */
  afterwards?: string;
}

/** Rules by the name of the table. */
export type PurgeRuleSet = Record<string, PurgeRule>;

/** Whether an address of SQL is one of a test account. A purge sets the variable to the patterns of the environment. */
export function isTestAddress(address: string): string {
  return `${address} like any (select jsonb_array_elements_text(current_setting('app.test_addresses')::jsonb))`;
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
