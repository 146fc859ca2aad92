import { Migration } from '@mikro-orm/migrations';

/** The four roles as `kernel/permissions.ts` had them when this was written; later permissions come by later migrations. */
const ROLES = {
  owner: [
    'organization:read',
    'organization:update',
    'organization:deactivate',
    'organization:delete',
    'organization:transfer',
    'members:read',
    'members:invite',
    'members:update',
    'members:remove',
    'roles:manage',
    'domains:manage',
    'settings:read',
    'settings:update',
    'policies:read',
    'policies:update',
    'plan:read',
    'audit:read',
    'api-keys:manage',
    'features:read',
    'features:override',
    'features:consume',
    'features:evaluate',
    'feature-usage:read',
    'widgets:read',
    'dashboards:update',
    'webhooks:manage',
    'cleanup:manage',
  ],
  admin: [
    'organization:read',
    'members:read',
    'members:invite',
    'members:update',
    'members:remove',
    'roles:manage',
    'domains:manage',
    'settings:read',
    'settings:update',
    'policies:read',
    'plan:read',
    'audit:read',
    'api-keys:manage',
    'features:read',
    'features:override',
    'features:consume',
    'features:evaluate',
    'feature-usage:read',
    'widgets:read',
    'dashboards:update',
    'webhooks:manage',
  ],
  member: [
    'organization:read',
    'members:read',
    'settings:read',
    'plan:read',
    'features:read',
    'features:consume',
    'features:evaluate',
    'widgets:read',
    'dashboards:update',
  ],
  viewer: [
    'organization:read',
    'members:read',
    'settings:read',
    'plan:read',
    'features:read',
    'features:evaluate',
    'widgets:read',
    'dashboards:update',
  ],
};
/** What an owner keeps while the organization is not active. */
const WHILE_INACTIVE = ['organization:read', 'organization:deactivate', 'organization:delete'];

const TENANT = `organization_id = nullif(current_setting('app.organization_id', true), '')::uuid`;
const TENANT_TABLES = ['organization_roles', 'invitations', 'organization_domains', 'organization_policies'];

/** Plans, roles, invitations, domains and policies of organizations, and what of them the database itself holds. */
export class Migration20261121000700_organizations extends Migration {
  override up(): void {
    this.plans();
    this.organizations();
    this.tenantTables();
    this.permissions();
    this.people();
    this.seats();
  }

  private plans(): void {
    this.addSql(`create table plans (
        key text not null,
        name text not null,
        description text null,
        seats int null,
        domains int null,
        custom_roles int null,
        version int not null default 1,
        created_at timestamptz not null,
        updated_at timestamptz not null,
        primary key (key))`);
    // What every organization is on until a platform admin says otherwise. Before row security, which binds the owner.
    this.addSql(`insert into plans (key, name, description, created_at, updated_at)
      values ('standard', 'Standard', 'Everything, without limits', now(), now())`);
    this.addSql(`alter table plans enable row level security`);
    this.addSql(`alter table plans force row level security`);
    this.addSql(`create policy everybody_reads on plans for select to tenon_app using (true)`);
    this.addSql(`create policy system on plans to tenon_system using (true) with check (true)`);
    this.addSql(`revoke insert, update, delete on plans from tenon_app`);
    this.addSql(
      `create trigger set_updated_at before update on plans for each row execute function update_updated_at_column()`,
    );
  }

  private organizations(): void {
    this.addSql(`alter table organizations
        add status text not null default 'active',
        add version int not null default 1,
        add settings jsonb not null default '{}',
        add settings_version int not null default 1,
        add plan_key text not null default 'standard',
        add member_count int not null default 0,
        add deactivated_at timestamptz null,
        add deleted_at timestamptz null,
        add purge_after timestamptz null`);
    this.addSql(
      `alter table organizations add constraint organizations_plan_key_foreign foreign key (plan_key) references plans (key)`,
    );
    this.addSql(
      `alter table organizations add constraint organizations_status_check check (status in ('active', 'deactivated', 'deleted'))`,
    );
    this.addSql(`create index organizations_plan_key_index on organizations (plan_key)`);
    this.addSql(
      `create index organizations_purge_after_index on organizations (purge_after) where purge_after is not null`,
    );
    this.addSql(
      `create index user_organization_membership_joined_index on user_organization_membership (organization_id, joined_at, user_id) include (role)`,
    );
    // Founding and removing, the plan, and joining are for the system role; an owner changes what is left.
    this.addSql(`revoke insert, update, delete on organizations from tenon_app`);
    this.addSql(
      `grant update (name, slug, status, version, settings, settings_version, member_count, deactivated_at, deleted_at, purge_after, updated_at)
         on organizations to tenon_app`,
    );
    this.addSql(`revoke insert, update on user_organization_membership from tenon_app`);
    this.addSql(`grant update (role) on user_organization_membership to tenon_app`);
  }

  private tenantTables(): void {
    this.addSql(`create table organization_roles (
        organization_id uuid not null,
        key text not null,
        name text not null,
        description text null,
        permissions text[] not null,
        version int not null default 1,
        created_at timestamptz not null,
        updated_at timestamptz not null,
        primary key (organization_id, key))`);
    this.addSql(`create table invitations (
        organization_id uuid not null,
        id uuid not null,
        email text not null,
        role text not null,
        token_hash bytea not null,
        invited_by uuid not null,
        created_at timestamptz not null,
        expires_at timestamptz not null,
        accepted_at timestamptz null,
        accepted_by uuid null,
        revoked_at timestamptz null,
        primary key (organization_id, id))`);
    this.addSql(`alter table invitations add constraint invitations_token_hash_unique unique (token_hash)`);
    this.addSql(`create index invitations_expires_at_index on invitations (expires_at)`);
    this.addSql(
      `create unique index invitations_open_unique on invitations (organization_id, email) where accepted_at is null and revoked_at is null`,
    );
    this.addSql(`create table organization_domains (
        organization_id uuid not null,
        id uuid not null,
        domain text not null,
        challenge text not null,
        challenge_expires_at timestamptz not null,
        verified_at timestamptz null,
        last_checked_at timestamptz null,
        missing_since timestamptz null,
        created_at timestamptz not null,
        primary key (organization_id, id))`);
    this.addSql(
      `create unique index organization_domains_proven_unique on organization_domains (domain) where verified_at is not null`,
    );
    this.addSql(
      `create index organization_domains_last_checked_at_index on organization_domains (last_checked_at, id) where verified_at is not null`,
    );
    this.addSql(
      `alter table organization_domains add constraint organization_domains_organization_id_domain_unique unique (organization_id, domain)`,
    );
    this.addSql(`create table organization_policies (
        organization_id uuid not null,
        mfa_required boolean not null default false,
        session_lifetime_minutes int null,
        sign_in_methods text[] null,
        ip_allow_list text[] null,
        version int not null default 1,
        updated_at timestamptz not null,
        primary key (organization_id))`);
    for (const table of TENANT_TABLES) {
      this.addSql(
        `alter table ${table} add constraint ${table}_organization_id_foreign foreign key (organization_id) references organizations (id)
           ${table === 'organization_policies' ? 'on update cascade ' : ''}on delete cascade`,
      );
      this.addSql(`alter table ${table} enable row level security`);
      this.addSql(`alter table ${table} force row level security`);
      this.addSql(`create policy tenant on ${table} to tenon_app using (${TENANT}) with check (${TENANT})`);
      this.addSql(`create policy system on ${table} to tenon_system using (true) with check (true)`);
      this.addSql(`revoke update on ${table} from tenon_app`);
    }
    for (const table of ['organization_roles', 'organization_policies'])
      this.addSql(
        `create trigger set_updated_at before update on ${table} for each row execute function update_updated_at_column()`,
      );
    this.addSql(
      `grant update (name, description, permissions, version, updated_at) on organization_roles to tenon_app`,
    );
    // Nothing of a tenant's makes an invitation accepted: that is done by whoever holds its token.
    this.addSql(`revoke delete on invitations from tenon_app`);
    this.addSql(`grant update (role, token_hash, invited_by, expires_at, revoked_at) on invitations to tenon_app`);
    this.addSql(
      `grant update (challenge, challenge_expires_at, verified_at, last_checked_at, missing_since) on organization_domains to tenon_app`,
    );
    this.addSql(`revoke delete on organization_policies from tenon_app`);
    this.addSql(
      `grant update (mfa_required, session_lifetime_minutes, sign_in_methods, ip_allow_list, version, updated_at) on organization_policies to tenon_app`,
    );
  }

  private permissions(): void {
    this.addSql(`create table role_permissions (
        role text not null,
        permission text not null,
        while_inactive boolean not null default false,
        primary key (role, permission))`);
    for (const [role, held] of Object.entries(ROLES))
      for (const permission of held)
        this.addSql(
          `insert into role_permissions values ('${role}', '${permission}', ${role === 'owner' && WHILE_INACTIVE.includes(permission)})`,
        );
    this.addSql(`alter table role_permissions enable row level security`);
    this.addSql(`alter table role_permissions force row level security`);
    this.addSql(`create policy everybody_reads on role_permissions for select to tenon_app using (true)`);
    this.addSql(`create policy system on role_permissions to tenon_system using (true) with check (true)`);
    this.addSql(`revoke insert, update, delete on role_permissions from tenon_app, tenon_system`);
    this.addSql(`
      create function get_user_permissions(user_id uuid, organization_id uuid) returns setof text
      language sql stable set search_path = pg_catalog, public, pg_temp as $$
        -- A platform admin may do in every organization what its owner may.
        select r.permission
          from public.users u join public.role_permissions r on r.role = 'owner'
         where u.id = $1 and u.platform_role = 'admin' and u.status = 'active'
           and exists (select from public.organizations o where o.id = $2)
        union
        select r.permission
          from public.user_organization_membership m
          join public.users u on u.id = m.user_id and u.status = 'active'
          join public.organizations o on o.id = m.organization_id
          join public.role_permissions r on r.role = m.role and (o.status = 'active' or r.while_inactive)
         where m.user_id = $1 and m.organization_id = $2
        union
        select held
          from public.user_organization_membership m
          join public.users u on u.id = m.user_id and u.status = 'active'
          join public.organizations o on o.id = m.organization_id and o.status = 'active'
          join public.organization_roles c on c.organization_id = m.organization_id and c.key = m.role
         cross join unnest(c.permissions) as held
         where m.user_id = $1 and m.organization_id = $2
         order by 1
      $$`);
    this.addSql(`grant execute on function get_user_permissions(uuid, uuid) to tenon_app, tenon_system`);
  }

  private people(): void {
    this.addSql(
      `create policy fellow_reads on users for select to tenon_app using (exists (select 1 from user_organization_membership m where m.user_id = users.id and m.organization_id = nullif(current_setting('app.organization_id', true), '')::uuid))`,
    );
    // The role in which somebody acted: an entry by a platform admin in a customer's trail says so.
    this.addSql(`alter table audit_log add actor_role text null`);
    // With tenants in the trail, nobody may leave an entry in another one's.
    this.addSql(`drop policy app_writes on audit_log`);
    this.addSql(
      `create policy app_leaves on audit_log for insert to tenon_app with check (organization_id is null or ${TENANT})`,
    );
  }

  private seats(): void {
    // The row of the organization is locked by its first joiner: the count is never behind, and of two who take the last
    // seat at once the second is refused. The plan is shared, so that nobody lowers its seats meanwhile.
    this.addSql(`
      create function count_members() returns trigger language plpgsql set search_path = pg_catalog, public, pg_temp as $$
      declare
        tenant uuid;
        joined int;
        members int;
        plan text;
        allowed int;
      begin
        for tenant, joined in
          select organization_id, count(*)::int from changed group by 1 order by 1
        loop
          update public.organizations
             set member_count = member_count + case tg_op when 'INSERT' then joined else -joined end
           where id = tenant returning plan_key, member_count into plan, members;
          if tg_op = 'INSERT' then
            select seats into allowed from public.plans where key = plan for share;
            if members > allowed then
              raise exception 'the plan "%" has % seats', plan, allowed
                using errcode = 'check_violation', constraint = 'organizations_seats';
            end if;
          end if;
        end loop;
        return null;
      end $$`);
    this.addSql(`grant execute on function count_members() to tenon_app, tenon_system`);
    this.addSql(`create trigger count_joined after insert on user_organization_membership
      referencing new table as changed for each statement execute function count_members()`);
    this.addSql(`create trigger count_left after delete on user_organization_membership
      referencing old table as changed for each statement execute function count_members()`);
    // Forced row security binds the owner: as himself he would update no row, silently.
    this.addSql(`set local role tenon_system`);
    this.addSql(`update organizations o set member_count =
      (select count(*) from user_organization_membership m where m.organization_id = o.id)`);
    this.addSql(`set local role none`);
  }

  override down(): void {
    this.addSql(`drop trigger count_joined on user_organization_membership`);
    this.addSql(`drop trigger count_left on user_organization_membership`);
    this.addSql(`drop function count_members()`);
    this.addSql(`drop policy app_leaves on audit_log`);
    this.addSql(`create policy app_writes on audit_log for insert to tenon_app with check (true)`);
    this.addSql(`alter table audit_log drop column actor_role`);
    this.addSql(`drop policy fellow_reads on users`);
    this.addSql(`drop function get_user_permissions(uuid, uuid)`);
    this.addSql(`drop table role_permissions`);
    for (const table of TENANT_TABLES) this.addSql(`drop table ${table}`);
    this.addSql(`revoke update (role) on user_organization_membership from tenon_app`);
    this.addSql(`grant insert, update on user_organization_membership to tenon_app`);
    this.addSql(
      `revoke update (name, slug, status, version, settings, settings_version, member_count, deactivated_at, deleted_at, purge_after, updated_at)
         on organizations from tenon_app`,
    );
    this.addSql(`grant insert, update, delete on organizations to tenon_app`);
    this.addSql(`drop index user_organization_membership_joined_index`);
    this.addSql(`alter table organizations drop column status, drop column version, drop column settings,
      drop column settings_version, drop column plan_key, drop column member_count, drop column deactivated_at,
      drop column deleted_at, drop column purge_after`);
    this.addSql(`drop table plans`);
  }
}
