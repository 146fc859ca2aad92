import { Migration } from '@mikro-orm/migrations';

/**
 * What refreshes do in the database, for many at once: a function that takes an array of JSON and gives a row for each of its
 * elements, with its `place` in the array, from one on. As in migration 002600, nobody waits long in it for what somebody else
 * holds, and tokens are held in the order of their hashes.
 */
export class Migration20261130002700_refreshes_together extends Migration {
  override up(): void {
    this.addSql(`
      create function rotate_refresh_tokens(p_refreshes jsonb, p_idle interval)
      returns table (
        place bigint, session_id uuid, authenticated_at timestamptz, methods text[],
        id uuid, email text, full_name text, platform_role text
      ) language plpgsql
      -- By keys alone: the plan is kept with the connection, and may be made while there are few sessions.
      set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
      begin
        if jsonb_array_length(p_refreshes) > 1 then perform set_config('lock_timeout', '200ms', true); end if;
        return query
        with asked as materialized (
          select r.* from rows from (jsonb_to_recordset(p_refreshes) as (
                   token_hash text, successor_hash text, ip text, user_agent text))
                 with ordinality as r (token_hash, successor_hash, ip, user_agent, place)),
        -- One of those who bring the same token; the session as well, or a refresh could succeed once a revocation has
        -- returned. Row after row: joined, with few sessions, all that live were read for each token.
        held as materialized (
          select a.*, token.session_id, session.created_at, session.methods, session.user_id,
                 least(now() + p_idle, session.ends_at) as expires_at, person.email, person.full_name, person.platform_role
            from (select distinct on (r.token_hash) r.* from asked r order by r.token_hash) a
           cross join lateral (
             select t.session_id from refresh_tokens t
              where t.token_hash = decode(a.token_hash, 'hex') and t.used_at is null and t.expires_at > now()
                for no key update) token
           cross join lateral (
             select s.user_id, s.created_at, s.methods, s.ends_at from user_sessions s
              where s.id = token.session_id and s.revoked_at is null and s.expires_at > now()
                for no key update) session
           cross join lateral (
             select u.email, u.full_name, u.platform_role from users u
              where u.id = session.user_id and u.status = 'active' offset 0) person),
        used as (
          update refresh_tokens t set used_at = clock_timestamp()
           where t.token_hash = any (array(select decode(h.token_hash, 'hex') from held h))),
        moved as (
          update user_sessions s
             set last_active_at = now(), expires_at = h.expires_at, ip = h.ip, user_agent = h.user_agent
            from held h where s.id = h.session_id and s.id = any (array(select o.session_id from held o))),
        headed as (
          insert into refresh_tokens (token_hash, session_id, created_at, expires_at)
          select decode(h.successor_hash, 'hex'), h.session_id, now(), h.expires_at from held h)
        select a.place, h.session_id, h.created_at, h.methods, h.user_id, h.email, h.full_name, h.platform_role
          from asked a left join held h on h.place = a.place;
      end $$`);
    this.addSql(`revoke execute on function rotate_refresh_tokens(jsonb, interval) from public`);
    this.addSql(`grant execute on function rotate_refresh_tokens(jsonb, interval) to tenon_system`);
  }

  override down(): void {
    this.addSql(`drop function rotate_refresh_tokens(jsonb, interval)`);
  }
}
