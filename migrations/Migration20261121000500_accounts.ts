import { Migration } from '@mikro-orm/migrations';

/** People, organizations, and who belongs where. */
export class Migration20261121000500_accounts extends Migration {
  override up(): void {
    this.addSql(`create table users (
        id uuid not null,
        email text not null,
        email_verified_at timestamptz null,
        full_name text not null,
        locale text null,
        time_zone text null,
        status text not null default 'active',
        platform_role text null,
        created_at timestamptz not null,
        updated_at timestamptz not null,
        primary key (id))`);
    this.addSql(`create table organizations (
        id uuid not null,
        name text not null,
        slug text not null,
        created_at timestamptz not null,
        updated_at timestamptz not null,
        primary key (id))`);
    this.addSql(`create table user_organization_membership (
        organization_id uuid not null,
        user_id uuid not null,
        role varchar(255) not null,
        joined_at timestamptz not null,
        primary key (organization_id, user_id))`);
    this.addSql(`alter table users add constraint users_email_unique unique (email)`);
    this.addSql(
      `alter table users add constraint users_status_check check (status in ('active', 'disabled', 'deleted'))`,
    );
    this.addSql(`alter table users add constraint users_platform_role_check check (platform_role in ('admin'))`);
    this.addSql(`alter table organizations add constraint organizations_slug_unique unique (slug)`);
    this.addSql(`create index user_organization_membership_user_id_index on user_organization_membership (user_id)`);
    this.addSql(
      `alter table user_organization_membership add constraint user_organization_membership_organization_id_foreign foreign key (organization_id) references organizations (id) on update cascade on delete cascade`,
    );
    this.addSql(
      `alter table user_organization_membership add constraint user_organization_membership_user_id_foreign foreign key (user_id) references users (id) on update cascade on delete cascade`,
    );
    this.addSql(`alter table users enable row level security`);
    this.addSql(`alter table users force row level security`);
    this.addSql(
      `create policy own_select on users for select to tenon_app using (id = nullif(current_setting('app.user_id', true), '')::uuid)`,
    );
    this.addSql(
      `create policy own_update on users for update to tenon_app using (id = nullif(current_setting('app.user_id', true), '')::uuid) with check (id = nullif(current_setting('app.user_id', true), '')::uuid)`,
    );
    this.addSql(`create policy system on users to tenon_system using (true) with check (true)`);
    this.addSql(`alter table organizations enable row level security`);
    this.addSql(`alter table organizations force row level security`);
    this.addSql(
      `create policy tenant on organizations to tenon_app using (id = nullif(current_setting('app.organization_id', true), '')::uuid) with check (id = nullif(current_setting('app.organization_id', true), '')::uuid)`,
    );
    this.addSql(
      `create policy member_reads on organizations for select to tenon_app using (exists (select 1 from user_organization_membership m where m.organization_id = organizations.id and m.user_id = nullif(current_setting('app.user_id', true), '')::uuid))`,
    );
    this.addSql(`create policy system on organizations to tenon_system using (true) with check (true)`);
    this.addSql(`alter table user_organization_membership enable row level security`);
    this.addSql(`alter table user_organization_membership force row level security`);
    this.addSql(
      `create policy tenant on user_organization_membership to tenon_app using (organization_id = nullif(current_setting('app.organization_id', true), '')::uuid) with check (organization_id = nullif(current_setting('app.organization_id', true), '')::uuid)`,
    );
    this.addSql(
      `create policy own_select on user_organization_membership for select to tenon_app using (user_id = nullif(current_setting('app.user_id', true), '')::uuid)`,
    );
    this.addSql(`create policy system on user_organization_membership to tenon_system using (true) with check (true)`);
    this.addSql(
      `create trigger set_updated_at before update on users for each row execute function update_updated_at_column()`,
    );
    this.addSql(
      `create trigger set_updated_at before update on organizations for each row execute function update_updated_at_column()`,
    );
    // A person may change how they are called, not what they may do.
    this.addSql(`revoke insert, update, delete on users from tenon_app`);
    this.addSql(`grant update (full_name, locale, time_zone, updated_at) on users to tenon_app`);
    // One statement instead of four (BEGIN, set_config, SELECT, COMMIT) for the read that every client makes first. The
    // caller's policies hold inside, and the variable ends with the statement's own transaction.
    this.addSql(`
      create function own_user(user_id uuid) returns setof users language plpgsql as $$
      begin
        perform set_config('app.user_id', user_id::text, true);
        return query select * from users where users.id = user_id;
      end $$`);
    this.addSql(`grant execute on function own_user(uuid) to tenon_app`);
  }

  override down(): void {
    this.addSql(`drop function own_user(uuid)`);
    // The policy names the table that goes first.
    this.addSql(`drop policy member_reads on organizations`);
    this.addSql(`drop table user_organization_membership`);
    this.addSql(`drop table organizations`);
    this.addSql(`drop table users`);
  }
}
