import { createHash } from 'node:crypto';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { MikroORM, RequestContext } from '@mikro-orm/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SessionsService, type SignedIn } from '../src/auth/sessions/sessions.service.js';
import { Actor } from '../src/kernel/actor.js';
import { Problem } from '../src/kernel/problem.js';
import { atOnce, countStatuses, entriesOf, insertPerson, isSignedIn, openSession } from './harness/accounts.js';
import { startApp, TEST_KEYS, type TestApp } from './harness/app.js';
import { mailsTo, mailTo, signIn } from './harness/people.js';

/** Instances of one installation name one issuer. */
const ENV = { PUBLIC_URL: 'https://tenon.test' };

let tenon: TestApp;
let other: TestApp;
beforeAll(async () => {
  tenon = await startApp({ env: ENV });
  other = await startApp({ env: ENV, db: tenon.db });
});
afterAll(async () => {
  await other.close();
  await tenon.close();
});

const refresh = (refreshToken: string, at: TestApp = tenon) =>
  at.http.post('/api/v1/auth/refresh').send({ refreshToken });
const rows = async (text: string, ...values: unknown[]) => (await tenon.db.sql.query(text, values)).rows;
const hashOf = (token: string): Buffer => createHash('sha256').update(token).digest();
/** Lets the 10 seconds of grace of a used token pass. */
const passGrace = (token: string) =>
  rows(`update refresh_tokens set used_at = used_at - interval '10 seconds' where token_hash = $1`, hashOf(token));
const sessionOf = async (id: string) => (await rows('select * from user_sessions where id = $1', id))[0];
const tokensOf = (sessionId: string) =>
  rows('select * from refresh_tokens where session_id = $1 order by created_at', sessionId);

/** A person with a session. */
async function signedIn() {
  const person = await insertPerson(tenon.db);
  return { ...person, session: await openSession(tenon, person.userId) };
}
type Signed = Awaited<ReturnType<typeof signedIn>>;

describe('A8 refresh tokens', () => {
  it('each works once and gives the next pair; both access tokens are the session’s', async () => {
    const { session, userId } = await signedIn();
    const { body, headers } = await refresh(session.refreshToken).expect(200);
    expect(body).toMatchObject({ tokenType: 'Bearer', expiresIn: 900, user: { id: userId } });
    expect(headers['cache-control']).toBe('no-store');
    expect(body.refreshToken).not.toBe(session.refreshToken);
    expect(body.accessToken).not.toBe(session.accessToken);
    await refresh(body.refreshToken).expect(200);
    const auth = { authorization: `Bearer ${body.accessToken}` };
    expect(await isSignedIn(tenon, auth)).toBe(true);
    const { body: sessions } = await tenon.http.get('/api/v1/auth/sessions').set(auth).expect(200);
    expect(sessions.data).toMatchObject([{ id: session.sessionId, current: true }]);
  });

  it('stores hashes alone', async () => {
    const { session } = await signedIn();
    const { body } = await refresh(session.refreshToken).expect(200);
    const stored = await tokensOf(session.sessionId);
    expect(stored.map(({ token_hash }) => token_hash)).toEqual([session.refreshToken, body.refreshToken].map(hashOf));
  });

  it('refuses what is no refresh token, and a refresh token refuses to be anything else', async () => {
    const { session } = await signedIn();
    const [keyId, secret] = session.refreshToken.split('.') as [string, string];
    const flipped = `${secret.startsWith('A') ? 'B' : 'A'}${secret.slice(1)}`;
    for (const token of [
      session.accessToken,
      `${keyId}.${flipped}`,
      `other.${secret}`,
      `${keyId}.${secret}=`,
      secret,
      `${session.refreshToken} `,
      'x',
    ])
      expect((await refresh(token)).body.code, token).toMatch(/^(token_invalid|validation_failed)$/);
    for (const token of ['', 'x'.repeat(201), 1, null, [session.refreshToken]])
      expect((await refresh(token as string).expect(400)).body.code).toBe('validation_failed');
    await tenon.http
      .get('/api/v1/users/me')
      .set({ authorization: `Bearer ${session.refreshToken}` })
      .expect(401);
    await refresh(session.refreshToken).expect(200);
  });

  it('case 23: fifty at once of one token, on two instances: one head, the same for all, nobody logged out', async () => {
    const { session } = await signedIn();
    const answers = await atOnce(50, (i) => refresh(session.refreshToken, i % 2 ? tenon : other));
    expect(countStatuses(answers)).toEqual({ 200: 50 });
    const heads = new Set(answers.map(({ body }) => body.refreshToken));
    expect(heads.size).toBe(1);
    const stored = await tokensOf(session.sessionId);
    expect(stored.map(({ used_at }) => used_at === null)).toEqual([false, true]);
    await refresh([...heads][0]!).expect(200);
    expect(await isSignedIn(other, session.auth)).toBe(true);
  });

  it('case 23: within the grace the parent gets its successor again, also once that was used', async () => {
    const { session } = await signedIn();
    const first = (await refresh(session.refreshToken).expect(200)).body.refreshToken;
    const second = (await refresh(first).expect(200)).body.refreshToken;
    expect((await refresh(session.refreshToken).expect(200)).body.refreshToken).toBe(first);
    expect((await refresh(first, other).expect(200)).body.refreshToken).toBe(second);
    expect(await tokensOf(session.sessionId)).toHaveLength(3);
  });

  it('case 23: whoever asks within the grace is not to blame for a lock that lasts until it is over', async () => {
    const { session } = await signedIn();
    const { body } = await refresh(session.refreshToken).expect(200);
    await rows(
      `update refresh_tokens set used_at = used_at - interval '9 seconds' where used_at is not null and session_id = $1`,
      session.sessionId,
    );
    const client = await tenon.db.sql.connect();
    try {
      await client.query('begin');
      // A change: whoever waits for it looks at the row anew.
      await client.query('update user_sessions set last_active_at = now() where id = $1', [session.sessionId]);
      const late = refresh(session.refreshToken).then((answer) => answer);
      await sleep(1_500);
      await client.query('commit');
      expect(await late).toMatchObject({ status: 200, body: { refreshToken: body.refreshToken } });
    } finally {
      client.release(true);
    }
  });

  it('a refresh whose statement is cancelled has done nothing, and may be tried again', async () => {
    const { session } = await signedIn();
    const client = await tenon.db.sql.connect();
    try {
      await client.query('begin');
      await client.query('select from user_sessions where id = $1 for update', [session.sessionId]);
      const cancelled = refresh(session.refreshToken).then((answer) => answer);
      await expect
        .poll(() =>
          rows(`select pg_cancel_backend(pid) as sent from pg_stat_activity
                 where datname = current_database() and wait_event_type = 'Lock'`),
        )
        .toEqual([{ sent: true }]);
      expect(await cancelled).toMatchObject({ status: 503, body: { code: 'service_unavailable' } });
    } finally {
      client.release(true);
    }
    await refresh(session.refreshToken).expect(200);
  });

  it('a session that somebody holds for long takes no connection for longer than 3 s', async () => {
    const { session } = await signedIn();
    const used = await signedIn();
    await refresh(used.session.refreshToken).expect(200);
    const ids = [session, used.session].map(({ sessionId }) => sessionId);
    const client = await tenon.db.sql.connect();
    try {
      await client.query('begin');
      await client.query('select from user_sessions where id = any($1) for update', [ids]);
      for (const { refreshToken } of [session, used.session])
        expect((await refresh(refreshToken).expect(503)).body.code).toBe('service_unavailable');
    } finally {
      client.release(true);
    }
    await refresh(session.refreshToken).expect(200);
  });

  it('case 23: later reuse ends the family, is remembered, mailed, and stops the access tokens everywhere', async () => {
    const { session, userId, email } = await signedIn();
    const bystander = await openSession(tenon, userId);
    const { body } = await refresh(session.refreshToken).expect(200);
    await passGrace(session.refreshToken);
    expect((await refresh(session.refreshToken).expect(401)).body.code).toBe('refresh_token_reused');
    expect((await refresh(body.refreshToken).expect(401)).body.code).toBe('token_invalid');
    expect((await refresh(session.refreshToken).expect(401)).body.code).toBe('token_invalid');
    expect(await sessionOf(session.sessionId)).toMatchObject({ revoked_reason: 'refresh_token_reused' });
    expect(await entriesOf(tenon.db, 'session.ended', userId)).toMatchObject([
      { target_id: session.sessionId, reason: 'refresh_token_reused', actor_kind: 'anonymous', ip: '127.0.0.1' },
    ]);
    await mailTo(tenon, email, 'refresh-token-reuse');
    for (const at of [tenon, other]) {
      await expect.poll(() => isSignedIn(at, session.auth)).toBe(false);
      expect(await isSignedIn(at, { authorization: `Bearer ${body.accessToken}` })).toBe(false);
      expect(await isSignedIn(at, bystander.auth)).toBe(true);
    }
  });

  it('case 23: fifty at once of an old token end the family once', async () => {
    const { session, userId, email } = await signedIn();
    await refresh(session.refreshToken).expect(200);
    await passGrace(session.refreshToken);
    const answers = await atOnce(50, (i) => refresh(session.refreshToken, i % 2 ? tenon : other));
    expect(countStatuses(answers)).toEqual({ 401: 50 });
    expect(answers.filter(({ body }) => body.code === 'refresh_token_reused')).toHaveLength(1);
    expect(await entriesOf(tenon.db, 'session.ended', userId)).toHaveLength(1);
    await mailTo(tenon, email, 'refresh-token-reuse');
    expect(await mailsTo(tenon, email, 'refresh-token-reuse')).toHaveLength(1);
  });

  it('case 23: after a restart the same successor, and the same end', async () => {
    const { session } = await signedIn();
    const before = await startApp({ env: ENV, db: tenon.db });
    const first = (await refresh(session.refreshToken, before).expect(200)).body.refreshToken;
    await before.close();
    const after = await startApp({ env: ENV, db: tenon.db });
    expect((await refresh(session.refreshToken, after).expect(200)).body.refreshToken).toBe(first);
    await passGrace(session.refreshToken);
    expect((await refresh(session.refreshToken, after).expect(401)).body.code).toBe('refresh_token_reused');
    await refresh(first, after).expect(401);
    await after.close();
  });

  it('case 24: 200 times a refresh races the end of its session; none succeeds afterwards', async () => {
    const { session: owner, userId } = await signedIn();
    const last: string[] = [];
    for (let batch = 0; batch < 10; batch += 1)
      await atOnce(20, async (i) => {
        const session = await openSession(tenon, userId);
        const racing = [tenon, other].map((at) => refresh(session.refreshToken, at).then((answer) => answer));
        for (let turn = 0; turn < i; turn += 1) await nextTurn();
        await tenon.http.delete(`/api/v1/auth/sessions/${session.sessionId}`).set(owner.auth).expect(204);
        const afterwards = await refresh(session.refreshToken, other);
        expect(afterwards.status).toBe(401);
        for (const { status, body } of await Promise.all(racing)) {
          expect([200, 401]).toContain(status);
          if (status === 401) continue;
          last.push(body.accessToken);
          await refresh(body.refreshToken, i % 2 ? tenon : other).expect(401);
        }
      });
    expect(last.length).toBeGreaterThan(0);
    for (const at of [tenon, other]) {
      const isAlive = (token: string) => isSignedIn(at, { authorization: `Bearer ${token}` });
      await expect.poll(() => isAlive(last.at(-1)!)).toBe(false);
      expect(await Promise.all(last.map(isAlive))).not.toContain(true);
    }
    const [{ alive }] = await rows(
      'select count(*)::int as alive from user_sessions where user_id = $1 and revoked_at is null',
      userId,
    );
    expect(alive).toBe(1);
  });

  it('a disabled person cannot refresh', async () => {
    const { session, userId } = await signedIn();
    await rows(`update users set status = 'disabled' where id = $1`, userId);
    expect((await refresh(session.refreshToken).expect(401)).body.code).toBe('token_invalid');
  });
});

describe('A8 many refreshes at once', () => {
  const people = (count: number) => atOnce(count, () => signedIn());
  /** In one turn of the event loop, and so in one statement; over HTTP they meet as it happens. */
  const refreshTogether = (all: Signed[]) =>
    all.map(({ session }) =>
      RequestContext.create(tenon.app.get(MikroORM).em, () =>
        tenon.app
          .get(SessionsService)
          .refresh(Actor.anonymous({ ip: '127.0.0.1', userAgent: 'test', requestId: null }), session.refreshToken)
          .catch((error: Problem) => error),
      ),
    );
  const userIdsOf = (answers: (SignedIn | Problem)[]) =>
    answers.map((answer) => (answer instanceof Problem ? answer.code : answer.user.id));

  it('share a transaction, and each gets what is its own', async () => {
    const all = await people(20);
    const answers = (await Promise.all(refreshTogether(all))) as SignedIn[];
    expect(userIdsOf(answers)).toEqual(all.map(({ userId }) => userId));
    for (const { refreshToken, sessionId } of answers)
      expect((await tokensOf(sessionId))[1].token_hash).toEqual(hashOf(refreshToken));
    const transactions = await rows(
      'select distinct xmin::text from refresh_tokens where used_at is null and session_id = any($1)',
      answers.map(({ sessionId }) => sessionId),
    );
    expect(transactions).toHaveLength(1);
  });

  it('one is used already, one comes twice, one is of a session that has ended: each is told its own', async () => {
    const [reused, twice, ended, good] = (await people(4)) as [Signed, Signed, Signed, Signed];
    await refresh(reused.session.refreshToken).expect(200);
    await passGrace(reused.session.refreshToken);
    await rows('update user_sessions set revoked_at = now() where id = $1', ended.session.sessionId);
    const answers = await Promise.all(refreshTogether([reused, twice, ended, good, twice]));
    expect(userIdsOf(answers)).toEqual([
      'refresh_token_reused',
      twice.userId,
      'token_invalid',
      good.userId,
      twice.userId,
    ]);
    const [, first, , , second] = answers as SignedIn[];
    expect(second!.refreshToken).toBe(first!.refreshToken);
    expect(await tokensOf(twice.session.sessionId)).toHaveLength(2);
  });

  it('somebody holds the session of one: the others go on, and that one when it is free', async () => {
    const [held, ...others] = (await people(8)) as [Signed, ...Signed[]];
    const client = await tenon.db.sql.connect();
    try {
      await client.query('begin');
      await client.query('select from user_sessions where id = $1 for update', [held.session.sessionId]);
      const [late, ...answers] = refreshTogether([held, ...others]);
      expect(userIdsOf(await Promise.all(answers))).toEqual(others.map(({ userId }) => userId));
      await expect
        .poll(() =>
          rows(`select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`),
        )
        .toHaveLength(1);
      await client.query('commit');
      expect(userIdsOf([await late!])).toEqual([held.userId]);
    } finally {
      client.release(true);
    }
  });

  it('two instances that refresh the same sessions again and again wait for each other in no circle', async () => {
    const all = await people(10);
    const answers = await atOnce(120, (i) => refresh(all[(i * 7) % 10]!.session.refreshToken, i % 2 ? tenon : other));
    expect(countStatuses(answers)).toEqual({ 200: 120 });
    expect(new Set(answers.map(({ body }) => body.refreshToken)).size).toBe(10);
  });
});

describe('A8 expiry', () => {
  const DAYS = 24 * 3_600;
  const lifetimes = async (id: string) =>
    (
      await rows(
        `select extract(epoch from expires_at - last_active_at)::int as idle, extract(epoch from ends_at - created_at)::int as absolute,
                (select max(expires_at) from refresh_tokens t where t.session_id = s.id) = expires_at as with_token
           from user_sessions s where id = $1`,
        id,
      )
    )[0];

  it('7 days after the last refresh', async () => {
    const { session } = await signedIn();
    expect(await lifetimes(session.sessionId)).toEqual({ idle: 7 * DAYS, absolute: 30 * DAYS, with_token: true });
    await rows(
      `update user_sessions set expires_at = now() + interval '1 minute', last_active_at = now() - interval '6 days' where id = $1`,
      session.sessionId,
    );
    const { body } = await refresh(session.refreshToken).expect(200);
    expect(await lifetimes(session.sessionId)).toEqual({ idle: 7 * DAYS, absolute: 30 * DAYS, with_token: true });
    await rows('update user_sessions set expires_at = now() where id = $1', session.sessionId);
    expect((await refresh(body.refreshToken).expect(401)).body.code).toBe('token_invalid');
    expect((await refresh(session.refreshToken).expect(401)).body.code).toBe('token_invalid');
  });

  it('an expired token of a living session is refused', async () => {
    const { session } = await signedIn();
    await rows('update refresh_tokens set expires_at = now() where session_id = $1', session.sessionId);
    expect((await refresh(session.refreshToken).expect(401)).body.code).toBe('token_invalid');
  });

  it('30 days after sign-in, however often it is refreshed', async () => {
    const { session } = await signedIn();
    await rows(
      `update user_sessions set ends_at = now() + interval '1 hour', created_at = now() - interval '30 days' + interval '1 hour' where id = $1`,
      session.sessionId,
    );
    const { body } = await refresh(session.refreshToken).expect(200);
    const { expires_at, ends_at } = await sessionOf(session.sessionId);
    expect(expires_at).toEqual(ends_at);
    await rows(
      `update user_sessions set ends_at = now(), expires_at = least(expires_at, now()) where id = $1`,
      session.sessionId,
    );
    expect((await refresh(body.refreshToken).expect(401)).body.code).toBe('token_invalid');
  });
});

describe('A8 rotation of SECRET_KEYS', () => {
  it('a new first key: old chains go on with theirs, new ones begin with the new', async () => {
    const { session, email } = await signedIn();
    const rotated = await startApp({
      env: ENV,
      db: tenon.db,
      keys: [{ id: 'newer', key: Buffer.alloc(32, 9) }, ...TEST_KEYS],
    });
    const { body } = await refresh(session.refreshToken, rotated).expect(200);
    expect(body.refreshToken).toMatch(/^test\./);
    // An instance that was not restarted yet goes on with it.
    await refresh(body.refreshToken).expect(200);
    const fresh = await signIn(rotated, email);
    expect(fresh.refreshToken).toMatch(/^newer\./);
    await refresh(fresh.refreshToken, rotated).expect(200);
    // One that does not know the key refuses, and does no harm.
    expect((await refresh(fresh.refreshToken).expect(401)).body.code).toBe('token_invalid');
    await refresh(fresh.refreshToken, rotated).expect(200);
    await rotated.close();
  });
});
