import { Migration } from '@mikro-orm/migrations';

const TENANT = `organization_id = nullif(current_setting('app.organization_id', true), '')::uuid`;

/** Service accounts, API keys, and which key made an entry of the trail. */
export class Migration20261125000810_api_keys extends Migration {
  override up(): void {
    this.addSql(`create table service_accounts (
        organization_id uuid not null,
        id uuid not null,
        name text not null,
        description text null,
        role text not null,
        version int not null default 1,
        created_by uuid not null,
        created_at timestamptz not null,
        updated_at timestamptz not null,
        primary key (organization_id, id),
        constraint service_accounts_role_check check (role <> 'owner'),
        constraint service_accounts_organization_id_foreign foreign key (organization_id) references organizations (id) on delete cascade)`);
    // Keys of a person go with the membership: whoever comes back finds none of the old ones.
    this.addSql(`create table api_keys (
        organization_id uuid not null,
        id uuid not null,
        name text not null,
        environment_key text not null,
        scopes text[] not null,
        user_id uuid null,
        service_account_id uuid null,
        key_hash bytea not null,
        hint text not null,
        previous_key_hash bytea null,
        previous_key_expires_at timestamptz null,
        expires_at timestamptz null,
        last_used_at timestamptz null,
        created_by uuid not null,
        created_at timestamptz not null,
        primary key (organization_id, id),
        constraint api_keys_key_hash_unique unique (key_hash),
        constraint api_keys_previous_key_hash_unique unique (previous_key_hash),
        constraint api_keys_owner_check check (num_nonnulls(user_id, service_account_id) = 1),
        constraint api_keys_previous_key_check check ((previous_key_hash is null) = (previous_key_expires_at is null)),
        constraint api_keys_organization_id_foreign foreign key (organization_id) references organizations (id) on delete cascade,
        constraint api_keys_environment_key_foreign foreign key (environment_key) references environments (key),
        constraint api_keys_organization_id_user_id_foreign foreign key (organization_id, user_id)
          references user_organization_membership (organization_id, user_id) on update cascade on delete cascade,
        constraint api_keys_organization_id_service_account_id_foreign foreign key (organization_id, service_account_id)
          references service_accounts (organization_id, id) on update cascade on delete cascade)`);
    this.addSql(`create index api_keys_environment_key_index on api_keys (environment_key)`);
    this.addSql(
      `create trigger set_updated_at before update on service_accounts for each row execute function update_updated_at_column()`,
    );
    // Across tenants: names in the trail, when keys were last used, and whose go when a person is disabled.
    this.addSql(`create index service_accounts_id_index on service_accounts (id)`);
    this.addSql(`create index api_keys_id_index on api_keys (id)`);
    this.addSql(`create index api_keys_user_id_index on api_keys (user_id) where user_id is not null`);
    for (const table of ['service_accounts', 'api_keys']) {
      this.addSql(`alter table ${table} enable row level security`);
      this.addSql(`alter table ${table} force row level security`);
      this.addSql(`create policy tenant on ${table} to tenon_app using (${TENANT}) with check (${TENANT})`);
      this.addSql(`create policy system on ${table} to tenon_system using (true) with check (true)`);
      this.addSql(`revoke update on ${table} from tenon_app`);
    }
    this.addSql(`grant update (name, description, role, version, updated_at) on service_accounts to tenon_app`);
    this.addSql(
      `grant update (key_hash, hint, previous_key_hash, previous_key_expires_at, last_used_at) on api_keys to tenon_app`,
    );
    // Keys go with what they hang on, too: whoever removed it, every instance hears which keys are dead.
    this.addSql(`
      create function announce_removed_api_keys() returns trigger language plpgsql
      set search_path = pg_catalog, public, pg_temp as $$
      begin
        -- 150 ids stay below the 8,000 bytes of a message.
        perform pg_notify('tenon_changes', json_build_object('topic', 'api-keys', 'keys', json_agg(id))::text)
           from (select id, (row_number() over () - 1) / 150 as message from removed) as numbered
          group by message;
        return null;
      end $$`);
    this.addSql(`grant execute on function announce_removed_api_keys() to tenon_app, tenon_system`);
    this.addSql(`create trigger announce_removed after delete on api_keys
      referencing old table as removed for each statement execute function announce_removed_api_keys()`);
    this.addSql(`alter table audit_log add api_key_id uuid null`);
    // Few entries are made by keys, and the others shall not pay for them.
    this.addSql(
      `create index audit_log_api_key_id_id_index on audit_log (api_key_id, id) where api_key_id is not null`,
    );
  }

  override down(): void {
    this.addSql(`alter table audit_log drop column api_key_id`);
    this.addSql(`drop table api_keys`);
    this.addSql(`drop function announce_removed_api_keys()`);
    this.addSql(`drop table service_accounts`);
  }
}
