import { Migration } from '@mikro-orm/migrations';

const TENANT = `organization_id = nullif(current_setting('app.organization_id', true), '')::uuid`;
const OF_ORGANIZATIONS = ['organization_usage_days', 'user_feature_usage'];
const TABLES = ['feature_usage_days', ...OF_ORGANIZATIONS];

/** How features are used, counted by day in partitions that are dropped as a whole; and the date of a feature. */
export class Migration20261125000920_feature_usage extends Migration {
  override up(): void {
    this.addSql(`alter table feature_definitions add column remove_by date null`);
    // No foreign keys but that of the tenant: a count is never refused, and comes back with a feature that is restored.
    // Of all organizations together: its rows are as many as values, however many organizations ask for all features.
    this.addSql(`create table feature_usage_days (
        environment_key text not null,
        feature_key text not null,
        value text not null,
        day date not null,
        evaluations bigint not null,
        users int not null default 0,
        users_seen bit(2048) null,
        organizations int not null default 0,
        organizations_seen bit(2048) null,
        primary key (environment_key, feature_key, value, day)
      ) partition by range (day)`);
    this.addSql(
      `create index feature_usage_days_feature_index on feature_usage_days (feature_key, environment_key, day)`,
    );
    this.addSql(
      `create index feature_usage_days_open_index on feature_usage_days (day) where organizations_seen is not null`,
    );
    this.addSql(`create table organization_usage_days (
        organization_id uuid not null,
        environment_key text not null,
        feature_key text not null,
        value text not null,
        day date not null,
        evaluations bigint not null,
        users int not null default 0,
        users_seen bit(2048) null,
        primary key (organization_id, environment_key, feature_key, value, day),
        constraint organization_usage_days_organization_id_foreign foreign key (organization_id) references organizations (id) on delete cascade
      ) partition by range (day)`);
    this.addSql(
      `create index organization_usage_days_open_index on organization_usage_days (day) where users_seen is not null`,
    );
    this.addSql(`create table user_feature_usage (
        organization_id uuid not null,
        environment_key text not null,
        user_key text not null,
        feature_key text not null,
        day date not null,
        evaluations bigint not null,
        primary key (organization_id, environment_key, user_key, feature_key, day),
        constraint user_feature_usage_organization_id_foreign foreign key (organization_id) references organizations (id) on delete cascade
      ) partition by range (day)`);
    for (const table of TABLES) {
      this.addSql(`alter table ${table} enable row level security`);
      this.addSql(`alter table ${table} force row level security`);
      this.addSql(`create policy system on ${table} to tenon_system using (true) with check (true)`);
      this.addSql(`revoke all on ${table} from tenon_app, tenon_system`);
      this.addSql(`grant select, insert, update on ${table} to tenon_system`);
    }
    for (const table of OF_ORGANIZATIONS) {
      this.addSql(`create policy tenant on ${table} for select to tenon_app using (${TENANT})`);
      this.addSql(`grant select on ${table} to tenon_app`);
    }
    this.sketches();
    this.partitions();
    this.addSql(`select create_feature_usage_partitions(7)`);
  }

  private sketches(): void {
    // Multiresolution bitmap (Estan, Varghese, Fisk 2003): 16 parts of 128 bits, of which each is shown half of those whom the
    // one before it is shown, the last two the same. A part with fewer than 16 bits left says little: those after the last such
    // part are counted (linear counting), and stand for all.
    this.addSql(`
      create function estimate_seen(seen bit) returns int language sql immutable parallel safe
      return (
        with parts as (
          select part, 128 - bit_count(substring(seen from part * 128 + 1 for 128)) as empty from generate_series(0, 15) part),
        base as (select coalesce(max(part) + 1, 0) as part from parts where empty < 16 and part < 15)
        select round(2 ^ base.part * sum(128 * ln(128.0 / greatest(empty, 1))))::int
          from parts join base on parts.part >= base.part where seen is not null group by base.part)`);
    this.addSql(`grant execute on function estimate_seen(bit) to tenon_app, tenon_system`);
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
      create function create_feature_usage_partition(parent text, suffix text, first date, after date) returns int
      language plpgsql set search_path = pg_catalog, public, pg_temp as $$
      declare
        name constant text := parent || '_p' || suffix;
      begin
        if to_regclass('public.' || name) is not null then return 0; end if;
        execute format('create table public.%I (like public.%I including defaults including constraints)', name, parent);
        execute format('alter table public.%I enable row level security', name);
        execute format('alter table public.%I force row level security', name);
        -- A partition is reached through its parent, whose policies count; asked directly it shows nothing.
        execute format('revoke all on public.%I from tenon_app, tenon_system', name);
        -- For pg_dump, which reads each partition by itself.
        execute format('grant select on public.%I to tenon_system', name);
        execute format('create policy system_reads on public.%I for select to tenon_system using (true)', name);
        execute format('alter table public.%I attach partition public.%I for values from (%L) to (%L)', parent, name, first, after);
        return 1;
      end $$`);
    this.addSql(`
      create function create_feature_usage_partitions(days_ahead int) returns int ${asOwner} as $$
      declare
        at date;
        month date;
        made int := 0;
      begin
        if days_ahead not between 0 and 60 then
          raise exception 'days_ahead has to be between 0 and 60';
        end if;
        -- 'feature usage partitions': two instances at once make each partition once.
        perform pg_advisory_xact_lock(7362640110);
        for ahead in 0 .. days_ahead loop
          at := current_date + ahead;
          month := date_trunc('month', at)::date;
          made := made
            + public.create_feature_usage_partition('user_feature_usage', to_char(at, 'YYYYMMDD'), at, at + 1)
            + public.create_feature_usage_partition('feature_usage_days', to_char(at, 'YYYYMM'), month, (month + interval '1 month')::date)
            + public.create_feature_usage_partition('organization_usage_days', to_char(at, 'YYYYMM'), month, (month + interval '1 month')::date);
        end loop;
        return made;
      end $$`);
    this.addSql(`
      create function drop_feature_usage_partitions(days_kept int, months_kept int) returns int ${asOwner} as $$
      declare
        name text;
        dropped int := 0;
      begin
        if days_kept not between 7 and 400 or months_kept not between 3 and 120 then
          raise exception 'days_kept has to be between 7 and 400, months_kept between 3 and 120';
        end if;
        perform pg_advisory_xact_lock(7362640110);
        for name in
          select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
           where (i.inhparent = 'public.user_feature_usage'::regclass
                  and c.relname < 'user_feature_usage_p' || to_char(current_date - days_kept, 'YYYYMMDD'))
              or (i.inhparent in ('public.feature_usage_days'::regclass, 'public.organization_usage_days'::regclass)
                  and c.relname < i.inhparent::regclass::text || '_p' || to_char(current_date - make_interval(months => months_kept), 'YYYYMM'))
           order by c.relname
        loop
          execute format('drop table public.%I', name);
          dropped := dropped + 1;
        end loop;
        return dropped;
      end $$`);
    this.addSql(`revoke all on function create_feature_usage_partition(text, text, date, date) from public`);
    for (const called of ['create_feature_usage_partitions(int)', 'drop_feature_usage_partitions(int, int)']) {
      this.addSql(`revoke all on function ${called} from public`);
      this.addSql(`grant execute on function ${called} to tenon_system`);
    }
  }

  override down(): void {
    for (const table of TABLES) this.addSql(`drop table ${table}`);
    this.addSql(`drop function drop_feature_usage_partitions(int, int)`);
    this.addSql(`drop function create_feature_usage_partitions(int)`);
    this.addSql(`drop function create_feature_usage_partition(text, text, date, date)`);
    this.addSql(`drop function estimate_seen(bit)`);
    this.addSql(`alter table feature_definitions drop column remove_by`);
  }
}
