import { type ExpiredBatch, type ExpiringType, expiringRows, selected } from '../../database/expiring-type.js';

/**
 * Refresh tokens whose session is over. While it lives also the expired ones are kept: by one that was used before, a
 * thief is known. A session counts as living for a minute more, for a refresh that is under way.
 */
export const expiredRefreshTokens = expiringRows({
  name: 'refresh_token',
  title: 'Refresh tokens',
  description: 'Refresh tokens, once they have expired and their session is over',
  table: 'refresh_tokens',
  column: 'expires_at',
  only: `not exists (select from user_sessions s where s.id = row.session_id and s.revoked_at is null
                        and s.expires_at > now() - interval '1 minute')`,
});

/**
 * Sessions that have expired. One that was revoked is kept for the 16 minutes for which an instance that starts has to
 * know it, since its access tokens have not expired.
 */
export const expiredSessions: ExpiringType = {
  ...expiringRows({
    name: 'session',
    title: 'Sessions',
    description: 'Sessions, 7 days after the last refresh or 30 days after sign-in',
    table: 'user_sessions',
    column: 'expires_at',
    only: `(row.revoked_at is null or row.revoked_at < now() - interval '16 minutes')`,
  }),
  async removeBatch(run, limit, after, account) {
    const [batch] = await run<ExpiredBatch>(
      `with batch as materialized (select removed, next::text from clean_expired_sessions(?, ?::timestamptz))
       select removed, next${selected(account)} from batch`,
      [limit, after ?? '-infinity', ...(account?.values ?? [])],
    );
    return batch!;
  },
};
