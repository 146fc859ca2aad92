import { Migration } from '@mikro-orm/migrations';

/** What of the documents that a request would import is not taken over: approvers see it, too. */
export class Migration20261129002500_change_requests_not_carried_over extends Migration {
  override up(): void {
    this.addSql(`alter table feature_change_requests add column not_carried_over jsonb not null default '[]'`);
  }

  override down(): void {
    this.addSql(`alter table feature_change_requests drop column not_carried_over`);
  }
}
