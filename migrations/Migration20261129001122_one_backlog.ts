import { Migration } from '@mikro-orm/migrations';

/** The days of the forecast are read from the hourly record of the backlog, which nobody asked for totals. */
export class Migration20261129001122_one_backlog extends Migration {
  override up(): void {
    this.addSql(`alter table cleanup_backlog drop column total`);
    this.addSql(`set local role tenon_system`);
    // They were recorded at 01:45 UTC.
    this.addSql(`insert into cleanup_backlog (type, at, expired)
                 select type, (day + time '01:45') at time zone 'UTC', expired from cleanup_backlog_days
                     on conflict do nothing`);
    this.addSql(`set local role none`);
    this.addSql(`drop table cleanup_backlog_days`);
  }

  override down(): void {
    this.addSql(`create table cleanup_backlog_days (
        day date not null,
        type text not null,
        expired bigint not null,
        primary key (day, type))`);
    this.addSql(`alter table cleanup_backlog_days enable row level security`);
    this.addSql(`alter table cleanup_backlog_days force row level security`);
    this.addSql(`create policy system on cleanup_backlog_days to tenon_system using (true) with check (true)`);
    this.addSql(`revoke all on cleanup_backlog_days from tenon_app`);
    this.addSql(`set local role tenon_system`);
    this.addSql(`insert into cleanup_backlog_days (day, type, expired)
                 select (at at time zone 'UTC')::date, type, max(expired) from cleanup_backlog group by 1, 2`);
    this.addSql(`set local role none`);
    this.addSql(`alter table cleanup_backlog add column total bigint not null default 0`);
    this.addSql(`alter table cleanup_backlog alter column total drop default`);
  }
}
