import { Migration } from '@mikro-orm/migrations';

const TENANT = `organization_id = nullif(current_setting('app.organization_id', true), '')::uuid`;
const TABLES = ['feature_usage_days', 'user_feature_usage'];

/** How features are used, counted by day in partitions that are dropped as a whole; and the date of a feature. */
export class Migration20261125000920_feature_usage extends Migration {
  override up(): void {
    this.addSql(`alter table feature_definitions add column remove_by date null`);
    // No foreign keys but that of the tenant: a count is never refused, and comes back with a feature that is restored.
    this.addSql(`create table feature_usage_days (
        organization_id uuid not null,
        environment_key text not null,
        feature_key text not null,
        value text not null,
        day date not null,
        evaluations bigint not null,
        users int not null default 0,
        users_seen bit(1024) null,
        primary key (organization_id, environment_key, feature_key, value, day),
        constraint feature_usage_days_organization_id_foreign foreign key (organization_id) references organizations (id) on delete cascade
      ) partition by range (day)`);
    this.addSql(
      `create index feature_usage_days_feature_index on feature_usage_days (feature_key, environment_key, day)`,
    );
    this.addSql(`create index feature_usage_days_environment_index on feature_usage_days (environment_key, day)`);
    this.addSql(`create index feature_usage_days_open_index on feature_usage_days (day) where users_seen is not null`);
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
      this.addSql(`create policy tenant on ${table} for select to tenon_app using (${TENANT})`);
      this.addSql(`create policy system on ${table} to tenon_system using (true) with check (true)`);
      this.addSql(`revoke all on ${table} from tenon_app, tenon_system`);
      this.addSql(`grant select on ${table} to tenon_app`);
      this.addSql(`grant select, insert, update on ${table} to tenon_system`);
    }
    this.users();
    this.partitions();
    this.addSql(`select create_feature_usage_partitions(7)`);
  }

  private users(): void {
    // Linear counting (Whang, Vander-Zanden, Taylor 1990): each user sets one of the bits, and how many are left says how many
    // users there were. With fewer than 7 of 1,024 left the error grows beyond 7 %, so it counts no further.
    this.addSql(`
      create function count_feature_users(seen bit) returns int language sql immutable parallel safe
      return round(length(seen) * ln(length(seen)::numeric / greatest(length(seen) - bit_count(seen), 7)))::int`);
    this.addSql(`grant execute on function count_feature_users(bit) to tenon_app, tenon_system`);
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
            + public.create_feature_usage_partition('feature_usage_days', to_char(at, 'YYYYMM'), month, (month + interval '1 month')::date);
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
              or (i.inhparent = 'public.feature_usage_days'::regclass
                  and c.relname < 'feature_usage_days_p' || to_char(current_date - make_interval(months => months_kept), 'YYYYMM'))
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
    this.addSql(`drop function count_feature_users(bit)`);
    this.addSql(`alter table feature_definitions drop column remove_by`);
  }
}
