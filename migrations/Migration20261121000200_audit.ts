import { Migration } from '@mikro-orm/migrations';

/** The trail: insert-only, and partitioned by the month that its UUIDv7 names, so that old months can be dropped. */
export class Migration20261121000200_audit extends Migration {
  override up(): void {
    this.addSql(`
      create table audit_log (
        id uuid not null primary key,
        occurred_at timestamptz not null,
        organization_id uuid null,
        actor_kind varchar(255) not null,
        actor_id uuid null,
        actor_name text null,
        impersonator_id uuid null,
        session_id uuid null,
        user_id uuid null,
        action text not null,
        outcome varchar(255) not null,
        target_type text null,
        target_id text null,
        before jsonb null,
        after jsonb null,
        reason text null,
        ip text null,
        user_agent text null,
        request_id text null
      ) partition by range (id)`);
    this.addSql(`create index audit_log_organization_id_id_index on audit_log (organization_id, id)`);
    this.addSql(`create index audit_log_user_id_id_index on audit_log (user_id, id)`);
    this.addSql(`create index audit_log_actor_id_id_index on audit_log (actor_id, id)`);
    this.addSql(`create index audit_log_action_id_index on audit_log (action, id)`);
    this.addSql(`create index audit_log_target_id_id_index on audit_log (target_id, id)`);
    this.addSql(`alter table audit_log enable row level security`);
    this.addSql(`alter table audit_log force row level security`);
    this.addSql(`create policy tenant_reads on audit_log for select to tenon_app
      using (organization_id = nullif(current_setting('app.organization_id', true), '')::uuid)`);
    this.addSql(`create policy app_writes on audit_log for insert to tenon_app with check (true)`);
    this.addSql(`create policy system_reads on audit_log for select to tenon_system using (true)`);
    this.addSql(`create policy system_writes on audit_log for insert to tenon_system with check (true)`);
    this.addSql(`revoke all on audit_log from tenon_app, tenon_system`);
    this.addSql(`grant select, insert on audit_log to tenon_app, tenon_system`);

    // RFC 9562: the first 48 bits of a UUIDv7 are milliseconds since 1970.
    this.addSql(`
      create function uuid_v7_floor(at timestamptz) returns uuid language sql immutable parallel safe
      return (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '00000000000000000000')::uuid`);
    // Only the owner can create tables, so the function runs as the owner; only the system role may call it.
    this.addSql(`
      create function create_audit_partitions(months_ahead int) returns int
      -- pg_temp last: left out, it comes first for names of types, and a domain "timestamptz" of the caller would run its
      -- check as the owner.
      language plpgsql security definer set search_path = pg_catalog, public, pg_temp
      -- A month added in a zone with summer time would end an hour off.
      set timezone = 'UTC'
      -- Who reads the default partition now may keep it for a while; the next run tries again.
      set lock_timeout = '10s' as $$
      declare
        month timestamptz;
        first_id uuid;
        end_id uuid;
        name text;
        made int := 0;
      begin
        if months_ahead not between 0 and 24 then
          raise exception 'months_ahead has to be between 0 and 24';
        end if;
        -- 'audit partitions': two instances at once make each partition once.
        perform pg_advisory_xact_lock(7362640106);
        for ahead in 0 .. months_ahead loop
          month := date_trunc('month', now()) + make_interval(months => ahead);
          first_id := public.uuid_v7_floor(month);
          end_id := public.uuid_v7_floor(month + interval '1 month');
          name := 'audit_log_p' || to_char(month, 'YYYYMM');
          if to_regclass('public.' || name) is not null then continue; end if;
          execute format('create table public.%I (like public.audit_log including defaults including constraints)', name);
          execute format('alter table public.%I enable row level security', name);
          execute format('alter table public.%I force row level security', name);
          -- A partition is reached through its parent, whose policies count; asked directly it shows nothing.
          execute format('revoke all on public.%I from tenon_app, tenon_system', name);
          -- For pg_dump, which reads each partition by itself.
          execute format('grant select on public.%I to tenon_system', name);
          execute format('create policy system_reads on public.%I for select to tenon_system using (true)', name);
          -- Entries that came before their month was made. Forced row security binds the owner too, and a function of
          -- the owner cannot change its role: it is lifted for these statements, under a lock that lets nobody in.
          lock table public.audit_log_default in access exclusive mode;
          alter table public.audit_log_default no force row level security;
          execute format('alter table public.%I no force row level security', name);
          execute format('with moved as (delete from public.audit_log_default where id >= %L and id < %L returning *)
            insert into public.%I select * from moved', first_id, end_id, name);
          alter table public.audit_log_default force row level security;
          execute format('alter table public.%I force row level security', name);
          execute format('alter table public.audit_log attach partition public.%I for values from (%L) to (%L)',
            name, first_id, end_id);
          made := made + 1;
        end loop;
        return made;
      end $$`);
    this.addSql(`revoke all on function create_audit_partitions(int) from public`);
    this.addSql(`grant execute on function create_audit_partitions(int) to tenon_system`);
    this.addSql(`grant execute on function uuid_v7_floor(timestamptz) to tenon_app, tenon_system`);
    // An entry is never refused because nobody made its month.
    this.addSql(`create table audit_log_default partition of audit_log default`);
    this.addSql(`alter table audit_log_default enable row level security`);
    this.addSql(`alter table audit_log_default force row level security`);
    this.addSql(`revoke all on audit_log_default from tenon_app, tenon_system`);
    this.addSql(`grant select on audit_log_default to tenon_system`);
    this.addSql(`create policy system_reads on audit_log_default for select to tenon_system using (true)`);
    this.addSql(`select create_audit_partitions(3)`);
  }

  override down(): void {
    this.addSql(`drop table audit_log`);
    this.addSql(`drop function create_audit_partitions(int)`);
    this.addSql(`drop function uuid_v7_floor(timestamptz)`);
  }
}
