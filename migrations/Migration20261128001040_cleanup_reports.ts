import { Migration } from '@mikro-orm/migrations';

/** Reports of the cleanup, how much waits for it, and what was told of trouble. */
export class Migration20261128001040_cleanup_reports extends Migration {
  override up(): void {
    this.addSql(`create table cleanup_reports (
        id uuid not null,
        type text not null,
        status text not null,
        slot timestamptz null,
        requested_by uuid null,
        created_at timestamptz not null,
        made_at timestamptz null,
        period_from timestamptz null,
        period_until timestamptz null,
        figures jsonb null,
        primary key (id),
        constraint cleanup_reports_type_check check (type in ('daily', 'weekly', 'monthly')),
        constraint cleanup_reports_status_check check (status in ('queued', 'completed', 'failed')))`);
    this.addSql(`create index cleanup_reports_created_at_index on cleanup_reports (created_at)`);
    // Each slot once in the fleet.
    this.addSql(`alter table cleanup_reports add constraint cleanup_reports_type_slot_unique unique (type, slot)`);
    this.addSql(`create table cleanup_backlog (
        type text not null,
        at timestamptz not null,
        total bigint not null,
        expired bigint not null,
        primary key (type, at))`);
    this.addSql(`create index cleanup_backlog_at_index on cleanup_backlog (at)`);
    this.addSql(`create table cleanup_alerts (
        id uuid not null,
        cause text not null,
        raised_at timestamptz not null,
        cleared_at timestamptz null,
        primary key (id))`);
    this.addSql(`create index cleanup_alerts_raised_at_index on cleanup_alerts (raised_at)`);
    // One cause is one mail, also of two that look at once.
    this.addSql(`create unique index cleanup_alerts_open_unique on cleanup_alerts (cause) where cleared_at is null`);
    for (const table of ['cleanup_reports', 'cleanup_backlog', 'cleanup_alerts']) {
      this.addSql(`alter table ${table} enable row level security`);
      this.addSql(`alter table ${table} force row level security`);
      this.addSql(`create policy system on ${table} to tenon_system using (true) with check (true)`);
      this.addSql(`revoke all on ${table} from tenon_app`);
    }
  }

  override down(): void {
    for (const table of ['cleanup_alerts', 'cleanup_backlog', 'cleanup_reports']) this.addSql(`drop table ${table}`);
  }
}
