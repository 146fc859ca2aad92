import { Migration } from '@mikro-orm/migrations';

/** What had expired of each type, day by day. */
export class Migration20261128001050_cleanup_backlog extends Migration {
  override up(): void {
    this.addSql(`create table cleanup_backlog_days (
        day date not null,
        type text not null,
        expired bigint not null,
        primary key (day, type))`);
    this.addSql(`alter table cleanup_backlog_days enable row level security`);
    this.addSql(`alter table cleanup_backlog_days force row level security`);
    this.addSql(`create policy system on cleanup_backlog_days to tenon_system using (true) with check (true)`);
    this.addSql(`revoke all on cleanup_backlog_days from tenon_app`);
  }

  override down(): void {
    this.addSql(`drop table cleanup_backlog_days`);
  }
}
