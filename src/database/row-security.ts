/** One attempt on a table of tenants, and what came of it. */
export interface RowSecurityAttempt {
  table: string;
  /** The role of the database that tried. */
  role: string;
  operation: 'read' | 'insert' | 'update' | 'delete';
  /** For whom: the tenant of the row, another one, or none. */
  context: 'own' | 'other' | 'none';
  /** Whether it should be carried out: for the own tenant what the role is granted, for others nothing. */
  expected: boolean;
  /** Whether it was carried out; null when it could not be tried. */
  actual: boolean | null;
  passed: boolean;
  /** What the database said. */
  detail: string | null;
}

/** One thing that has to hold for row security to hold. */
export interface SetupCheck {
  check: string;
  passed: boolean;
  /** What holds, or what is in its way. */
  detail: string;
}

/** Row security as it was tried. */
export interface RowSecurityReport {
  generatedAt: string;
  /** Whether every attempt and every check passed. */
  passed: boolean;
  tables: RowSecurityAttempt[];
  setup: SetupCheck[];
}

/**
 * Tries each operation on each table of tenants of the whole catalogue, and rolls everything back; about 0.2 s for 20
 * tables.
 * @param query runs a statement as `tenon_system`, in one transaction that the caller ends; it has to be able to write.
 */
export async function tryRowSecurity(query: (sql: string) => Promise<unknown[]>): Promise<RowSecurityReport> {
  // Far more than it takes, and less than a request may wait.
  await query(`select set_config('statement_timeout', '10s', true)`);
  const tables = await query(
    `select table_name as "table", role_name as "role", operation, context, expected, actual, passed, detail
       from generate_rls_test_report()`,
  );
  const setup = await query(`select check_name as "check", passed, detail from validate_security_setup()`);
  const all = [...tables, ...setup] as { passed: boolean }[];
  return {
    generatedAt: new Date().toISOString(),
    passed: tables.length > 0 && all.every(({ passed }) => passed),
    tables: tables as RowSecurityAttempt[],
    setup: setup as SetupCheck[],
  };
}
