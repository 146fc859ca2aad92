import type { EntityManager } from '@mikro-orm/postgresql';
import type { Actor } from '../../kernel/actor.js';
import { JointStatement, LOCK_TIMEOUT } from '../../database/joint-statement.js';
import type { CheckedAccount } from '../login/password-check.js';
import { hashToken } from '../../kernel/tokens.js';

/** Sessions end 7 days after the last refresh and 30 days after sign-in. */
const IDLE = `interval '7 days'`;
const ABSOLUTE = `interval '30 days'`;
/** For this long a used token gets the same successor again: two tabs, a lost answer. */
const GRACE = `interval '10 seconds'`;
const USER_AGENT_MAX = 512;

/** Whose session it is, as a sign-in answers it. */
export interface SessionOwner {
  session_id: string;
  authenticated_at: Date;
  methods: string[];
  id: string;
  email: string;
  full_name: string;
  platform_role: 'admin' | null;
}

const OWNER_COLUMNS = `u.id, u.email, u.full_name, u.platform_role`;

/** What opens a session for a password that was right, by the names of `open_sessions_by_password()`. */
export interface OpeningSession {
  /** Under which the failures of the address are counted, in hex. */
  attempt_key: string;
  user_id: string;
  email: string;
  /** Which password it was. */
  changed_at: string;
  session_id: string;
  family_key_id: string;
  ip: string | null;
  user_agent: string | null;
  token_hash: string;
  /** For the trail, as JSON. */
  entry: string;
}

/**
 * Opens sessions with their first refresh tokens and their entries of the trail, each if the password that was checked is
 * still the one of an active person; `session_id` is null where it is not. One call is the whole transaction.
 */
export function openingSessions(
  em: EntityManager,
): JointStatement<OpeningSession, SessionOwner | Record<keyof SessionOwner, null>> {
  return JointStatement.acrossTenants(em, `select * from open_sessions_by_password(?, ${IDLE}, ${ABSOLUTE})`);
}

/** What asks for a session: whose password was right, and what was made for it. */
export function openingSession(
  actor: Actor,
  { attemptKey, userId, email, changedAt }: CheckedAccount,
  { id, keyId, token, entry }: { id: string; keyId: string; token: string; entry: string },
): OpeningSession {
  return {
    attempt_key: attemptKey,
    user_id: userId,
    email,
    changed_at: changedAt,
    session_id: id,
    family_key_id: keyId,
    ip: actor.ip,
    user_agent: userAgentOf(actor),
    token_hash: hashToken(token).toString('hex'),
    entry,
  };
}

/** What exchanges a refresh token for its successor, by the names of `rotate_refresh_tokens()`; hashes in hex. */
export interface RotatingToken {
  token_hash: string;
  successor_hash: string;
  ip: string | null;
  user_agent: string | null;
}

/**
 * Uses refresh tokens and puts their successors in their places; `session_id` is null for one that could not be used. One
 * statement, so of fifty at once one wins; the sessions' rows are locked by it, so that no refresh succeeds once a
 * revocation has returned.
 */
export function rotatingTokens(
  em: EntityManager,
): JointStatement<RotatingToken, SessionOwner | Record<keyof SessionOwner, null>> {
  return JointStatement.acrossTenants(em, `select * from rotate_refresh_tokens(?, ${IDLE})`);
}

/** What asks for the exchange of `token`. */
export function rotatingToken(actor: Actor, token: string, successor: string): RotatingToken {
  return {
    token_hash: hashToken(token).toString('hex'),
    successor_hash: hashToken(successor).toString('hex'),
    ip: actor.ip,
    user_agent: userAgentOf(actor),
  };
}

/**
 * A token that could not be used, of a session that still lives: within its grace, or reused.
 * @param waitedMs since the request came. Whoever asked in time is not to blame for what it then waited for, here and in the
 * statement, whose own time stands still while it waits for a lock.
 */
export async function findUsedToken(
  em: EntityManager,
  token: string,
  waitedMs: number,
): Promise<(SessionOwner & { within_grace: boolean }) | undefined> {
  await em.execute(`set local lock_timeout = '${LOCK_TIMEOUT}'`);
  const [used] = await em.execute<(SessionOwner & { within_grace: boolean })[]>(
    `select t.used_at > statement_timestamp() - ${GRACE} - ? * interval '1 millisecond' as within_grace,
            s.id as session_id, s.created_at as authenticated_at, s.methods, ${OWNER_COLUMNS}
       from refresh_tokens t
       join user_sessions s on s.id = t.session_id
       join users u on u.id = s.user_id
      where t.token_hash = ? and t.used_at is not null and u.status = 'active'
        and s.revoked_at is null and s.expires_at > now()
        for update of s`,
    [waitedMs, hashToken(token)],
  );
  return used;
}

/** Ends sessions of a person that still live: one, all, or all but one. @returns their ids. */
export async function endSessions(
  em: EntityManager,
  userId: string,
  reason: string,
  { only = null, except = null }: { only?: string | null; except?: string | null } = {},
): Promise<string[]> {
  const ended = await em.execute<{ id: string }[]>(
    `update user_sessions set revoked_at = now(), revoked_reason = ?
      where user_id = ? and revoked_at is null and expires_at > now()
        and (?::uuid is null or id = ?) and (?::uuid is null or id <> ?)
     returning id`,
    [reason, userId, only, only, except, except],
  );
  return ended.map(({ id }) => id);
}

function userAgentOf(actor: Actor): string | null {
  return actor.userAgent?.replaceAll('\0', '').slice(0, USER_AGENT_MAX) ?? null;
}
