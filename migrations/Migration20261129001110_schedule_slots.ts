import { Migration } from '@mikro-orm/migrations';

/** The slot that each schedule waits for. */
export class Migration20261129001110_schedule_slots extends Migration {
  override up(): void {
    this.addSql(`create table schedule_slots (
        schedule_id text not null,
        slot timestamptz not null,
        primary key (schedule_id))`);
    this.addSql(`alter table schedule_slots enable row level security`);
    this.addSql(`alter table schedule_slots force row level security`);
    this.addSql(`create policy system on schedule_slots to tenon_system using (true) with check (true)`);
    this.addSql(`revoke all on schedule_slots from tenon_app`);
  }

  override down(): void {
    this.addSql(`drop table schedule_slots`);
  }
}
