import { Migration } from '@mikro-orm/migrations';

const TENANT = `organization_id = nullif(current_setting('app.organization_id', true), '')::uuid`;

const TYPES = ['invitation', 'api_key', 'feature_override', 'feature_meter'];

/** How long each organization has its data kept. */
export class Migration20261129001100_cleanup_policies extends Migration {
  override up(): void {
    this.addSql(`create table cleanup_policies (
        organization_id uuid not null,
        kept_days jsonb not null default '{}',
        version int not null default 1,
        updated_at timestamptz not null,
        primary key (organization_id),
        constraint cleanup_policies_kept_days_check check (jsonb_path_match(kept_days,
          'strict $.type() == "object" && !exists($.* ? (!(@.type() == "number" && @ >= 0 && @ <= 36500)))')),
        constraint cleanup_policies_organization_id_foreign foreign key (organization_id) references organizations (id)
          on update cascade on delete cascade)`);
    for (const type of TYPES)
      this.addSql(`create index cleanup_policies_${type}_index on cleanup_policies (((kept_days -> '${type}')::int))`);
    this.addSql(`alter table cleanup_policies enable row level security`);
    this.addSql(`alter table cleanup_policies force row level security`);
    this.addSql(`create policy tenant on cleanup_policies to tenon_app using (${TENANT}) with check (${TENANT})`);
    this.addSql(`create policy system on cleanup_policies to tenon_system using (true) with check (true)`);
    // The sweep reads them; what tries row security makes rows. They go with their organization alone.
    this.addSql(`revoke all on cleanup_policies from tenon_app, tenon_system`);
    this.addSql(`grant select, insert, update (kept_days, version, updated_at) on cleanup_policies to tenon_app`);
    this.addSql(`grant select, insert on cleanup_policies to tenon_system`);
    this.addSql(
      `create trigger set_updated_at before update on cleanup_policies for each row execute function update_updated_at_column()`,
    );
  }

  override down(): void {
    this.addSql(`drop table cleanup_policies`);
  }
}
