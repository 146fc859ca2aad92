import { setTimeout as sleep } from 'node:timers/promises';
import { hash } from '@node-rs/argon2';
import { MikroORM, RequestContext } from '@mikro-orm/core';
import { RefreshChain } from '../../src/auth/sessions/refresh-chain.js';
import { AccessTokens } from '../../src/auth/tokens/access-tokens.js';
import { newId } from '../../src/kernel/ids.js';
import { hashToken } from '../../src/kernel/tokens.js';
import { PASSWORD, type TestApp } from './app.js';
import type { TestDatabase } from './database.js';
import { newEmail } from './people.js';

/** Runs `request` so many times at once. */
export function atOnce<T>(times: number, request: (index: number) => PromiseLike<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: times }, async (_, index) => request(index)));
}

/**
 * As {@link atOnce}, by clients that do as they are told: a 503 says that nothing was done, and to try again. How many a
 * machine serves while others are ready to wait is a matter of the machine.
 */
export function servedAtOnce<T extends { status: number }>(
  times: number,
  request: (index: number) => PromiseLike<T>,
): Promise<T[]> {
  return atOnce(times, async (index) => {
    for (;;) {
      const answer = await request(index);
      if (answer.status !== 503) return answer;
      await sleep(100);
    }
  });
}

/** How often each status came. */
export function countStatuses(answers: { status: number }[]): Record<number, number> {
  const counts: Record<number, number> = {};
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

let passwordHash: Promise<string> | undefined;

/** A person put into the tables without registering; their password is PASSWORD unless a hash is given. */
export async function insertPerson(
  { sql }: TestDatabase,
  {
    email = newEmail(),
    fullName = 'Ada Lovelace',
    hash: given,
    verified = true,
    status = 'active',
    platformRole = null,
  }: {
    email?: string;
    fullName?: string;
    hash?: string;
    verified?: boolean;
    status?: 'active' | 'disabled';
    platformRole?: 'admin' | null;
  } = {},
): Promise<{ userId: string; email: string }> {
  const userId = newId();
  await sql.query(
    `insert into users (id, email, email_verified_at, full_name, status, platform_role, created_at, updated_at)
     values ($1, $2, case when $3 then now() end, $4, $5, $6, now(), now())`,
    [userId, email, verified, fullName, status, platformRole],
  );
  await sql.query('insert into password_credentials (user_id, password_hash, changed_at) values ($1, $2, now())', [
    userId,
    given ??
      (await (passwordHash ??= hash(PASSWORD, { algorithm: 2, memoryCost: 19_456, timeCost: 2, parallelism: 1 }))),
  ]);
  return { userId, email };
}

/** A session of a person, without the hash that a sign-in costs. */
export async function openSession({ app, db }: TestApp, userId: string): Promise<OpenedSession> {
  const sessionId = newId();
  const { token: refreshToken, keyId } = app.get(RefreshChain).begin();
  await db.sql.query(
    `with opened as (
       insert into user_sessions (id, user_id, family_key_id, methods, ip, user_agent, created_at, last_active_at, expires_at, ends_at)
       values ($1, $2, $3, '{pwd}', '127.0.0.1', 'test', now(), now(), now() + interval '7 days', now() + interval '30 days')
       returning id, expires_at)
     insert into refresh_tokens (token_hash, session_id, created_at, expires_at)
     select $4, id, now(), expires_at from opened`,
    [sessionId, userId, keyId, hashToken(refreshToken)],
  );
  const { token: accessToken } = app
    .get(AccessTokens)
    .issue({ userId, sessionId, authTime: new Date(), methods: ['pwd'] });
  return { sessionId, accessToken, refreshToken, auth: { authorization: `Bearer ${accessToken}` } };
}

/** What {@link openSession} opened. */
export interface OpenedSession {
  sessionId: string;
  accessToken: string;
  refreshToken: string;
  auth: { authorization: string };
}

/** Whether an access token is still taken. */
export async function isSignedIn({ http }: TestApp, auth: { authorization: string }): Promise<boolean> {
  const { status } = await http.get('/api/v1/users/me').set(auth);
  if (status !== 200 && status !== 401) throw new Error(`Neither signed in nor out: ${status}`);
  return status === 200;
}

/** The entries of the trail about an action, oldest first. */
export async function entriesOf(
  { sql }: TestDatabase,
  action: string,
  userId?: string,
): Promise<Record<string, unknown>[]> {
  const { rows } = await sql.query(
    'select * from audit_log where action = $1 and ($2::uuid is null or user_id = $2) order by id',
    [action, userId ?? null],
  );
  return rows;
}

/** Writes down the statements of requests, one list for each; those of jobs are left out. */
export function recordStatements({ app }: TestApp): { take(): string[][]; stop(): void } {
  const logger = app.get(MikroORM).config.getLogger();
  const requests = new Map<number, string[]>();
  const { isEnabled, logQuery } = logger;
  logger.isEnabled = () => true;
  logger.logQuery = ({ query }) => {
    const request = RequestContext.currentRequestContext()?.id;
    if (request !== undefined) requests.set(request, [...(requests.get(request) ?? []), query ?? '']);
  };
  return {
    take: () => {
      const lists = [...requests.values()];
      requests.clear();
      return lists;
    },
    stop: () => void Object.assign(logger, { isEnabled, logQuery }),
  };
}
