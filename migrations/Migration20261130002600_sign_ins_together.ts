import { Migration } from '@mikro-orm/migrations';
import {
  DROP_OPEN_SESSION_BY_PASSWORD,
  GRANT_OPEN_SESSION_BY_PASSWORD,
  OPEN_SESSION_BY_PASSWORD,
} from './Migration20261121000630_sign_in.js';

/**
 * What a sign-in does in the database, for many at once: two functions that take an array of JSON and give a row for each of
 * its elements, with its `place` in the array, from one on.
 *
 * Many share a transaction, so nobody waits long in it for what somebody else holds: the statement fails instead, and each is
 * asked for alone. Failures are counted in the order of their keys, or two of these would wait for each other.
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
          -- The decoy goes by the key, which is secret: nobody can choose an address by its decoy.
          select one.place, attempt.*
            into place, blocked_seconds, blocks, user_id, status, verified, password_hash, changed_at, registered_hash, decoy
            from password_attempt(decode(one.key, 'hex'), one.email, one.key, p_free, p_max_block_seconds) attempt;
          return next;
        end loop;
      end $$`);
    this.addSql(`grant execute on function password_attempts(jsonb, int, int) to tenon_app, tenon_system`);

    this.addSql(`
      create function open_sessions_by_password(p_sessions jsonb, p_idle interval, p_absolute interval)
      returns table (
        place bigint, session_id uuid, authenticated_at timestamptz, methods text[],
        id uuid, email text, full_name text, platform_role text
      ) language plpgsql
      -- The plan is kept with the session, and may be made while there are few people: joined otherwise, or by reading all
      -- of them, it took 140 ms once 300,000 had been imported, until the tables were analyzed.
      set enable_seqscan = off as $$
      begin
        perform set_config('role', 'tenon_system', true);
        if jsonb_array_length(p_sessions) > 1 then perform set_config('lock_timeout', '200ms', true); end if;
        return query
        with asked as materialized (
          select s.* from rows from (jsonb_to_recordset(p_sessions) as (
                   attempt_key text, user_id uuid, email text, changed_at timestamptz, session_id uuid,
                   family_key_id text, ip text, user_agent text, token_hash text, entry text))
                 with ordinality as s (
                   attempt_key, user_id, email, changed_at, session_id,
                   family_key_id, ip, user_agent, token_hash, entry, place)),
        -- The hash took its time: a reset, a disabling, another address must not be overtaken by the old password.
        held as materialized (
          select a.*, person.full_name, person.platform_role
            from (select * from asked order by attempt_key) a
           cross join lateral (
             select u.full_name, u.platform_role
               from users u join password_credentials c on c.user_id = u.id
              where u.id = a.user_id and u.email = a.email and u.status = 'active' and c.changed_at = a.changed_at
                for no key update of u, c) person),
        forgotten as (
          delete from login_attempts l where l.key = any (array(select decode(h.attempt_key, 'hex') from held h))),
        opened as (
          insert into user_sessions as s
                 (id, user_id, family_key_id, methods, ip, user_agent, created_at, last_active_at, expires_at, ends_at)
          select h.session_id, h.user_id, h.family_key_id, '{pwd}', h.ip, h.user_agent, now(), now(),
                 now() + p_idle, now() + p_absolute
            from held h
          returning s.id, s.created_at, s.methods),
        headed as (
          insert into refresh_tokens (token_hash, session_id, created_at, expires_at)
          select decode(h.token_hash, 'hex'), h.session_id, now(), now() + p_idle from held h),
        told as (
          insert into audit_log
          select entry.* from held h, jsonb_populate_record(null::audit_log, h.entry::jsonb) entry)
        select a.place, o.id, o.created_at, o.methods, h.user_id, h.email, h.full_name, h.platform_role
          from asked a left join held h on h.place = a.place left join opened o on o.id = h.session_id;
      end $$`);
    this.addSql(
      `grant execute on function open_sessions_by_password(jsonb, interval, interval) to tenon_app, tenon_system`,
    );
    this.addSql(DROP_OPEN_SESSION_BY_PASSWORD);
  }

  override down(): void {
    this.addSql(OPEN_SESSION_BY_PASSWORD);
    this.addSql(GRANT_OPEN_SESSION_BY_PASSWORD);
    this.addSql(`drop function open_sessions_by_password(jsonb, interval, interval)`);
    this.addSql(`drop function password_attempts(jsonb, int, int)`);
  }
}
