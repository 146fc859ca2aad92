import { Migration } from '@mikro-orm/migrations';

/** What signing in stands on; nothing of it is readable for the application's own role but a person's sessions. */
export class Migration20261121000600_auth extends Migration {
  override up(): void {
    this.addSql(`create table password_credentials (
        user_id uuid not null,
        password_hash text not null,
        changed_at timestamptz not null,
        primary key (user_id))`);
    this.addSql(`create table registrations (
        id uuid not null,
        user_id uuid not null,
        email text not null,
        full_name text not null,
        organization_name text null,
        password_hash text not null,
        ip text null,
        token_hash bytea not null,
        created_at timestamptz not null,
        expires_at timestamptz not null,
        primary key (id))`);
    this.addSql(`create table password_resets (
        id uuid not null,
        user_id uuid not null,
        token_hash bytea not null,
        created_at timestamptz not null,
        expires_at timestamptz not null,
        used_at timestamptz null,
        primary key (id))`);
    this.addSql(`create table email_changes (
        id uuid not null,
        user_id uuid not null,
        old_email text not null,
        new_email text not null,
        confirm_token_hash bytea not null,
        undo_token_hash bytea not null,
        created_at timestamptz not null,
        expires_at timestamptz not null,
        confirmed_at timestamptz null,
        undo_expires_at timestamptz not null,
        undone_at timestamptz null,
        primary key (id))`);
    this.addSql(`create table login_attempts (
        key bytea not null,
        failures int not null,
        blocked_until timestamptz null,
        expires_at timestamptz not null,
        primary key (key))`);
    this.addSql(`create table user_sessions (
        id uuid not null,
        user_id uuid not null,
        family_key_id text not null,
        methods text[] not null,
        ip text null,
        user_agent text null,
        created_at timestamptz not null,
        last_active_at timestamptz not null,
        expires_at timestamptz not null,
        ends_at timestamptz not null,
        revoked_at timestamptz null,
        revoked_reason text null,
        primary key (id))`);
    this.addSql(`create table refresh_tokens (
        token_hash bytea not null,
        session_id uuid not null,
        created_at timestamptz not null,
        expires_at timestamptz not null,
        used_at timestamptz null,
        primary key (token_hash))`);
    this.addSql(`create index registrations_email_index on registrations (email)`);
    this.addSql(`alter table registrations add constraint registrations_token_hash_unique unique (token_hash)`);
    this.addSql(`create index registrations_expires_at_index on registrations (expires_at)`);
    this.addSql(`create index password_resets_user_id_index on password_resets (user_id)`);
    this.addSql(`alter table password_resets add constraint password_resets_token_hash_unique unique (token_hash)`);
    this.addSql(`create index password_resets_expires_at_index on password_resets (expires_at)`);
    this.addSql(`create index email_changes_user_id_index on email_changes (user_id)`);
    this.addSql(
      `alter table email_changes add constraint email_changes_confirm_token_hash_unique unique (confirm_token_hash)`,
    );
    this.addSql(
      `alter table email_changes add constraint email_changes_undo_token_hash_unique unique (undo_token_hash)`,
    );
    this.addSql(`create index email_changes_expires_at_index on email_changes (expires_at)`);
    this.addSql(`create index login_attempts_expires_at_index on login_attempts (expires_at)`);
    this.addSql(`create index user_sessions_user_id_index on user_sessions (user_id)`);
    this.addSql(`create index user_sessions_expires_at_index on user_sessions (expires_at)`);
    this.addSql(`create index user_sessions_revoked_at_index on user_sessions (revoked_at)`);
    this.addSql(`create index refresh_tokens_session_id_index on refresh_tokens (session_id)`);
    this.addSql(`create index refresh_tokens_expires_at_index on refresh_tokens (expires_at)`);
    this.addSql(
      `alter table password_credentials add constraint password_credentials_user_id_foreign foreign key (user_id) references users (id) on update cascade on delete cascade`,
    );
    this.addSql(
      `alter table password_resets add constraint password_resets_user_id_foreign foreign key (user_id) references users (id) on delete cascade`,
    );
    this.addSql(
      `alter table email_changes add constraint email_changes_user_id_foreign foreign key (user_id) references users (id) on delete cascade`,
    );
    this.addSql(
      `alter table user_sessions add constraint user_sessions_user_id_foreign foreign key (user_id) references users (id) on delete cascade`,
    );
    this.addSql(
      `alter table refresh_tokens add constraint refresh_tokens_session_id_foreign foreign key (session_id) references user_sessions (id) on delete cascade`,
    );
    this.addSql(`alter table password_credentials enable row level security`);
    this.addSql(`alter table password_credentials force row level security`);
    this.addSql(`create policy system on password_credentials to tenon_system using (true) with check (true)`);
    this.addSql(`alter table registrations enable row level security`);
    this.addSql(`alter table registrations force row level security`);
    this.addSql(`create policy system on registrations to tenon_system using (true) with check (true)`);
    this.addSql(`alter table password_resets enable row level security`);
    this.addSql(`alter table password_resets force row level security`);
    this.addSql(`create policy system on password_resets to tenon_system using (true) with check (true)`);
    this.addSql(`alter table email_changes enable row level security`);
    this.addSql(`alter table email_changes force row level security`);
    this.addSql(`create policy system on email_changes to tenon_system using (true) with check (true)`);
    this.addSql(`alter table login_attempts enable row level security`);
    this.addSql(`alter table login_attempts force row level security`);
    this.addSql(`create policy system on login_attempts to tenon_system using (true) with check (true)`);
    this.addSql(`alter table user_sessions enable row level security`);
    this.addSql(`alter table user_sessions force row level security`);
    this.addSql(
      `create policy own_select on user_sessions for select to tenon_app using (user_id = nullif(current_setting('app.user_id', true), '')::uuid)`,
    );
    this.addSql(`create policy system on user_sessions to tenon_system using (true) with check (true)`);
    this.addSql(`alter table refresh_tokens enable row level security`);
    this.addSql(`alter table refresh_tokens force row level security`);
    this.addSql(`create policy system on refresh_tokens to tenon_system using (true) with check (true)`);
    this.addSql(
      `revoke all on password_credentials, registrations, password_resets, email_changes, login_attempts, refresh_tokens from tenon_app`,
    );
    this.addSql(`revoke insert, update, delete on user_sessions from tenon_app`);
  }

  override down(): void {
    this.addSql(`drop table refresh_tokens`);
    this.addSql(`drop table user_sessions`);
    this.addSql(`drop table login_attempts`);
    this.addSql(`drop table email_changes`);
    this.addSql(`drop table password_resets`);
    this.addSql(`drop table registrations`);
    this.addSql(`drop table password_credentials`);
  }
}
