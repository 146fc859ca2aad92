import { Migration } from '@mikro-orm/migrations';

const TENANT = `organization_id = nullif(current_setting('app.organization_id', true), '')::uuid`;

/** Where to tell of entries of the trail, and which of them were told: the entry itself leaves its deliveries. */
export class Migration20261128001020_webhooks extends Migration {
  override up(): void {
    // No organization: an endpoint of the platform's, which hears of all.
    this.addSql(`create table webhook_endpoints (
        id uuid not null primary key,
        organization_id uuid null,
        url text not null,
        description text null,
        event_types text[] not null,
        enabled boolean not null default true,
        disabled_reason text null,
        secret text not null,
        previous_secret text null,
        previous_secret_expires_at timestamptz null,
        failing_since timestamptz null,
        paused_until timestamptz null,
        created_at timestamptz not null,
        updated_at timestamptz not null,
        constraint webhook_endpoints_organization_id_foreign foreign key (organization_id) references organizations (id) on delete cascade,
        constraint webhook_endpoints_enabled_check check (enabled = (disabled_reason is null)),
        constraint webhook_endpoints_previous_secret_check check ((previous_secret is null) = (previous_secret_expires_at is null))
      )`);
    this.addSql(`create index webhook_endpoints_organization_id_index on webhook_endpoints (organization_id)`);
    this.addSql(
      `create trigger set_updated_at before update on webhook_endpoints for each row execute function update_updated_at_column()`,
    );
    this.addSql(`create table webhook_deliveries (
        endpoint_id uuid not null,
        event_id uuid not null,
        organization_id uuid null,
        event_type text not null,
        due_at timestamptz null,
        tries int not null default 0,
        delivered_at timestamptz null,
        attempts jsonb not null default '[]',
        primary key (endpoint_id, event_id),
        constraint webhook_deliveries_endpoint_id_foreign foreign key (endpoint_id) references webhook_endpoints (id) on delete cascade
      ) partition by range (event_id)`);
    this.addSql(
      `create index webhook_deliveries_due_index on webhook_deliveries (endpoint_id, due_at) where due_at is not null`,
    );
    for (const table of ['webhook_endpoints', 'webhook_deliveries']) {
      this.addSql(`alter table ${table} enable row level security`);
      this.addSql(`alter table ${table} force row level security`);
      this.addSql(`create policy tenant on ${table} to tenon_app using (${TENANT}) with check (${TENANT})`);
      this.addSql(`create policy system on ${table} to tenon_system using (true) with check (true)`);
    }
    // Only the trail makes deliveries.
    this.addSql(`revoke all on webhook_deliveries from tenon_app`);
    this.addSql(`grant select, update on webhook_deliveries to tenon_app`);
    this.fanOut();
    this.partitions();
    // An entry of the trail is never refused because nobody made the month of its deliveries.
    this.addSql(`create table webhook_deliveries_default partition of webhook_deliveries default`);
    this.addSql(`alter table webhook_deliveries_default enable row level security`);
    this.addSql(`alter table webhook_deliveries_default force row level security`);
    this.addSql(`revoke all on webhook_deliveries_default from tenon_app, tenon_system`);
    this.addSql(`grant select on webhook_deliveries_default to tenon_system`);
    this.addSql(`create policy system_reads on webhook_deliveries_default for select to tenon_system using (true)`);
    this.addSql(`select create_webhook_partitions(3)`);
  }

  private fanOut(): void {
    // Once for each statement, however many entries it adds. A test goes to the endpoint that it names, whatever that
    // listens to.
    this.addSql(`
      create function leave_webhook_deliveries() returns trigger language plpgsql security definer
      set search_path = pg_catalog, public, pg_temp as $$
      begin
        insert into webhook_deliveries (endpoint_id, event_id, organization_id, event_type, due_at)
        select e.id, n.id, e.organization_id, n.action, now()
          from added n
          join webhook_endpoints e on e.enabled and (e.organization_id is null or e.organization_id = n.organization_id)
           and (e.event_types && array['*', n.action, split_part(n.action, '.', 1) || '.*']
                or (n.action = 'webhook.tested' and n.target_id = e.id::text));
        return null;
      end $$`);
    this.addSql(`revoke all on function leave_webhook_deliveries() from public`);
    this.addSql(`create trigger leave_webhook_deliveries after insert on audit_log
      referencing new table as added for each statement execute function leave_webhook_deliveries()`);
    // Whoever adds an entry may neither see who listens nor make deliveries, and row security binds the owner of the
    // tables too: the function runs as the role that sees every tenant. A function's owner has to be able to create in
    // its schema at the moment in which it gets it.
    this.addSql(`grant create on schema public to tenon_system`);
    this.addSql(`alter function leave_webhook_deliveries() owner to tenon_system`);
    this.addSql(`revoke create on schema public from tenon_system`);
  }

  private partitions(): void {
    // Only the owner can create and drop tables, so these run as the owner; only the system role may call them.
    const asOwner = `language plpgsql security definer
      -- pg_temp last: left out, it comes first for names of types.
      set search_path = pg_catalog, public, pg_temp
      set timezone = 'UTC'
      -- Who reads a table now may keep it for a while; the next run tries again.
      set lock_timeout = '10s'`;
    this.addSql(`
      create function create_webhook_partitions(months_ahead int) returns int ${asOwner} as $$
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
        -- 'webhook partitions': two instances at once make each partition once.
        perform pg_advisory_xact_lock(7362640120);
        for ahead in 0 .. months_ahead loop
          month := date_trunc('month', now()) + make_interval(months => ahead);
          first_id := public.uuid_v7_floor(month);
          end_id := public.uuid_v7_floor(month + interval '1 month');
          name := 'webhook_deliveries_p' || to_char(month, 'YYYYMM');
          if to_regclass('public.' || name) is not null then continue; end if;
          execute format('create table public.%I (like public.webhook_deliveries including defaults including constraints)', name);
          execute format('alter table public.%I enable row level security', name);
          -- A partition is reached through its parent, whose policies count; asked directly it shows nothing.
          execute format('revoke all on public.%I from tenon_app, tenon_system', name);
          -- For pg_dump, which reads each partition by itself.
          execute format('grant select on public.%I to tenon_system', name);
          execute format('create policy system_reads on public.%I for select to tenon_system using (true)', name);
          -- Deliveries that came before their month was made. Forced row security binds the owner too: it is lifted for
          -- these statements, under a lock that lets nobody in.
          if to_regclass('public.webhook_deliveries_default') is not null then
            lock table public.webhook_deliveries_default in access exclusive mode;
            alter table public.webhook_deliveries_default no force row level security;
            execute format('with moved as (delete from public.webhook_deliveries_default where event_id >= %L and event_id < %L returning *)
              insert into public.%I select * from moved', first_id, end_id, name);
            alter table public.webhook_deliveries_default force row level security;
          end if;
          execute format('alter table public.%I force row level security', name);
          execute format('alter table public.webhook_deliveries attach partition public.%I for values from (%L) to (%L)',
            name, first_id, end_id);
          made := made + 1;
        end loop;
        return made;
      end $$`);
    this.addSql(`
      create function drop_webhook_partitions(days_kept int) returns int ${asOwner} as $$
      declare
        name text;
        dropped int := 0;
      begin
        if days_kept not between 7 and 400 then
          raise exception 'days_kept has to be between 7 and 400';
        end if;
        perform pg_advisory_xact_lock(7362640120);
        for name in
          select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
           where i.inhparent = 'public.webhook_deliveries'::regclass and c.relname ~ '_p[0-9]{6}$'
             and c.relname < 'webhook_deliveries_p' || to_char(now() - make_interval(days => days_kept), 'YYYYMM')
           order by c.relname
        loop
          execute format('drop table public.%I', name);
          dropped := dropped + 1;
        end loop;
        return dropped;
      end $$`);
    for (const called of ['create_webhook_partitions(int)', 'drop_webhook_partitions(int)']) {
      this.addSql(`revoke all on function ${called} from public`);
      this.addSql(`grant execute on function ${called} to tenon_system`);
    }
  }

  override down(): void {
    this.addSql(`drop trigger leave_webhook_deliveries on audit_log`);
    // It belongs to the system role.
    this.addSql(`set local role tenon_system`);
    this.addSql(`drop function leave_webhook_deliveries()`);
    this.addSql(`set local role none`);
    this.addSql(`drop table webhook_deliveries`);
    this.addSql(`drop table webhook_endpoints`);
    this.addSql(`drop function drop_webhook_partitions(int)`);
    this.addSql(`drop function create_webhook_partitions(int)`);
  }
}
