import { Client } from 'pg';
import { testConnection } from '../database/connection-test.js';
import { type RowSecurityAttempt, type RowSecurityReport, tryRowSecurity } from '../database/row-security.js';
import { migrationStates } from '../database/schema.js';
import { onDatabase } from './command-database.js';
import type { Terminal } from './command.js';

const USAGE = `Usage: npm run rls:report
Tries every operation on every table of tenants, for the row's own tenant, another one and none, as the login of
DATABASE_URL, and rolls it back. Safe on a live system; ends with 1 when anything is not as it should be.`;

/**
 * The command `rls:report`.
 * @param args after the command's name; it takes none.
 * @returns the exit code: 0 row security holds, 1 it does not or could not be tried, 2 not understood.
 */
export async function rlsReport(args: readonly string[], { load, say, complain }: Terminal): Promise<0 | 1 | 2> {
  if (args.length > 0) {
    complain(USAGE);
    return 2;
  }
  try {
    const report = await onDatabase(load(), complain, async ({ appUrl, embedded }) => {
      await testConnection(appUrl, embedded ? 'embedded' : 'DATABASE_URL');
      if ((await migrationStates(appUrl)).some(({ executedAt }) => executedAt === null))
        throw new Error('The schema is not current. Run: npm run migrate -- up');
      return tryAsSystem(appUrl);
    });
    for (const line of describe(report)) say(line);
    return report.passed ? 0 : 1;
  } catch (error) {
    complain(error instanceof Error ? error.message : String(error));
    return 1;
  }
}

async function tryAsSystem(url: string): Promise<RowSecurityReport> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5_000, application_name: 'tenon-rls' });
  await client.connect();
  try {
    await client.query('begin; set local role tenon_system');
    return await tryRowSecurity(async (sql) => (await client.query(sql)).rows);
  } finally {
    // Ends the transaction too; nothing of it is to stay.
    await client.end();
  }
}

const CONTEXTS = ['own', 'other', 'none'] as const;

/** The report as lines for people: what each context can do with each table, what is wrong, and the checks. */
function describe({ tables, setup, passed }: RowSecurityReport): string[] {
  const byTable = Map.groupBy(tables, ({ table }) => table);
  const width = Math.max(...[...byTable.keys()].map((table) => table.length), 0);
  const done = (attempts: readonly RowSecurityAttempt[], context: string): string =>
    attempts
      .filter((attempt) => attempt.context === context && attempt.actual !== false)
      .map(({ operation, actual }) => (actual === null ? `${operation}?` : operation))
      .join(' ') || '-';
  const wrong = tables.filter((attempt) => !attempt.passed);
  return [
    `${'table'.padEnd(width)}  ${'own tenant may'.padEnd(26)}  ${'another may'.padEnd(26)}  without a tenant`,
    ...[...byTable].map(([table, attempts]) =>
      [table.padEnd(width), ...CONTEXTS.map((context) => done(attempts, context).padEnd(26))].join('  ').trimEnd(),
    ),
    '',
    ...setup.map(({ check, passed: holds, detail }) => `${holds ? 'ok    ' : 'WRONG '} ${check}: ${detail}`),
    '',
    ...wrong.map(
      ({ table, operation, context, expected, actual, detail }) =>
        `WRONG  ${operation} ${table}, ${context}: expected to be ${outcome(expected)}, ${outcome(actual)}: ${detail}`,
    ),
    passed
      ? `Row security holds: ${tables.length} attempts on ${byTable.size} tables, ${setup.length} checks.`
      : `Row security does not hold: ${wrong.length} attempts and ${setup.filter((check) => !check.passed).length} checks are wrong.`,
  ];
}

function outcome(done: boolean | null): string {
  return done === null ? 'not tried' : done ? 'carried out' : 'refused';
}
