import { Migration } from '@mikro-orm/migrations';

/** Work that commits with its change: what is still to be sent, and what became of it. */
export class Migration20261121000300_outbox extends Migration {
  override up(): void {
    this.addSql(`
      create table outbox (
        id uuid not null primary key,
        topic varchar(255) not null,
        payload text null,
        summary jsonb not null,
        dedupe_key varchar(255) null,
        status varchar(255) not null,
        attempts int not null,
        last_error text null,
        created_at timestamptz not null,
        available_at timestamptz not null,
        sent_at timestamptz null,
        failed_at timestamptz null,
        organization_id uuid null
      )`);
    this.addSql(`create index outbox_pending_index on outbox (available_at) where status = 'pending'`);
    this.addSql(`create index outbox_dedupe_key_index on outbox (dedupe_key) where dedupe_key is not null`);
    this.addSql(`create index outbox_topic_id_index on outbox (topic, id)`);
    this.addSql(`create index outbox_recipient_index on outbox ((summary ->> 'to'), id)`);
    this.addSql(`alter table outbox enable row level security`);
    this.addSql(`alter table outbox force row level security`);
    this.addSql(`create policy app_writes on outbox for insert to tenon_app
      with check (organization_id is null or organization_id = nullif(current_setting('app.organization_id', true), '')::uuid)`);
    this.addSql(`create policy system on outbox to tenon_system using (true) with check (true)`);
    this.addSql(`revoke all on outbox from tenon_app`);
    this.addSql(`grant insert on outbox to tenon_app`);

    // The application cannot read the row back, so the ORM gives both times itself. The database's clock replaces them
    // and keeps the delay between them.
    this.addSql(`
      create function outbox_stamp() returns trigger language plpgsql as $$
      begin
        new.available_at := now() + (new.available_at - new.created_at);
        new.created_at := now();
        return new;
      end $$`);
    this.addSql(`create trigger outbox_stamp before insert on outbox for each row execute function outbox_stamp()`);
  }

  override down(): void {
    this.addSql(`drop table outbox`);
    this.addSql(`drop function outbox_stamp()`);
  }
}
