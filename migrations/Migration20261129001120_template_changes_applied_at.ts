import { Migration } from '@mikro-orm/migrations';

/** Since when it is kept what organizations had before a template was applied. */
export class Migration20261129001120_template_changes_applied_at extends Migration {
  override up(): void {
    this.addSql(`alter table template_application_changes add column applied_at timestamptz null`);
    // The owner is bound by forced row security, too.
    this.addSql(`set local role tenon_system`);
    this.addSql(`update template_application_changes c set applied_at = coalesce(l.applied_at, l.created_at)
                   from template_application_logs l where l.id = c.application_id`);
    this.addSql(`set local role none`);
    this.addSql(`alter table template_application_changes alter column applied_at set not null`);
    this.addSql(
      `create index template_application_changes_applied_at_index on template_application_changes (applied_at)`,
    );
  }

  override down(): void {
    this.addSql(`alter table template_application_changes drop column applied_at`);
  }
}
