import type { Client, Pool } from 'pg';

/** A table that one tenant could read past another. */
export interface UnprotectedTable {
  table: string;
  /** What it lacks. */
  problems: string[];
}

/**
 * Tables of the schema `public` that hold somebody's rows and are not closed by row level security: one with a column
 * `organization_id` or `user_id`, or any other that the process's role may touch, has to force row security and have a
 * policy. A forced table without a policy shows nothing to anybody, so it is a mistake too.
 */
export async function unprotectedTables(client: Client | Pool): Promise<UnprotectedTable[]> {
  const { rows } = await client.query<{ table: string; enabled: boolean; forced: boolean; policies: number }>(`
    select c.relname as table, c.relrowsecurity as enabled, c.relforcerowsecurity as forced,
           (select count(*)::int from pg_policy p where p.polrelid = c.oid) as policies
      from pg_class c
     where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'f', 'm')
       and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
       and (exists (select from pg_attribute a where a.attrelid = c.oid and not a.attisdropped
                       and a.attname in ('organization_id', 'user_id'))
            or has_table_privilege('tenon_app', c.oid, 'insert, update, delete')
            or (has_table_privilege('tenon_app', c.oid, 'select') and c.relname <> 'schema_migrations'))
     order by 1`);
  return rows
    .map(({ table, enabled, forced, policies }) => ({
      table,
      problems: [
        ...(enabled ? [] : ['row level security is off']),
        ...(forced ? [] : ['row level security is not forced: the owner passes it']),
        ...(policies > 0 ? [] : ['has no policy']),
      ],
    }))
    .filter(({ problems }) => problems.length > 0);
}

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
