import { Migration } from '@mikro-orm/migrations';

/** What a rollback of a template left as it was, because somebody had changed it since. */
export class Migration20261129002200_template_rollback_kept extends Migration {
  override up(): void {
    this.addSql(`alter table template_application_changes add column kept jsonb not null default '[]'`);
    this.addSql(`alter table template_application_logs add column rollback_kept jsonb null`);
  }

  override down(): void {
    this.addSql(`alter table template_application_logs drop column rollback_kept`);
    this.addSql(`alter table template_application_changes drop column kept`);
  }
}
