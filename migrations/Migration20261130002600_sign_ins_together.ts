import { Migration } from '@mikro-orm/migrations';

/**
 * The two functions of a sign-in for many at once. Each takes an array of JSON and gives a row for each element, with its
 * `place` in the array, counted from one.
 *
 * Many share a transaction, so nobody waits long in it for what somebody else holds: the statement fails instead, and each is
 * asked for alone. Addresses are taken in one order, or two of these would wait for each other.
 */
export class Migration20261130002600_sign_ins_together extends Migration {
  override up(): void {
    this.addSql(`
      create function password_attempts(p_attempts jsonb, p_free int, p_max_block_seconds int)
      returns table (
        place bigint, blocked_seconds int, blocks boolean,
        user_id uuid, status text, verified boolean, password_hash text, changed_at text,
        registered_hash text, decoy text
      ) language plpgsql as $$
      declare
        one record;
      begin
        if jsonb_array_length(p_attempts) > 1 then perform set_config('lock_timeout', '200ms', true); end if;
        for one in
          select a.* from rows from (jsonb_to_recordset(p_attempts) as (key text, email text))
                     with ordinality as a (key, email, place)
           order by a.key
        loop
          -- By its key, which is secret: nobody can choose an address by its decoy.
          select one.place, attempt.*
            into place, blocked_seconds, blocks, user_id, status, verified, password_hash, changed_at, registered_hash, decoy
            from password_attempt(decode(one.key, 'hex'), one.email, one.key, p_free, p_max_block_seconds) attempt;
          return next;
        end loop;
      end $$`);

    this.addSql(`
      create function open_sessions_by_password(p_sessions jsonb, p_idle interval, p_absolute interval)
      returns table (
        place bigint, session_id uuid, authenticated_at timestamptz, methods text[],
        id uuid, email text, full_name text, platform_role text
      ) language plpgsql as $$
      declare
        one record;
      begin
        if jsonb_array_length(p_sessions) > 1 then perform set_config('lock_timeout', '200ms', true); end if;
        for one in
          select s.* from rows from (jsonb_to_recordset(p_sessions) as (
                       attempt_key text, user_id uuid, email text, changed_at timestamptz, session_id uuid,
                       family_key_id text, ip text, user_agent text, token_hash text, entry text))
                     with ordinality as s (
                       attempt_key, user_id, email, changed_at, session_id,
                       family_key_id, ip, user_agent, token_hash, entry, place)
           order by s.attempt_key
        loop
          select one.place, opened.*
            into place, session_id, authenticated_at, methods, id, email, full_name, platform_role
            from open_session_by_password(
                   one.user_id, one.email, one.changed_at, decode(one.attempt_key, 'hex'), one.session_id,
                   one.family_key_id, '{pwd}', one.ip, one.user_agent, decode(one.token_hash, 'hex'),
                   p_idle, p_absolute, one.entry::jsonb) opened;
          return next;
        end loop;
      end $$`);
    this.addSql(`grant execute on function password_attempts(jsonb, int, int) to tenon_app, tenon_system`);
    this.addSql(
      `grant execute on function open_sessions_by_password(jsonb, interval, interval) to tenon_app, tenon_system`,
    );
  }

  override down(): void {
    this.addSql(`drop function open_sessions_by_password(jsonb, interval, interval)`);
    this.addSql(`drop function password_attempts(jsonb, int, int)`);
  }
}
