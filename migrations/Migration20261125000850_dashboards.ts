import { Migration } from '@mikro-orm/migrations';

const OWN = `organization_id = nullif(current_setting('app.organization_id', true), '')::uuid
  and user_id = nullif(current_setting('app.user_id', true), '')::uuid`;

interface Starter {
  key: string;
  name: string;
  type: string;
  description: string;
  size: [w: number, h: number];
  settings?: object;
}

const rows = { type: 'integer', minimum: 1, maximum: 50, default: 10 };
const feature = { type: 'string', pattern: '^[a-z0-9][a-z0-9._-]{0,99}$' };

/** What a new installation can put on dashboards; from then on it is the platform admins'. */
const STARTERS: Starter[] = [
  {
    key: 'seats-used',
    name: 'Seats',
    type: 'metric',
    description: 'Members and open invitations against the seats of the plan; from GET …/plan',
    size: [3, 2],
  },
  {
    key: 'plan-entitlements',
    name: 'Plan',
    type: 'table',
    description: 'The plan, its limits and what it gives of features; from GET …/plan and GET …/features',
    size: [6, 4],
  },
  {
    key: 'features-overview',
    name: 'Features',
    type: 'table',
    description: 'Every feature with its value and why it is so; from GET …/features',
    size: [6, 4],
    settings: { onlyOn: { type: 'boolean', default: false }, category: { type: 'string', maxLength: 100 } },
  },
  {
    key: 'recent-activity',
    name: 'Recent activity',
    type: 'list',
    description: 'The newest entries of the trail, in sentences; from GET …/audit-log',
    size: [6, 4],
    settings: { rows },
  },
  {
    key: 'security-events',
    name: 'Security events',
    type: 'list',
    description: 'What happened to the account of the person who looks; from GET /api/v1/users/me/security-events',
    size: [6, 4],
    settings: { rows },
  },
  {
    key: 'active-sessions',
    name: 'Active sessions',
    type: 'list',
    description: 'Where the person who looks is signed in; from GET /api/v1/auth/sessions',
    size: [6, 3],
  },
  {
    key: 'api-keys',
    name: 'API keys',
    type: 'table',
    description: 'API keys with their last use and their end; from GET …/api-keys',
    size: [6, 3],
    settings: { onlyExpiring: { type: 'boolean', default: false } },
  },
  {
    key: 'metered-limits',
    name: 'Metered limits',
    type: 'gauge',
    description: 'What is used of each metered limit, and when counting begins anew; from GET …/features',
    size: [4, 3],
    settings: { features: { type: 'array', items: feature, maxItems: 20, uniqueItems: true } },
  },
  {
    key: 'usage-chart',
    name: 'Usage',
    type: 'chart',
    description: 'The use of one metered limit; from GET …/features/{key}/usage',
    size: [8, 4],
    settings: { feature, chart: { enum: ['line', 'bar'], default: 'line' } },
  },
  {
    key: 'pending-invitations',
    name: 'Pending invitations',
    type: 'list',
    description: 'Who was invited and has not come yet; from GET …/invitations',
    size: [4, 3],
    settings: { rows },
  },
  {
    key: 'domain-status',
    name: 'Domains',
    type: 'status',
    description: 'Domains of the organization, proven or not; from GET …/domains',
    size: [4, 3],
  },
  {
    key: 'roles',
    name: 'Members by role',
    type: 'chart',
    description: 'How many members have which role; from GET …/members and GET …/roles',
    size: [4, 3],
    settings: { chart: { enum: ['pie', 'bar'], default: 'pie' } },
  },
];

const text = (value: string): string => `'${value.replaceAll("'", "''")}'`;

/** The library of widgets, and what people arranged of it in their organizations. */
export class Migration20261125000850_dashboards extends Migration {
  override up(): void {
    this.library();
    this.preferences();
    for (const table of ['widget_library', 'user_dashboard_preferences'])
      this.addSql(
        `create trigger set_updated_at before update on ${table} for each row execute function update_updated_at_column()`,
      );
  }

  private library(): void {
    this.addSql(`create table widget_library (
        key text not null,
        name text not null,
        description text null,
        type text not null,
        settings_schema jsonb null,
        default_width int not null,
        default_height int not null,
        version int not null default 1,
        created_at timestamptz not null,
        updated_at timestamptz not null,
        primary key (key),
        constraint widget_library_size_check check (default_width >= 1 and default_width <= 12 and default_height > 0))`);
    // A feature cannot go while a widget needs it.
    this.addSql(`create table widget_required_features (
        widget_key text not null,
        feature_key text not null,
        primary key (widget_key, feature_key),
        constraint widget_required_features_widget_key_foreign foreign key (widget_key) references widget_library (key) on delete cascade,
        constraint widget_required_features_feature_key_foreign foreign key (feature_key) references feature_definitions (key))`);
    this.addSql(`create index widget_required_features_feature_key_index on widget_required_features (feature_key)`);
    for (const { key, name, type, description, size, settings } of STARTERS) {
      const schema = settings && { type: 'object', properties: settings, additionalProperties: false };
      this.addSql(`insert into widget_library
          (key, name, description, type, settings_schema, default_width, default_height, created_at, updated_at)
        values (${[key, name, description, type].map(text).join(', ')}, ${schema ? text(JSON.stringify(schema)) : 'null'},
          ${size.join(', ')}, now(), now())`);
    }
    for (const table of ['widget_library', 'widget_required_features']) {
      this.addSql(`alter table ${table} enable row level security`);
      this.addSql(`alter table ${table} force row level security`);
      this.addSql(`create policy everybody_reads on ${table} for select to tenon_app using (true)`);
      this.addSql(`create policy system on ${table} to tenon_system using (true) with check (true)`);
      this.addSql(`revoke insert, update, delete on ${table} from tenon_app`);
    }
  }

  private preferences(): void {
    // It goes with the membership. Layout null: the default; the row stays, so that no version comes twice.
    this.addSql(`create table user_dashboard_preferences (
        organization_id uuid not null,
        user_id uuid not null,
        layout jsonb null,
        theme text not null,
        version int not null default 0,
        updated_at timestamptz not null,
        primary key (organization_id, user_id),
        constraint user_dashboard_preferences_theme_check check (theme in ('light', 'dark', 'system')),
        constraint user_dashboard_preferences_organization_id_user_id_foreign foreign key (organization_id, user_id)
          references user_organization_membership (organization_id, user_id) on update cascade on delete cascade)`);
    this.addSql(`alter table user_dashboard_preferences enable row level security`);
    this.addSql(`alter table user_dashboard_preferences force row level security`);
    // Both at once: neither another member nor the same person elsewhere.
    this.addSql(
      `create policy own_in_tenant on user_dashboard_preferences to tenon_app using (${OWN}) with check (${OWN})`,
    );
    this.addSql(`create policy system on user_dashboard_preferences to tenon_system using (true) with check (true)`);
    this.addSql(`revoke update, delete on user_dashboard_preferences from tenon_app`);
    this.addSql(`grant update (layout, theme, version, updated_at) on user_dashboard_preferences to tenon_app`);
  }

  override down(): void {
    for (const table of ['user_dashboard_preferences', 'widget_required_features', 'widget_library'])
      this.addSql(`drop table ${table}`);
  }
}
