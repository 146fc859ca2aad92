import { Migration } from '@mikro-orm/migrations';

/** What is set of schedules, and each slot that was run. */
export class Migration20261128001001_schedules extends Migration {
  override up(): void {
    this.addSql(`create table schedule_settings (
        id text not null,
        schedule text null,
        timezone text null,
        enabled boolean null,
        updated_at timestamptz not null,
        primary key (id))`);
    this.addSql(
      `create trigger set_updated_at before update on schedule_settings for each row execute function update_updated_at_column()`,
    );
    this.addSql(`create table schedule_runs (
        schedule_id text not null,
        slot timestamptz not null,
        status text not null,
        attempts int not null,
        error text null,
        started_at timestamptz not null,
        finished_at timestamptz null,
        primary key (schedule_id, slot),
        constraint schedule_runs_status_check check (status in ('running', 'completed', 'failed')))`);
    this.addSql(`create index schedule_runs_slot_index on schedule_runs (slot)`);
    for (const table of ['schedule_settings', 'schedule_runs']) {
      this.addSql(`alter table ${table} enable row level security`);
      this.addSql(`alter table ${table} force row level security`);
      this.addSql(`create policy system on ${table} to tenon_system using (true) with check (true)`);
      this.addSql(`revoke all on ${table} from tenon_app`);
    }
  }

  override down(): void {
    this.addSql(`drop table schedule_runs`);
    this.addSql(`drop table schedule_settings`);
  }
}
