import { Migration } from '@mikro-orm/migrations';

const SETTINGS = `set search_path = pg_catalog, public, pg_temp set row_security = on set lock_timeout = '500ms'`;
const FUNCTIONS = [
  'rls_tenant_tables()',
  'rls_probe_columns(oid)',
  'rls_probe_row(oid, jsonb, oid[])',
  'rls_insert(oid, jsonb)',
  'rls_attempt(text, text, text, text)',
  'rls_probe(text, oid, text, text)',
  'rls_test(text, text, text, text)',
  'test_can_read(text, text, text)',
  'test_can_insert(text, text, text)',
  'test_can_update(text, text, text)',
  'test_can_delete(text, text, text)',
  'generate_rls_test_report(text)',
];

/**
 * Row security, tried: each operation on each table of a tenant is really executed, as the role of the process, for the
 * row's own tenant, another one and none, and rolled back. The rows are generated from the catalogue, so a table that a
 * later migration adds is tried without a line here.
 */
export class Migration20261121000710_row_security_tests extends Migration {
  override up(): void {
    this.tenantTables();
    this.probeRows();
    this.attempts();
    this.report();
    // The system role alone: it sees every tenant anyway.
    this.addSql(`revoke all on function ${FUNCTIONS.join(', ')} from public`);
    this.addSql(`grant execute on function ${FUNCTIONS.join(', ')} to tenon_system`);
  }

  /** Which tables hold somebody's rows, and the columns that say whose. */
  private tenantTables(): void {
    this.addSql(`
      create function rls_tenant_tables() returns table (table_id oid, tenant_columns name[])
      language plpgsql stable ${SETTINGS} as $$
      begin
        -- plpgsql keeps the plan; as a function in SQL this was planned at every call.
        return query with recursive relation as (
          select c.oid
            from pg_class c join pg_namespace n on n.oid = c.relnamespace
           where c.relkind in ('r', 'p', 'f', 'm') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
             and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
        ), root as (
          select to_regclass(name)::oid as oid from unnest(array['public.organizations', 'public.users']) as name
        ), named as (
          select r.oid, array_agg(a.attname order by a.attnum) as columns
            from relation r join pg_attribute a on a.attrelid = r.oid and not a.attisdropped
           where a.attname in ('organization_id', 'user_id') or (a.attname = 'id' and r.oid in (select oid from root))
           group by r.oid
        ), owned as (
          -- Rows that go with the row of a tenant are the tenant's too.
          select c.conrelid as oid, c.confrelid as parent, c.conkey
            from pg_constraint c
           where c.contype = 'f' and c.confdeltype = 'c' and c.conrelid <> c.confrelid
             and not exists (select from pg_attribute a where a.attrelid = c.conrelid and a.attnum = any(c.conkey) and not a.attnotnull)
        ), tenants as (
          select oid from named
          union
          select o.oid from owned o join tenants t on t.oid = o.parent join relation r on r.oid = o.oid
        )
        select t.oid, coalesce(n.columns, (
                 select array_agg(distinct a.attname)
                   from owned o join pg_attribute a on a.attrelid = o.oid and a.attnum = any(o.conkey)
                  where o.oid = t.oid and o.parent in (select oid from tenants)))
          from tenants t left join named n on n.oid = t.oid
         -- What others refer to comes first.
         order by t.oid in (select oid from root) desc, t.oid::regclass::text;
      end $$`);
  }

  /** Rows for the attempts: what has to be given is generated, and what is referred to is made first. */
  private probeRows(): void {
    this.addSql(`
      create function rls_probe_columns(table_id oid)
      returns table (name name, parent oid, parent_column name, value text)
      language plpgsql volatile ${SETTINGS} as $$
      begin
        return query with given as (
          select a.attname, a.attnum, a.attrelid, b.typname, b.typcategory, b.oid as type,
                 nullif(greatest(a.atttypmod, t.typtypmod), -1) - 4 as characters
            from pg_attribute a
            join pg_type t on t.oid = a.atttypid
            join pg_type b on b.oid = coalesce(nullif(t.typbasetype, 0), t.oid)
            left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
           where a.attrelid = table_id and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
             and (a.attnotnull and d.oid is null
                  -- A sequence does not roll back.
                  or a.attidentity <> '' or pg_get_expr(d.adbin, d.adrelid) ~ 'nextval'
                  or a.attname in ('id', 'organization_id', 'user_id'))
        ), reference as (
          select distinct on (pair.child) pair.child, c.confrelid, a.attname
            from pg_constraint c
           cross join lateral unnest(c.conkey, c.confkey) as pair(child, parent)
            join pg_attribute a on a.attrelid = c.confrelid and a.attnum = pair.parent
           where c.conrelid = table_id and c.contype = 'f'
             and c.conkey <@ (select array_agg(attnum) from given)
           order by pair.child, cardinality(c.conkey) desc, c.conname
        ), random as (
          select replace(gen_random_uuid()::text, '-', '') as hex
        )
        select g.attname, r.confrelid, r.attname, case
                 when allowed.value is not null then allowed.value
                 when g.typname = 'uuid' then gen_random_uuid()::text
                 when g.typname in ('json', 'jsonb') then '{}'
                 when g.typname = 'bytea' then '\\x' || random.hex || random.hex
                 when g.typcategory = 'S' and g.characters < 42 then left(random.hex, g.characters)
                 when g.typcategory = 'S' then 'rls-probe-' || random.hex
                 when g.typname in ('int2', 'int4', 'int8') then (1 + floor(random() * 32000))::text
                 when g.typcategory = 'N' then '1'
                 when g.typcategory = 'B' then 'false'
                 when g.typcategory = 'D' then now()::text
                 when g.typcategory = 'T' then '1 day'
                 when g.typcategory = 'A' then '{}'
                 when g.typcategory = 'I' then '127.0.0.1'
                 when g.typcategory = 'R' then 'empty'
                 when g.typcategory = 'E' then (select e.enumlabel from pg_enum e where e.enumtypid = g.type order by e.enumsortorder limit 1)
               end
          from given g
         cross join random
          left join reference r on r.child = g.attnum
          left join lateral (
            -- Such as CHECK (status = ANY (ARRAY['active'::text, …])).
            select coalesce(replace(matched[1], '''''', ''''), matched[2]) as value
              from pg_constraint c
             cross join lateral regexp_match(pg_get_constraintdef(c.oid),
                   '= (?:ANY \\(+ARRAY\\[)?(?:''((?:[^'']|'''')*)''|(-?[0-9]+))') as matched
             where c.conrelid = g.attrelid and c.contype = 'c' and c.conkey = array[g.attnum] and matched is not null
             limit 1
          ) allowed on true;
      end $$`);

    // 'made' holds a tenant's two ids and, by table, where its row is and what is in it.
    this.addSql(`
      create function rls_insert(table_id oid, made jsonb) returns text
      language plpgsql volatile ${SETTINGS} as $$
      declare
        item record;
        literal text;
        names text[] := '{}';
        literals text[] := '{}';
      begin
        for item in select * from rls_probe_columns(table_id) loop
          literal := coalesce(
            made ->> (case when table_id = to_regclass('public.organizations') and item.name = 'id' then 'organization_id'
                           when table_id = to_regclass('public.users') and item.name = 'id' then 'user_id'
                           else item.name end),
            made #>> array['rows', item.parent::text, 'row', item.parent_column], item.value);
          if literal is null then
            raise exception 'nothing is known to put into its column "%"', item.name;
          end if;
          names := names || format('%I', item.name);
          literals := literals || quote_literal(literal);
        end loop;
        return format('insert into %s as probe_row (%s) overriding system value values (%s)',
          table_id::regclass, array_to_string(names, ', '), array_to_string(literals, ', '));
      end $$`);
    this.addSql(`
      create function rls_probe_row(table_id oid, made jsonb, path oid[] default '{}') returns jsonb
      language plpgsql volatile ${SETTINGS} as $$
      declare
        needed oid;
        place text;
        content jsonb;
      begin
        if made -> 'rows' ? table_id::text then return made; end if;
        if table_id = any(path) then
          raise exception 'its rows need each other in a circle, at "%"', table_id::regclass;
        end if;
        for needed in select distinct parent from rls_probe_columns(table_id) where parent is not null order by 1 loop
          made := rls_probe_row(needed, made, path || table_id);
        end loop;
        execute rls_insert(table_id, made)
          || ' returning format(''tableoid = %s and ctid = %L'', tableoid::oid, ctid), to_jsonb(probe_row)'
          into strict place, content;
        -- By its key, where it has one: a trigger of a later row may move it.
        select coalesce(string_agg(format('%I = %L', a.attname, content ->> a.attname), ' and '), place) into place
          from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any(i.indkey)
         where i.indrelid = table_id and i.indisprimary;
        return jsonb_set(made, array['rows', table_id::text], jsonb_build_object('place', place, 'row', content));
      end $$`);
  }

  /** One statement, as a role and in a context, rolled back. */
  private attempts(): void {
    // null: neither carried out nor refused by the table.
    this.addSql(`
      create function rls_attempt(statement text, role_name text, organization text, person text, out done boolean, out detail text)
      language plpgsql volatile ${SETTINGS} as $$
      declare
        touched int;
        state text;
        place text;
      begin
        -- The role and the variables end with the exception, like every change.
        perform set_config('app.organization_id', organization, true), set_config('app.user_id', person, true),
                set_config('role', role_name, true);
        execute statement;
        get diagnostics touched = row_count;
        raise sqlstate 'RLS00';
      exception
        when sqlstate 'RLS00' then
          done := touched > 0;
          detail := touched || ' rows';
        when others then
          get stacked diagnostics state = returned_sqlstate, place = pg_exception_context;
          detail := sqlerrm;
          -- 42501 of the statement itself, not of what a trigger of it does: that would be past the policies.
          place := split_part(place, E'\\n', 1);
          if place ~ 'set_config' then raise; end if;
          done := case
            when state ~ '^(40|5)' then null
            when position(statement in place) = 0 then true
            when state = '42501' then false
            -- Policies are asked before constraints and indexes. 22012 is what a blind statement meets at its first row.
            when state ~ '^23' or state = '22012' then true
          end;
      end $$`);

    this.addSql(`
      create function rls_probe(role_name text, only_table oid default null, only_operation text default null, only_context text default null)
      returns table (table_id oid, operation text, context text, expected boolean, actual boolean, passed boolean, detail text)
      language plpgsql volatile ${SETTINGS} as $$
      declare
        own jsonb;
        other jsonb;
        with_own jsonb;
        with_other jsonb;
        faults jsonb := '{}';
        tenant record;
        granted jsonb;
        place text;
        updated name;
        movable text;
        tries text[];
        attempt text;
        result record;
        -- No column of the table is named, so no policy for reading stands in between, and it ends at the first row that
        -- it comes to. Long, because what costs less than ten operators is asked before the policies.
        blind constant text := ' where 1 / (' || repeat('floor(random()) + ', 12) || '0)::int = 1';
      begin
        if not exists (select from pg_roles where rolname = role_name) then
          raise exception 'there is no role "%"', role_name using errcode = 'undefined_object';
        end if;
        if current_setting('transaction_read_only') = 'on' then
          raise exception 'row security is tried by writing and rolling back: not in a read-only transaction'
            using errcode = 'read_only_sql_transaction';
        end if;
        perform set_config('role', 'tenon_system', true);
        own := jsonb_build_object('organization_id', gen_random_uuid(), 'user_id', gen_random_uuid(), 'rows', jsonb_build_object());
        other := jsonb_build_object('organization_id', gen_random_uuid(), 'user_id', gen_random_uuid(), 'rows', jsonb_build_object());
        for tenant in select t.* from rls_tenant_tables() t
                       where has_any_column_privilege(role_name, t.table_id, 'select, insert, update')
                          or has_table_privilege(role_name, t.table_id, 'delete') loop
          begin
            with_own := rls_probe_row(tenant.table_id, own);
            with_other := rls_probe_row(tenant.table_id, other);
            own := with_own;
            other := with_other;
          exception when others then
            faults := faults || jsonb_build_object(tenant.table_id::text, sqlerrm);
          end;
        end loop;

        for tenant in
          select t.table_id, t.tenant_columns, c.relrowsecurity and c.relforcerowsecurity as forced,
                 has_schema_privilege(role_name, c.relnamespace, 'usage') as visible,
                 has_table_privilege(role_name, c.oid, 'select') or coalesce((
                   select bool_and(has_column_privilege(role_name, c.oid, k, 'select'))
                     from pg_index i cross join unnest(i.indkey) as k where i.indrelid = c.oid and i.indisprimary), false) as found
            from rls_tenant_tables() t join pg_class c on c.oid = t.table_id
           where t.table_id = coalesce(only_table, t.table_id)
           order by t.table_id::regclass::text
        loop
          table_id := tenant.table_id;
          granted := jsonb_build_object(
            'read', tenant.visible and has_any_column_privilege(role_name, table_id, 'select'),
            'insert', tenant.visible and has_any_column_privilege(role_name, table_id, 'insert') and (has_table_privilege(role_name, table_id, 'insert')
              or (select bool_and(has_column_privilege(role_name, tenant.table_id, p.name, 'insert')) from rls_probe_columns(tenant.table_id) p)),
            'update', tenant.visible and has_any_column_privilege(role_name, table_id, 'update'),
            'delete', tenant.visible and has_table_privilege(role_name, table_id, 'delete'));
          place := coalesce(own #>> array['rows', table_id::text, 'place'], 'false');
          -- One that the role may update, rather no key; else any, to be refused.
          select a.attname into updated from pg_attribute a
           where a.attrelid = table_id and a.attnum > 0 and not a.attisdropped and a.attgenerated = '' and a.attidentity = ''
           order by has_column_privilege(role_name, table_id, a.attnum, 'update') desc,
                    a.attname = any(tenant.tenant_columns), a.attnum desc limit 1;
          select string_agg(format('%I = %L', a.attname, other #>> array['rows', tenant.table_id::text, 'row', a.attname]), ', ') into movable
            from pg_attribute a
           where a.attrelid = table_id and a.attname = any(tenant.tenant_columns)
             and (a.attname = 'organization_id' or 'organization_id' <> all(tenant.tenant_columns))
             and has_column_privilege(role_name, tenant.table_id, a.attnum, 'update');

          foreach operation in array array['read', 'insert', 'update', 'delete'] loop
            continue when operation <> coalesce(only_operation, operation);
            foreach context in array array['own', 'other', 'none'] loop
              continue when context <> coalesce(only_context, context);
              expected := context = 'own' and (granted ->> operation)::boolean;
              actual := null;
              detail := null;
              if faults ? table_id::text then
                detail := 'no row could be made to try it with: ' || (faults ->> table_id::text);
              elsif (granted ->> operation)::boolean and operation <> 'insert' and not tenant.found then
                detail := 'it cannot be tried with one row: the role may not read which one it is';
              else
                -- Each beside the context in which it is made: that of the case, or 'own', or a stranger's who has nothing.
                tries := case operation
                  when 'read' then array[context, format('select from %s where %s', table_id::regclass, place)]
                  when 'update' then array[context, format('update %s set %I = %s where %s', table_id::regclass, updated,
                    case when has_column_privilege(role_name, table_id, updated, 'select') then quote_ident(updated) else 'default' end, place)]
                  when 'delete' then array[context, format('delete from %s where %s', table_id::regclass, place)]
                  else array[context, case when own -> 'rows' ? table_id::text then rls_insert(table_id, own)
                    else format('insert into %s default values', table_id::regclass) end]
                end;
                if (granted ->> operation)::boolean and context <> 'own' then
                  tries := tries || case operation
                    when 'update' then array['stranger', format('update %s set %I = default', table_id::regclass, updated) || blind]
                      -- One's own row to another tenant. By now it is known that no row of others comes along.
                      || case when context = 'other' and movable is not null
                           then array['own', format('update %s set %s', table_id::regclass, movable)] end
                    when 'delete' then array['stranger', format('delete from %s', table_id::regclass) || blind]
                    -- Oneself in another's organization.
                    when 'insert' then case when context = 'other' and tenant.tenant_columns @> array['organization_id', 'user_id']::name[]
                      then array['other', rls_insert(table_id, own || jsonb_build_object('user_id', other -> 'user_id'))] end
                  end;
                end if;
                for i in 1 .. cardinality(tries) by 2 loop
                  attempt := tries[i];
                  select * into result from rls_attempt(tries[i + 1], role_name,
                    case attempt when 'own' then own ->> 'organization_id' when 'other' then other ->> 'organization_id'
                      when 'stranger' then gen_random_uuid()::text else '' end,
                    case attempt when 'own' then own ->> 'user_id' when 'other' then other ->> 'user_id'
                      when 'stranger' then gen_random_uuid()::text else '' end);
                  actual := result.done;
                  if i = 1 or actual is distinct from false then
                    detail := result.detail;
                  end if;
                  exit when actual is distinct from false;
                end loop;
              end if;
              passed := actual is not distinct from expected and tenant.forced;
              if not tenant.forced then
                detail := concat_ws('; ', 'row security is not forced', detail);
              end if;
              return next;
            end loop;
          end loop;
        end loop;
        raise sqlstate 'RLS01';
      exception when sqlstate 'RLS01' then
        -- Everything is rolled back, the role and the variables too; what was found out stays.
        return;
      end $$`);
  }

  private report(): void {
    this.addSql(`
      create function generate_rls_test_report(role_name text default 'tenon_app')
      returns table (table_name text, role_name text, operation text, context text, expected boolean, actual boolean, passed boolean, detail text)
      language sql volatile ${SETTINGS} as $$
        select p.table_id::regclass::text, $1, p.operation, p.context, p.expected, p.actual, p.passed, p.detail
          from rls_probe($1) p
      $$`);
    this.addSql(`
      create function rls_test(table_name text, operation text, context text, role_name text) returns boolean
      language plpgsql volatile ${SETTINGS} as $$
      declare
        tested oid := to_regclass(table_name);
        result record;
      begin
        if context is null or context not in ('own', 'other', 'none') then
          raise exception 'the context is own, other or none, not "%"', context using errcode = 'invalid_parameter_value';
        end if;
        if not exists (select from rls_tenant_tables() t where t.table_id = tested) then
          raise exception 'there is no table of tenants "%"', table_name using errcode = 'undefined_table';
        end if;
        select p.actual, p.detail into result from rls_probe(role_name, tested, operation, context) p;
        if result.actual is null then
          raise exception 'whether % can % "%" could not be tried', role_name, operation, table_name using detail = result.detail;
        end if;
        return result.actual;
      end $$`);
    for (const operation of ['read', 'insert', 'update', 'delete'])
      this.addSql(`
        create function test_can_${operation}(table_name text, context text default 'other', role_name text default 'tenon_app')
        returns boolean language sql volatile ${SETTINGS} as $$
          select rls_test(table_name, '${operation}', context, role_name)
        $$`);
  }

  override down(): void {
    this.addSql(`drop function ${FUNCTIONS.toReversed().join(', ')}`);
  }
}
