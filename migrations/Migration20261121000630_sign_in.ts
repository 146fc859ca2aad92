import { Migration } from '@mikro-orm/migrations';

/** Replaced by migration 002600, which brings it back on its way down. */
export const OPEN_SESSION_BY_PASSWORD = `
  create function open_session_by_password(
    p_user_id uuid, p_email text, p_changed_at timestamptz, p_attempt_key bytea,
    p_session_id uuid, p_family_key_id text, p_methods text[], p_ip text, p_user_agent text, p_token_hash bytea,
    p_idle interval, p_absolute interval, p_entry jsonb,
    out session_id uuid, out authenticated_at timestamptz, out methods text[],
    out id uuid, out email text, out full_name text, out platform_role text
  ) language plpgsql as $$
  begin
    perform set_config('role', 'tenon_system', true);
    -- The hash took its time: a reset, a disabling, another address must not be overtaken by the old password.
    select u.id, u.email, u.full_name, u.platform_role
      into id, email, full_name, platform_role
      from users u join password_credentials c on c.user_id = u.id
     where u.id = p_user_id and u.email = p_email and u.status = 'active' and c.changed_at = p_changed_at
       for no key update of u, c;
    if id is null then return; end if;
    delete from login_attempts a where a.key = p_attempt_key;
    insert into user_sessions as s
           (id, user_id, family_key_id, methods, ip, user_agent, created_at, last_active_at, expires_at, ends_at)
    values (p_session_id, p_user_id, p_family_key_id, p_methods, p_ip, p_user_agent, now(), now(),
            now() + p_idle, now() + p_absolute)
    returning s.id, s.created_at, s.methods into session_id, authenticated_at, methods;
    insert into refresh_tokens (token_hash, session_id, created_at, expires_at)
    values (p_token_hash, p_session_id, now(), now() + p_idle);
    insert into audit_log select (jsonb_populate_record(null::audit_log, p_entry)).*;
  end $$`;

const SIGNATURE =
  'open_session_by_password(uuid, text, timestamptz, bytea, uuid, text, text[], text, text, bytea, interval, interval, jsonb)';
export const GRANT_OPEN_SESSION_BY_PASSWORD = `grant execute on function ${SIGNATURE} to tenon_app, tenon_system`;
export const DROP_OPEN_SESSION_BY_PASSWORD = `drop function ${SIGNATURE}`;

/**
 * What every sign-in does in the database, as two functions: their plans are kept with the session, and each is one
 * round trip and one transaction. As ten statements, planned each time, sign-in reached 0.55 of the bare hash rate.
 */
export class Migration20261121000630_sign_in extends Migration {
  override up(): void {
    this.addSql(`
      create function password_attempt(
        p_key bytea, p_email text, p_place text, p_free int, p_max_block_seconds int,
        out blocked_seconds int, out blocks boolean,
        out user_id uuid, out status text, out verified boolean, out password_hash text, out changed_at text,
        out registered_hash text, out decoy text
      ) language plpgsql as $$
      declare
        counted int;
      begin
        -- By e-mail and across tenants; the role ends with the statement's own transaction.
        perform set_config('role', 'tenon_system', true);
        -- Not waited for: whoever is told that the password was wrong is told so after the entry of it was flushed, and
        -- with it everything before. The wait would come a second time at every sign-in.
        perform set_config('synchronous_commit', 'off', true);
        insert into login_attempts as a (key, failures, blocked_until, expires_at)
             values (p_key, 1, null, now() + interval '1 day')
        on conflict (key) do update set
             failures = case when a.expires_at < now() then 1 else a.failures + 1 end,
             blocked_until = case when a.expires_at >= now() and a.failures + 1 >= p_free
               then clock_timestamp()
                  + make_interval(secs => least(2 ^ least(a.failures + 1 - p_free, 20), p_max_block_seconds))
               end,
             expires_at = now() + interval '1 day'
           where a.blocked_until is null or a.blocked_until <= clock_timestamp()
        returning a.failures into counted;
        if counted is null then
          select greatest(1, ceil(extract(epoch from a.blocked_until - clock_timestamp())))
            into blocked_seconds from login_attempts a where a.key = p_key;
          blocked_seconds := coalesce(blocked_seconds, 1);
          return;
        end if;
        blocks := counted >= p_free;

        select u.id, u.status, u.email_verified_at is not null, c.password_hash, c.changed_at::text
          into user_id, status, verified, password_hash, changed_at
          from users u left join password_credentials c on c.user_id = u.id
         where u.email = p_email;
        -- The newest registration that still waits for its proof, whether or not the address has an account: whoever
        -- registers a stranger's address must not learn that by signing in.
        select r.password_hash into registered_hash from registrations r
         where r.email = p_email and r.expires_at > now()
         order by r.created_at desc limit 1;
        select c.password_hash into decoy from password_credentials c
         where reverse(c.user_id::text) collate "C" >= p_place
         order by reverse(c.user_id::text) collate "C" limit 1;
      end $$`);

    this.addSql(OPEN_SESSION_BY_PASSWORD);
    this.addSql(`grant execute on function password_attempt(bytea, text, text, int, int) to tenon_app, tenon_system`);
    this.addSql(GRANT_OPEN_SESSION_BY_PASSWORD);
  }

  override down(): void {
    this.addSql(DROP_OPEN_SESSION_BY_PASSWORD);
    this.addSql(`drop function password_attempt(bytea, text, text, int, int)`);
  }
}
