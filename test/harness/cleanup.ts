import { EntityManager } from '@mikro-orm/postgresql';
import type { ExpiredBatch, ExpiringType } from '../../src/database/expiring-type.js';
import { systemStatements } from '../../src/database/tenant-context.js';
import type { TestDatabase } from './database.js';

/** Removes what has expired of a type, in transactions of `limit` rows. @returns how many rows. */
export async function removeExpired(
  app: { get(type: typeof EntityManager): EntityManager },
  type: ExpiringType,
  limit = 1_000,
): Promise<number> {
  const em = app.get(EntityManager);
  let removed = 0;
  let next: string | null = null;
  do {
    const batch: ExpiredBatch = await type.removeBatch(systemStatements(em), limit, next);
    removed += batch.removed;
    next = batch.next;
  } while (next !== null);
  return removed;
}

/** What each token type has, per kind, after {@link fillTokens}. */
export const TOKEN_TYPES = [
  'email_verification',
  'password_reset',
  'email_change',
  'invitation',
  'refresh_token',
  'session',
] as const;

/**
 * Puts rows of every token type into the tables: `expired` that a sweep removes, and `live` that it must not.
 * Half of the live refresh tokens have expired, in a family that lives.
 */
export async function fillTokens(
  { sql }: TestDatabase,
  { userId, organizationId, expired, live }: { userId: string; organizationId: string; expired: number; live: number },
): Promise<void> {
  const all = expired + live;
  const end = (lived: string, gone: string): string =>
    `now() + case when n <= ${expired} then interval '${gone}' - n * interval '1 ms' else interval '${lived}' end`;
  const hash = (salt: string): string => `sha256(('${salt}' || n || random())::bytea)`;
  const each = `from generate_series(1, ${all}) n`;
  await sql.query(
    `insert into registrations (id, user_id, email, full_name, password_hash, token_hash, created_at, expires_at)
     select gen_random_uuid(), gen_random_uuid(), 'r' || n || '@example.com', 'R', 'x', ${hash('r')}, now(), ${end('1 hour', '-1 hour')} ${each}`,
  );
  await sql.query(
    `insert into password_resets (id, user_id, token_hash, created_at, expires_at)
     select gen_random_uuid(), $1, ${hash('p')}, now(), ${end('1 hour', '-1 hour')} ${each}`,
    [userId],
  );
  await sql.query(
    `insert into email_changes (id, user_id, old_email, new_email, confirm_token_hash, undo_token_hash, created_at, expires_at, undo_expires_at)
     select gen_random_uuid(), $1, 'a@example.com', 'b@example.com', ${hash('c')}, ${hash('u')}, now(), now() - interval '6 days', ${end('1 day', '-1 hour')} ${each}`,
    [userId],
  );
  await sql.query(
    `insert into invitations (organization_id, id, email, role, token_hash, invited_by, created_at, expires_at)
     select $2, gen_random_uuid(), 'i' || n || '@example.com', 'member', ${hash('i')}, $1, now(), ${end('-29 days', '-31 days')} ${each}`,
    [userId, organizationId],
  );
  await sql.query(
    `with s as (
       insert into user_sessions (id, user_id, family_key_id, methods, created_at, last_active_at, expires_at, ends_at)
       select gen_random_uuid(), $1, 'filled', '{pwd}', now(), now(), ${end('1 day', '-1 hour')}, now() + interval '20 days' ${each}
       returning id, expires_at)
     insert into refresh_tokens (token_hash, session_id, created_at, expires_at, used_at)
     select sha256((id::text || random())::bytea), id, now(), case when row_number() over () % 2 = 0 then least(expires_at, now() - interval '1 minute') else expires_at end, now()
       from s`,
    [userId],
  );
}
