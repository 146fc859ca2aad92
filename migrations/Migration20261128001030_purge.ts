import { Migration } from '@mikro-orm/migrations';

/** Plans of purges and what came of them; and sessions that are removed end on every instance. */
export class Migration20261128001030_purge extends Migration {
  override up(): void {
    this.addSql(`create table purge_plans (
        id uuid not null,
        scope text not null,
        status text not null default 'planned',
        phrase text not null,
        state text not null,
        subjects jsonb not null,
        tables jsonb not null,
        before jsonb null,
        results jsonb not null default '{}',
        verification jsonb null,
        planned_by uuid null,
        created_at timestamptz not null,
        expires_at timestamptz not null,
        confirmed_at timestamptz null,
        started_at timestamptz null,
        finished_at timestamptz null,
        primary key (id),
        constraint purge_plans_scope_check check (scope in ('test-data', 'all')),
        constraint purge_plans_status_check check (status in ('planned', 'queued', 'running', 'completed')))`);
    // Two at once would each take for granted what the other removes.
    this.addSql(
      `create unique index purge_plans_running_unique on purge_plans ((true)) where status in ('queued', 'running')`,
    );
    this.addSql(`alter table purge_plans enable row level security`);
    this.addSql(`alter table purge_plans force row level security`);
    this.addSql(`create policy system on purge_plans to tenon_system using (true) with check (true)`);
    this.addSql(`revoke all on purge_plans from tenon_app`);

    // Totals hang on no organization; what is kept by organization goes with it.
    this.addSql(`grant delete on feature_usage_days to tenon_system`);

    // A session that is removed leaves nothing that says it has ended, but its access token lives for 15 minutes from the
    // last refresh, and one for clocks: whoever removed it, every instance hears of it. 150 ids stay below the 8,000
    // bytes of a message.
    this.addSql(`
      create function announce_removed_sessions() returns trigger language plpgsql
      set search_path = pg_catalog, public, pg_temp as $$
      begin
        perform pg_notify('tenon_changes', json_build_object('topic', 'sessions', 'keys', json_agg(id))::text)
           from (select id, (row_number() over () - 1) / 150 as message from removed
                  where revoked_at is null and last_active_at > now() - interval '16 minutes') as numbered
          group by message;
        return null;
      end $$`);
    this.addSql(`revoke all on function announce_removed_sessions() from public`);
    this.addSql(`grant execute on function announce_removed_sessions() to tenon_system`);
    this.addSql(`create trigger announce_removed after delete on user_sessions
      referencing old table as removed for each statement execute function announce_removed_sessions()`);
  }

  override down(): void {
    this.addSql(`revoke delete on feature_usage_days from tenon_system`);
    this.addSql(`drop trigger announce_removed on user_sessions`);
    this.addSql(`drop function announce_removed_sessions()`);
    this.addSql(`drop table purge_plans`);
  }
}
