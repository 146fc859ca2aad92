import { Migration } from '@mikro-orm/migrations';

const TENANT = `organization_id = nullif(current_setting('app.organization_id', true), '')::uuid`;
/** No tenant's: everybody may read them, only platform admins write them, as the system role. */
const OF_THE_INSTALLATION = [
  'environments',
  'feature_revision',
  'feature_definitions',
  'feature_dependencies',
  'feature_conflicts',
  'feature_plan_values',
  'feature_configurations',
  'feature_segments',
];
const OF_TENANTS = ['organization_feature_settings', 'feature_meters', 'feature_consumptions'];
const WITH_UPDATED_AT = [
  'feature_definitions',
  'feature_configurations',
  'feature_segments',
  'organization_feature_settings',
];

/** Environments of the installation, features and what they are in each, and what organizations have of them. */
export class Migration20261125000800_features extends Migration {
  override up(): void {
    this.environments();
    this.definitions();
    this.targeting();
    this.tenantTables();
    this.rowSecurity();
  }

  private environments(): void {
    this.addSql(`create table environments (
        key text not null,
        name text not null,
        description text null,
        created_at timestamptz not null,
        primary key (key))`);
    this.addSql(`insert into environments (key, name, created_at) values
      ('development', 'Development', now()), ('staging', 'Staging', now()), ('production', 'Production', now())`);
  }

  private definitions(): void {
    // One row: whoever changes definitions, configurations or segments takes it first. So graph checks see what was
    // written before them, and memory can be compared with the database by one number.
    this.addSql(`create table feature_revision (
        id int not null default 1,
        revision bigint not null,
        primary key (id),
        constraint feature_revision_single check (id = 1))`);
    this.addSql(`insert into feature_revision (revision) values (1)`);
    this.addSql(`create table feature_definitions (
        key text not null,
        name text not null,
        description text null,
        type text not null,
        category text null,
        default_value jsonb not null,
        schema jsonb null,
        variants jsonb null,
        metering jsonb null,
        lifecycle text not null default 'active',
        owner text null,
        tags text[] not null default '{}',
        version int not null default 1,
        created_at timestamptz not null,
        updated_at timestamptz not null,
        primary key (key),
        constraint feature_definitions_key_check check (key ~ '^[a-z0-9][a-z0-9._-]{0,99}$'),
        constraint feature_definitions_type_check check (type in ('boolean', 'string', 'number', 'json')),
        constraint feature_definitions_lifecycle_check check (lifecycle in ('draft', 'active', 'deprecated', 'archived')))`);
    this.addSql(`create table feature_dependencies (
        feature_key text not null,
        requires_key text not null,
        primary key (feature_key, requires_key),
        constraint feature_dependencies_feature_key_foreign foreign key (feature_key) references feature_definitions (key) on delete cascade,
        constraint feature_dependencies_requires_key_foreign foreign key (requires_key) references feature_definitions (key))`);
    this.addSql(`create index feature_dependencies_requires_key_index on feature_dependencies (requires_key)`);
    // A pair once, whoever names whom.
    this.addSql(`create table feature_conflicts (
        feature_key text not null,
        conflicts_with_key text not null,
        primary key (feature_key, conflicts_with_key),
        constraint feature_conflicts_feature_key_foreign foreign key (feature_key) references feature_definitions (key) on delete cascade,
        constraint feature_conflicts_conflicts_with_key_foreign foreign key (conflicts_with_key) references feature_definitions (key) on delete cascade,
        constraint feature_conflicts_order check (feature_key < conflicts_with_key))`);
    this.addSql(`create index feature_conflicts_conflicts_with_key_index on feature_conflicts (conflicts_with_key)`);
    this.addSql(`create table feature_plan_values (
        feature_key text not null,
        plan_key text not null,
        value jsonb not null,
        primary key (feature_key, plan_key),
        constraint feature_plan_values_feature_key_foreign foreign key (feature_key) references feature_definitions (key) on delete cascade,
        constraint feature_plan_values_plan_key_foreign foreign key (plan_key) references plans (key) on delete cascade)`);
    this.addSql(`create index feature_plan_values_plan_key_index on feature_plan_values (plan_key)`);
  }

  private targeting(): void {
    this.addSql(`create table feature_configurations (
        feature_key text not null,
        environment_key text not null,
        enabled boolean not null default true,
        rules jsonb not null default '[]',
        rollout jsonb null,
        version int not null default 1,
        updated_at timestamptz not null,
        primary key (feature_key, environment_key),
        constraint feature_configurations_feature_key_foreign foreign key (feature_key) references feature_definitions (key) on delete cascade,
        constraint feature_configurations_environment_key_foreign foreign key (environment_key) references environments (key) on delete cascade)`);
    this.addSql(
      `create index feature_configurations_environment_key_index on feature_configurations (environment_key)`,
    );
    this.addSql(`create table feature_segments (
        key text not null,
        name text null,
        description text null,
        conditions jsonb not null,
        version int not null default 1,
        created_at timestamptz not null,
        updated_at timestamptz not null,
        primary key (key))`);
  }

  private tenantTables(): void {
    this.addSql(`create table organization_feature_settings (
        organization_id uuid not null,
        id uuid not null,
        feature_key text not null,
        environment_key text null,
        value jsonb not null,
        reason text not null,
        expires_at timestamptz null,
        set_by uuid null,
        created_at timestamptz not null,
        updated_at timestamptz not null,
        primary key (organization_id, id),
        constraint organization_feature_settings_feature_key_foreign foreign key (feature_key) references feature_definitions (key) on delete cascade,
        constraint organization_feature_settings_environment_key_foreign foreign key (environment_key) references environments (key) on delete cascade)`);
    this.addSql(
      `create unique index organization_feature_settings_scope_unique on organization_feature_settings (organization_id, feature_key, environment_key) nulls not distinct`,
    );
    this.addSql(
      `create index organization_feature_settings_feature_key_index on organization_feature_settings (feature_key)`,
    );
    this.addSql(
      `create index organization_feature_settings_environment_key_index on organization_feature_settings (environment_key)`,
    );
    this.addSql(
      `create index organization_feature_settings_expires_at_index on organization_feature_settings (expires_at)`,
    );
    this.addSql(`create table feature_meters (
        organization_id uuid not null,
        feature_key text not null,
        environment_key text not null,
        period_start timestamptz not null,
        used bigint not null,
        updated_at timestamptz not null,
        primary key (organization_id, feature_key, environment_key, period_start),
        constraint feature_meters_feature_key_foreign foreign key (feature_key) references feature_definitions (key) on delete cascade,
        constraint feature_meters_environment_key_foreign foreign key (environment_key) references environments (key) on delete cascade)`);
    this.addSql(`create index feature_meters_feature_key_index on feature_meters (feature_key)`);
    this.addSql(`create index feature_meters_environment_key_index on feature_meters (environment_key)`);
    this.addSql(`create table feature_consumptions (
        organization_id uuid not null,
        feature_key text not null,
        environment_key text not null,
        idempotency_key text not null,
        amount bigint not null,
        used bigint not null,
        allowed bigint not null,
        resets_at timestamptz null,
        created_at timestamptz not null,
        expires_at timestamptz not null,
        primary key (organization_id, feature_key, environment_key, idempotency_key),
        constraint feature_consumptions_feature_key_foreign foreign key (feature_key) references feature_definitions (key) on delete cascade,
        constraint feature_consumptions_environment_key_foreign foreign key (environment_key) references environments (key) on delete cascade)`);
    this.addSql(`create index feature_consumptions_feature_key_index on feature_consumptions (feature_key)`);
    this.addSql(`create index feature_consumptions_environment_key_index on feature_consumptions (environment_key)`);
    this.addSql(`create index feature_consumptions_expires_at_index on feature_consumptions (expires_at)`);
  }

  private rowSecurity(): void {
    for (const table of OF_TENANTS)
      this.addSql(
        `alter table ${table} add constraint ${table}_organization_id_foreign foreign key (organization_id) references organizations (id) on delete cascade`,
      );
    for (const table of WITH_UPDATED_AT)
      this.addSql(
        `create trigger set_updated_at before update on ${table} for each row execute function update_updated_at_column()`,
      );
    for (const table of [...OF_THE_INSTALLATION, ...OF_TENANTS]) {
      this.addSql(`alter table ${table} enable row level security`);
      this.addSql(`alter table ${table} force row level security`);
      this.addSql(`create policy system on ${table} to tenon_system using (true) with check (true)`);
    }
    for (const table of OF_THE_INSTALLATION) {
      this.addSql(`create policy everybody_reads on ${table} for select to tenon_app using (true)`);
      this.addSql(`revoke insert, update, delete on ${table} from tenon_app`);
    }
    for (const table of OF_TENANTS)
      this.addSql(`create policy tenant on ${table} to tenon_app using (${TENANT}) with check (${TENANT})`);
    this.addSql(`revoke update on organization_feature_settings from tenon_app`);
    this.addSql(
      `grant update (value, reason, expires_at, set_by, updated_at) on organization_feature_settings to tenon_app`,
    );
    // What was used is counted up, and never taken back by a tenant.
    this.addSql(`revoke update, delete on feature_meters from tenon_app`);
    this.addSql(`grant update (used, updated_at) on feature_meters to tenon_app`);
    this.addSql(`revoke update, delete on feature_consumptions from tenon_app`);
    this.addSql(`grant update (used, allowed, resets_at) on feature_consumptions to tenon_app`);
  }

  override down(): void {
    for (const table of [...OF_TENANTS.toReversed(), ...OF_THE_INSTALLATION.toReversed()])
      this.addSql(`drop table ${table}`);
  }
}
