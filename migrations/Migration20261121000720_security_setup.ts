import { Migration } from '@mikro-orm/migrations';

const SETTINGS = `set search_path = pg_catalog, public, pg_temp set row_security = on set lock_timeout = '500ms'`;

/** What row security stands on, to be read and checked: the policies as they are, and login, roles, views, functions. */
export class Migration20261121000720_security_setup extends Migration {
  override up(): void {
    this.audit();
    this.setup();
    this.addSql(`revoke all on rls_policies_audit from tenon_app, tenon_system`);
    this.addSql(`grant select on rls_policies_audit to tenon_system`);
    this.addSql(`revoke all on function validate_security_setup() from public`);
    this.addSql(`grant execute on function validate_security_setup() to tenon_system`);
  }

  /** Every table and policy, with what is wrong with it as it stands there. */
  private audit(): void {
    this.addSql(`
      create view rls_policies_audit with (security_invoker = true) as
      select n.nspname as schema_name, c.relname as table_name,
             c.oid in (select table_id from rls_tenant_tables()) as tenant_table,
             case when not c.relrowsecurity then 'off' when c.relforcerowsecurity then 'forced' else 'not forced' end as row_security,
             p.polname as policy_name,
             case when p.polpermissive then 'permissive' else 'restrictive' end as kind,
             case p.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete' when '*' then 'all' end as command,
             r.names as roles,
             pg_get_expr(p.polqual, p.polrelid) as using_expression,
             pg_get_expr(p.polwithcheck, p.polrelid) as check_expression,
             case
               when c.oid not in (select table_id from rls_tenant_tables()) then null
               when not c.relrowsecurity then 'row security is off'
               when not c.relforcerowsecurity then 'row security is not forced: the owner passes it'
               when p.oid is null then 'has no policy'
               when 'public' = any(r.names) then 'is for everybody'
               when p.polpermissive and r.names <> array['tenon_system']
                and 'true' in (pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)) then 'lets everything through'
             end as finding
        from pg_class c
        join pg_namespace n on n.oid = c.relnamespace
        left join pg_policy p on p.polrelid = c.oid
        left join lateral (
          select array_agg(coalesce(o.rolname::text, 'public') order by o.rolname) as names
            from unnest(p.polroles) as role left join pg_roles o on o.oid = role
        ) r on true
       where c.relkind in ('r', 'p', 'f', 'm') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'`);
  }

  /** What has to hold around the policies, for them to hold. */
  private setup(): void {
    this.addSql(`
      create function validate_security_setup() returns table (check_name text, passed boolean, detail text)
      language sql stable ${SETTINGS} as $$
        with login as (
          select r.oid, r.rolname, r.rolsuper, r.rolbypassrls from pg_roles r where r.rolname = session_user
        ), space as (
          select n.oid, n.nspname from pg_namespace n where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
        ), tenant as (
          select c.oid, c.relowner, c.relacl, c.relnamespace from rls_tenant_tables() t join pg_class c on c.oid = t.table_id
        ), routine as (
          select p.* from pg_proc p
           where p.pronamespace in (select oid from space)
             and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
        ), offence (check_name, what) as (
          select 'login_is_bound', rolname || ' is a superuser' from login where rolsuper
          union all
          select 'login_is_bound', rolname || ' has BYPASSRLS' from login where rolbypassrls
          union all
          select 'login_owns_nothing', t.oid::regclass || ' belongs to ' || pg_get_userbyid(t.relowner)
            from login, tenant t where not rolsuper and pg_has_role(login.oid, t.relowner, 'usage')
          union all
          select 'system_role_is_not_inherited', r.rolname || ' inherits tenon_system'
            from pg_roles r, pg_roles s
           where s.rolname = 'tenon_system' and not r.rolsuper and pg_has_role(r.oid, s.oid, 'usage')
             and (r.rolname = session_user or r.rolname in ('tenon_app', 'tenon_gate'))
          union all
          select 'roles_are_bound', r.rolname || concat(case when r.rolsuper then ' is a superuser' end,
                 case when r.rolbypassrls then ' has BYPASSRLS' end, case when r.rolcanlogin then ' may log in' end,
                 case when r.rolcreaterole then ' may create roles' end)
            from pg_roles r
           where r.rolname in ('tenon_app', 'tenon_system', 'tenon_gate')
             and (r.rolsuper or r.rolbypassrls or r.rolcanlogin or r.rolcreaterole)
          union all
          select 'row_security_is_forced', a.schema_name || '.' || a.table_name || ': ' || a.finding
            from rls_policies_audit a where a.finding like 'row security %' or a.finding = 'has no policy'
           group by a.schema_name, a.table_name, a.finding
          union all
          select 'grants_have_policies', t.oid::regclass || ': ' || o.privilege
            from tenant t
           cross join (values ('select', 'r'), ('insert', 'a'), ('update', 'w'), ('delete', 'd')) as o(privilege, command)
           where case o.privilege when 'delete' then has_table_privilege('tenon_app', t.oid, 'delete')
                   else has_any_column_privilege('tenon_app', t.oid, o.privilege) end
             and not exists (select from pg_policy p where p.polrelid = t.oid and p.polpermissive and p.polcmd in (o.command, '*')
                              and exists (select from unnest(p.polroles) as role
                                           where case role when 0 then true else pg_has_role('tenon_app', role, 'usage') end))
          union all
          select 'policies_name_a_tenant', a.schema_name || '.' || a.table_name || '.' || a.policy_name || ' ' || a.finding
            from rls_policies_audit a where a.policy_name is not null and a.finding in ('is for everybody', 'lets everything through')
          union all
          -- Row security does not look at these.
          select 'nothing_passes_row_security', t.oid::regclass || ': ' || o.privilege || ' by ' || who.name
            from tenant t
           cross join unnest(array['truncate', 'references', 'trigger']) as o(privilege)
           cross join (select 'tenon_app' as name union all select rolname::text from login where not rolsuper) who
           where has_table_privilege(who.name, t.oid, o.privilege)
          union all
          select 'nothing_passes_row_security', t.oid::regclass || ': ' || lower(a.privilege_type) || ' by '
                 || case a.grantee when 0 then 'everybody' else pg_get_userbyid(a.grantee) end
            from tenant t cross join login cross join lateral aclexplode(t.relacl) a
           where a.grantee = 0 or (a.grantee = login.oid and a.grantee <> t.relowner)
          union all
          select 'views_ask_as_who_reads', c.oid::regclass || ' asks as its owner'
            from pg_class c
           where c.relnamespace in (select oid from space) and c.relkind = 'v'
             and not coalesce(c.reloptions::text[] && array['security_invoker=true', 'security_invoker=on', 'security_invoker=1', 'security_invoker=yes'], false)
             and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
          union all
          select 'views_ask_as_who_reads', c.oid::regclass || ' is materialized: it holds what its owner saw'
            from pg_class c
           where c.relnamespace in (select oid from space) and c.relkind = 'm' and has_any_column_privilege('tenon_app', c.oid, 'select')
          union all
          select 'owners_functions_are_pinned', p.oid::regprocedure || ' may be led elsewhere by its search_path'
            from routine p
           where p.prosecdef and not exists (select from unnest(p.proconfig) as setting where setting ~ '^search_path=.*, ?pg_temp$')
          union all
          select 'nothing_can_be_created', who.name || ' may create in schema ' || space.nspname
            from space cross join (select 'public' as name union all select 'tenon_app' union all select rolname::text from login where not rolsuper) who
           where has_schema_privilege(who.name, space.oid, 'create')
             and not (who.name <> 'public' and exists (select from login, pg_namespace n where n.oid = space.oid and n.nspowner = login.oid))
          union all
          select 'nothing_can_be_created', who.name || ' may create temporary tables'
            from (select 'public' as name union all select 'tenon_app' union all select rolname::text from login where not rolsuper) who
           where has_database_privilege(who.name, current_database(), 'temporary')
          union all
          select 'functions_are_for_our_roles', p.oid::regprocedure || ' may be called by everybody'
            from routine p where has_function_privilege('public', p.oid, 'execute')
        ), meaning (position, check_name, holds) as (values
          (1, 'login_is_bound', 'the login of the process is no superuser and has no BYPASSRLS'),
          (2, 'login_owns_nothing', 'it owns no table of tenants'),
          (3, 'system_role_is_not_inherited', 'tenon_system is reached by SET ROLE alone'),
          (4, 'roles_are_bound', 'tenon_app, tenon_system and tenon_gate are bound by row security and nobody logs in as one'),
          (5, 'row_security_is_forced', 'every table of tenants forces row security and has a policy'),
          (6, 'grants_have_policies', 'each operation that tenon_app is granted has a policy'),
          (7, 'policies_name_a_tenant', 'no policy is for everybody or lets everything through'),
          (8, 'nothing_passes_row_security', 'nobody may truncate, refer to or put triggers on a table of tenants, and nothing is granted past the roles'),
          (9, 'views_ask_as_who_reads', 'every view is security_invoker'),
          (10, 'owners_functions_are_pinned', 'every security definer function pins its search_path, with pg_temp last'),
          (11, 'nothing_can_be_created', 'neither everybody nor the process may create tables, temporary ones included'),
          (12, 'functions_are_for_our_roles', 'no function may be called by everybody'))
        select m.check_name, count(o.what) = 0, coalesce(string_agg(o.what, '; ' order by o.what), m.holds)
          from meaning m left join offence o on o.check_name = m.check_name
         group by m.position, m.check_name, m.holds
         order by m.position
      $$`);
  }

  override down(): void {
    this.addSql(`drop function validate_security_setup()`);
    this.addSql(`drop view rls_policies_audit`);
  }
}
