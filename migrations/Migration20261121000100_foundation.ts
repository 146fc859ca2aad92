import { Migration } from '@mikro-orm/migrations';

/** What every later table stands on: the ledger's privileges, the trigger for updated_at, the revisions of caches. */
export class Migration20261121000100_foundation extends Migration {
  override up(): void {
    this.addSql(`revoke all on schema_migrations from tenon_app, tenon_system`);
    // The system role reads it for pg_dump.
    this.addSql(`grant select on schema_migrations to tenon_app, tenon_system`);
    this.addSql(`
      create function update_updated_at_column() returns trigger language plpgsql as $$
      begin
        -- The ORM sets updated_at itself; this catches writes that go past it.
        if new.updated_at is not distinct from old.updated_at then
          new.updated_at := now();
        end if;
        return new;
      end $$`);
    this.addSql(`grant execute on function update_updated_at_column() to tenon_app, tenon_system`);
  }

  override down(): void {
    this.addSql(`drop function update_updated_at_column()`);
    this.addSql(`grant select, insert, update, delete on schema_migrations to tenon_app, tenon_system`);
  }
}
