import { Migration } from '@mikro-orm/migrations';

/** Named combinations of values of features, every time that one was given to organizations, and what they had before. */
export class Migration20261125000860_feature_templates extends Migration {
  override up(): void {
    this.addSql(`create table feature_templates (
        key text not null,
        name text not null,
        description text null,
        feature_values jsonb not null,
        target_plans text[] not null default '{}',
        version int not null default 1,
        created_at timestamptz not null,
        updated_at timestamptz not null,
        primary key (key),
        constraint feature_templates_key_check check (key ~ '^[a-z0-9][a-z0-9._-]{0,99}$'))`);
    this.addSql(`create index feature_templates_feature_values_index on feature_templates using gin (feature_values)`);
    this.addSql(
      `create trigger set_updated_at before update on feature_templates for each row execute function update_updated_at_column()`,
    );
    this.applications();
    for (const table of ['feature_templates', 'template_application_logs', 'template_application_changes']) {
      this.addSql(`alter table ${table} enable row level security`);
      this.addSql(`alter table ${table} force row level security`);
      this.addSql(`create policy system on ${table} to tenon_system using (true) with check (true)`);
      this.addSql(`revoke all on ${table} from tenon_app`);
    }
    // A UUIDv7 (RFC 9562) as PostgreSQL 18 has it, for rows that one statement makes by the thousand.
    this.addSql(`
      create function uuid_v7() returns uuid language sql volatile as $$
        select encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
          placing substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3)
          from 1 for 6), 52, 1), 53, 1), 'hex')::uuid
      $$`);
    this.addSql(`revoke all on function uuid_v7() from public`);
    this.addSql(`grant execute on function uuid_v7() to tenon_system`);
  }

  private applications(): void {
    // No foreign key to the template: its log outlives it.
    this.addSql(`create table template_application_logs (
        id uuid not null,
        template_key text not null,
        template jsonb not null,
        scope text not null,
        plan_key text null,
        organization_ids jsonb null,
        environment_key text null,
        reason text not null,
        status text not null,
        done int not null default 0,
        total int not null,
        failure jsonb null,
        requested_by uuid null,
        created_at timestamptz not null,
        started_at timestamptz null,
        applied_at timestamptz null,
        finished_at timestamptz null,
        rolled_back_by uuid null,
        rolled_back_at timestamptz null,
        rollback_reason text null,
        primary key (id),
        constraint template_application_logs_scope_check check (scope in ('organizations', 'plan', 'all')),
        constraint template_application_logs_status_check check (status in ('queued', 'running', 'completed', 'failed', 'rolled_back')))`);
    this.addSql(
      `create index template_application_logs_template_key_id_index on template_application_logs (template_key, id)`,
    );
    // A row for each organization, with all its features: fifty times fewer than one for each of both.
    this.addSql(`create table template_application_changes (
        organization_id uuid not null,
        application_id uuid not null,
        features jsonb not null,
        primary key (organization_id, application_id),
        constraint template_application_changes_organization_id_foreign foreign key (organization_id) references organizations (id) on delete cascade,
        constraint template_application_changes_application_id_foreign foreign key (application_id) references template_application_logs (id) on delete cascade)`);
    this.addSql(
      `create index template_application_changes_application_id_index on template_application_changes (application_id)`,
    );
  }

  override down(): void {
    this.addSql(`drop function uuid_v7()`);
    for (const table of ['template_application_changes', 'template_application_logs', 'feature_templates'])
      this.addSql(`drop table ${table}`);
  }
}
