import { Migration } from '@mikro-orm/migrations';

/** Counts the changes of a webhook, so that of two people who read the same one does not undo the other's. */
export class Migration20261129001121_webhook_versions extends Migration {
  override up(): void {
    this.addSql(`alter table webhook_endpoints add column version int not null default 1`);
  }

  override down(): void {
    this.addSql(`alter table webhook_endpoints drop column version`);
  }
}
