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
