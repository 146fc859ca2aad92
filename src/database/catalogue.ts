import type { Client } from 'pg';

/** What a schema consists of, in the order in which differences are told. */
export const CATALOGUE_KINDS = [
  'tables',
  'columns',
  'indexes',
  'constraints',
  'policies',
  'views',
  'functions',
  'triggers',
  'privileges',
] as const;
export type CatalogueKind = (typeof CATALOGUE_KINDS)[number];

/** Every object of the schema `public`, by kind and name, each with its definition as text. */
export type Catalogue = Record<CatalogueKind, Record<string, string>>;

// What an extension brought is its own; the days and months of a partitioned table differ from day to day.
const RELATIONS = `
  relation as (
    select c.oid, regexp_replace(regexp_replace(c.relname, '_p\\d{6}$', '_pYYYYMM'), '_p\\d{8}$', '_pYYYYMMDD') as name, c.relkind, c.relowner, c.relacl, c.relispartition,
           c.relpersistence, c.relrowsecurity, c.relforcerowsecurity, c.reloptions
      from pg_class c
     where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'S', 'v')
       and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
  ),
  routine as (
    select p.* from pg_proc p
     where p.pronamespace = 'public'::regnamespace and p.prokind in ('f', 'p')
       and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
  )`;

// Columns, indexes and constraints of a partition follow from its parent; its policies and privileges do not.
const QUERIES: Record<CatalogueKind, string> = {
  tables: `
    select r.name, concat_ws(', ',
             case r.relpersistence when 'u' then 'unlogged' when 'p' then 'logged' else 'temporary' end,
             case when r.relkind = 'p' then 'partitioned by ' || pg_get_partkeydef(r.oid) end,
             case when r.relispartition then 'partition of ' || (select inhparent::regclass from pg_inherits where inhrelid = r.oid) end,
             'row security ' || case when not r.relrowsecurity then 'off' when r.relforcerowsecurity then 'forced' else 'not forced' end,
             r.reloptions::text) as definition
      from relation r where r.relkind in ('r', 'p')`,
  columns: `
    select r.name || '.' || a.attname as name, concat_ws(' ',
             format_type(a.atttypid, a.atttypmod),
             case when a.attcollation <> t.typcollation then 'collate ' || a.attcollation::regcollation end,
             case when a.attnotnull then 'not null' else 'null' end,
             case a.attidentity when 'a' then 'identity always' when 'd' then 'identity by default' end,
             case when a.attgenerated <> '' then 'generated as' when d.oid is not null then 'default' end,
             pg_get_expr(d.adbin, d.adrelid)) as definition
      from relation r
      join pg_attribute a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
      join pg_type t on t.oid = a.atttypid
      left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
     where r.relkind in ('r', 'p') and not r.relispartition`,
  indexes: `
    select r.name || '.' || i.indexrelid::regclass as name,
           pg_get_indexdef(i.indexrelid) || case when i.indisvalid then '' else ' (invalid)' end as definition
      from relation r join pg_index i on i.indrelid = r.oid where not r.relispartition`,
  // 'n': from PostgreSQL 18 on each not null is a row of its own; the columns say it on every version.
  constraints: `
    select r.name || '.' || c.conname as name, pg_get_constraintdef(c.oid) as definition
      from relation r join pg_constraint c on c.conrelid = r.oid
     where not r.relispartition and c.contype not in ('n', 't') and c.conparentid = 0`,
  policies: `
    select r.name || '.' || p.polname as name, concat_ws(' ',
             case when p.polpermissive then 'permissive' else 'restrictive' end, 'for',
             case p.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete' else 'all' end,
             'to', (select string_agg(coalesce(o.rolname, 'public'), ', ' order by o.rolname)
                      from unnest(p.polroles) as role left join pg_roles o on o.oid = role),
             'using ' || pg_get_expr(p.polqual, p.polrelid),
             'with check ' || pg_get_expr(p.polwithcheck, p.polrelid)) as definition
      from relation r join pg_policy p on p.polrelid = r.oid`,
  views: `
    select r.name, concat_ws(' ', r.reloptions::text, pg_get_viewdef(r.oid)) as definition
      from relation r where r.relkind = 'v'`,
  functions: `
    select p.proname || '(' || oidvectortypes(p.proargtypes) || ')' as name, pg_get_functiondef(p.oid) as definition
      from routine p`,
  triggers: `
    select r.name || '.' || t.tgname as name,
           pg_get_triggerdef(t.oid) || case t.tgenabled when 'O' then '' when 'D' then ' (disabled)' else ' (enabled: ' || t.tgenabled::text || ')' end as definition
      from relation r join pg_trigger t on t.tgrelid = r.oid where not t.tgisinternal and t.tgparentid = 0`,
  // Our roles, everybody, and what a login of ours was given past its role.
  privileges: `
    select g.object || ' to ' || coalesce(o.rolname, 'public') as name,
           string_agg(g.privilege || case when g.grantable then ' with grant option' else '' end, ', ' order by g.privilege) as definition
      from (
        select case when r.relkind = 'S' then 'sequence ' else 'table ' end || r.name as object, r.relowner as owner,
               a.grantee, a.privilege_type as privilege, a.is_grantable as grantable
          from relation r, aclexplode(r.relacl) a
        union
        select 'column ' || r.name || '.' || c.attname, r.relowner, a.grantee, a.privilege_type, a.is_grantable
          from relation r join pg_attribute c on c.attrelid = r.oid, aclexplode(c.attacl) a
        union
        select 'function ' || p.proname || '(' || oidvectortypes(p.proargtypes) || ')', p.proowner,
               a.grantee, a.privilege_type, a.is_grantable
          from routine p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
        union
        select 'schema ' || n.nspname, n.nspowner, a.grantee, a.privilege_type, a.is_grantable
          from pg_namespace n, aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a where n.nspname = 'public'
        union
        select 'new ' || case d.defaclobjtype when 'r' then 'tables' when 'S' then 'sequences' when 'f' then 'functions' else d.defaclobjtype::text end,
               d.defaclrole, a.grantee, a.privilege_type, a.is_grantable
          from pg_default_acl d, aclexplode(d.defaclacl) a
         where d.defaclnamespace = 'public'::regnamespace
           and d.defaclrole in (select relowner from pg_class where relnamespace = 'public'::regnamespace)
      ) g
      left join pg_roles o on o.oid = g.grantee
     where g.grantee = 0
        or (g.grantee <> g.owner and not o.rolsuper
            and (o.rolname in ('tenon_app', 'tenon_system', 'tenon_gate')
                 or exists (select from pg_auth_members m join pg_roles app on app.oid = m.roleid
                             where m.member = g.grantee and app.rolname = 'tenon_app')))
     group by 1`,
};

/**
 * Reads what the schema `public` consists of. Any login may: the catalogue is open to everybody. The same schema reads
 * the same on PostgreSQL 15 to 18 and in any session. The months of a partitioned table count as one, `_pYYYYMM`, its days as `_pYYYYMMDD`; where
 * they differ among themselves, each definition is listed.
 */
export async function readCatalogue(client: Client): Promise<Catalogue> {
  // Definitions name what is on the search path without its schema.
  await client.query(`begin read only; set local search_path = public, pg_catalog`);
  try {
    const kinds: [CatalogueKind, Record<string, string>][] = [];
    for (const kind of CATALOGUE_KINDS) {
      const { rows } = await client.query<{ name: string; definition: string }>(
        `with ${RELATIONS}
         select name collate "C" as name, string_agg(distinct definition, ' | ') as definition from (${QUERIES[kind]}) found
          group by 1 order by 1`,
      );
      kinds.push([kind, Object.fromEntries(rows.map(({ name, definition }) => [name, definition]))]);
    }
    return Object.fromEntries(kinds) as Catalogue;
  } finally {
    await client.query('rollback');
  }
}

/** One object that is not as this version of Tenon made it. */
export interface SchemaDifference {
  kind: CatalogueKind;
  name: string;
  /** Undefined: nothing of this name is expected. */
  expected?: string;
  /** Undefined: it is missing. */
  present?: string;
}

/** Everything in which two schemas differ, by kind and name. */
export function compareCatalogues(expected: Catalogue, present: Catalogue): SchemaDifference[] {
  return CATALOGUE_KINDS.flatMap((kind) => {
    const names = new Set([...Object.keys(expected[kind]), ...Object.keys(present[kind])]);
    return [...names]
      .toSorted()
      .map((name) => ({ kind, name, expected: expected[kind][name], present: present[kind][name] }))
      .filter((difference) => difference.expected !== difference.present);
  });
}
