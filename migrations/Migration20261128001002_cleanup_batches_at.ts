import { Migration } from '@mikro-orm/migrations';

/** Batches are asked for by day. */
export class Migration20261128001002_cleanup_batches_at extends Migration {
  override up(): void {
    this.addSql(`create index cleanup_batches_at_index on cleanup_batches (at)`);
  }

  override down(): void {
    this.addSql(`drop index cleanup_batches_at_index`);
  }
}
