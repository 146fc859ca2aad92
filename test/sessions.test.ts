import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { atOnce, countStatuses, entriesOf, insertPerson, isSignedIn, openSession } from './harness/accounts.js';
import { PASSWORD, startApp, type TestApp } from './harness/app.js';
import { mailTo, signIn, signInAdmin } from './harness/people.js';

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

type Auth = { authorization: string };
const list = async (auth: Auth) => (await tenon.http.get('/api/v1/auth/sessions').set(auth).expect(200)).body.data;
const end = (auth: Auth, id = '', at = tenon) =>
  at.http.delete(`/api/v1/auth/sessions${id === '' ? '' : `/${id}`}`).set(auth);
const refresh = (refreshToken: string, at = tenon) => at.http.post('/api/v1/auth/refresh').send({ refreshToken });
const rows = async (text: string, ...values: unknown[]) => (await tenon.db.sql.query(text, values)).rows;

/** The access token stops on both instances, and the refresh token at once. */
async function expectEnded({ auth, refreshToken }: { auth: Auth; refreshToken: string }): Promise<void> {
  for (const at of [tenon, other]) {
    expect((await refresh(refreshToken, at).expect(401)).body.code).toBe('token_invalid');
    await expect.poll(() => isSignedIn(at, auth)).toBe(false);
  }
}
async function expectAlive({ auth }: { auth: Auth }): Promise<void> {
  for (const at of [tenon, other]) expect(await isSignedIn(at, auth)).toBe(true);
}

describe('A9 sessions', () => {
  it('are listed with address, program and times, the newest activity first', async () => {
    const { email, userId } = await insertPerson(tenon.db);
    await openSession(tenon, (await insertPerson(tenon.db)).userId);
    const old = await openSession(tenon, userId);
    await rows(`update user_sessions set last_active_at = now() - interval '1 hour' where id = $1`, old.sessionId);
    const { body } = await tenon.http
      .post('/api/v1/auth/login')
      .set({ 'user-agent': 'Curiosity/1.0', 'x-forwarded-for': '203.0.113.9' })
      .send({ email, password: PASSWORD })
      .expect(200);
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(await list({ authorization: `Bearer ${body.accessToken}` })).toEqual([
      {
        id: expect.any(String),
        current: true,
        ip: '127.0.0.1',
        userAgent: 'Curiosity/1.0',
        createdAt: time,
        lastActiveAt: time,
        expiresAt: time,
      },
      expect.objectContaining({ id: old.sessionId, current: false, userAgent: 'test' }),
    ]);
  });

  it('show who refreshed them last, and a program’s name of at most 512 characters', async () => {
    const { userId } = await insertPerson(tenon.db);
    const session = await openSession(tenon, userId);
    await rows(
      `update user_sessions set ip = '203.0.113.7', last_active_at = now() - interval '1 hour' where id = $1`,
      session.sessionId,
    );
    const [before] = await list(session.auth);
    await refresh(session.refreshToken)
      .set({ 'user-agent': 'x'.repeat(4_000) })
      .expect(200);
    const [after] = await list(session.auth);
    expect(before.ip).toBe('203.0.113.7');
    expect(after).toMatchObject({ ip: '127.0.0.1', userAgent: 'x'.repeat(512), createdAt: before.createdAt });
    expect(Date.parse(after.lastActiveAt)).toBeGreaterThan(Date.parse(before.lastActiveAt));
    expect(Date.parse(after.expiresAt)).toBeGreaterThan(Date.parse(before.expiresAt) - 1);
  });

  it('leave the list when they end or expire', async () => {
    const { userId } = await insertPerson(tenon.db);
    const [session, expired, ended] = await atOnce(3, () => openSession(tenon, userId));
    await rows('update user_sessions set expires_at = now() where id = $1', expired!.sessionId);
    await end(session!.auth, ended!.sessionId).expect(204);
    expect((await list(session!.auth)).map(({ id }: { id: string }) => id)).toEqual([session!.sessionId]);
  });

  it('one is ended, and no other', async () => {
    const { userId } = await insertPerson(tenon.db);
    const [mine, lost] = await atOnce(2, () => openSession(tenon, userId));
    await expectAlive(lost!);
    await end(mine!.auth, lost!.sessionId).expect(204);
    await expectEnded(lost!);
    await expectAlive(mine!);
    expect(await entriesOf(tenon.db, 'session.ended', userId)).toMatchObject([
      { target_id: lost!.sessionId, session_id: mine!.sessionId, actor_id: userId, reason: 'revoked', ip: '127.0.0.1' },
    ]);
    await end(mine!.auth, lost!.sessionId).expect(404);
  });

  it('case 2: somebody else’s is not found, and lives on', async () => {
    const mine = await openSession(tenon, (await insertPerson(tenon.db)).userId);
    const theirs = await openSession(tenon, (await insertPerson(tenon.db)).userId);
    const { body } = await end(mine.auth, theirs.sessionId).expect(404);
    const unknown = await end(mine.auth, '0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f00').expect(404);
    expect({ ...body, requestId: '' }).toEqual({ ...unknown.body, requestId: '' });
    await end(mine.auth, 'not-an-id').expect(400);
    await expectAlive(theirs);
    await refresh(theirs.refreshToken).expect(200);
  });

  it('all others are ended, this one stays', async () => {
    const { userId } = await insertPerson(tenon.db);
    const bystander = await openSession(tenon, (await insertPerson(tenon.db)).userId);
    const [mine, ...lost] = await atOnce(4, () => openSession(tenon, userId));
    await end(mine!.auth).expect(204);
    for (const session of lost) await expectEnded(session);
    await expectAlive(mine!);
    await expectAlive(bystander);
    await end(mine!.auth).expect(204);
    expect(await entriesOf(tenon.db, 'session.ended', userId)).toHaveLength(3);
  });

  it('logout ends this one alone, once', async () => {
    const { userId } = await insertPerson(tenon.db);
    const [mine, bystander] = await atOnce(2, () => openSession(tenon, userId));
    const answers = await atOnce(20, () => tenon.http.post('/api/v1/auth/logout').set(mine!.auth));
    const { 204: done, ...refused } = countStatuses(answers);
    expect(done).toBe(1);
    expect(Object.keys(refused).every((status) => ['401', '404'].includes(status))).toBe(true);
    await expectEnded(mine!);
    await expectAlive(bystander!);
    expect(await entriesOf(tenon.db, 'session.ended', userId)).toMatchObject([
      { target_id: mine!.sessionId, reason: 'logout' },
    ]);
  });

  it('a changed password ends all others and keeps this one', async () => {
    const { userId } = await insertPerson(tenon.db);
    const [mine, lost] = await atOnce(2, () => openSession(tenon, userId));
    await tenon.http
      .post('/api/v1/auth/password/change')
      .set(mine!.auth)
      .send({ currentPassword: PASSWORD, newPassword: 'twelve quiet lanterns drift home' })
      .expect(204);
    await expectEnded(lost!);
    await expectAlive(mine!);
    await refresh(mine!.refreshToken).expect(200);
  });

  it('case 24: a disabled person is out everywhere, is told, and stays out after being enabled again', async () => {
    const { userId, email } = await insertPerson(tenon.db);
    const [one, two] = await atOnce(2, () => openSession(tenon, userId));
    const admin = await signInAdmin(tenon);
    const set = (status: string) =>
      tenon.http.patch(`/api/v1/admin/users/${userId}`).set(admin.auth).send({ status }).expect(200);
    await set('disabled');
    await expectEnded(one!);
    await expectEnded(two!);
    await tenon.http.post('/api/v1/auth/login').send({ email, password: PASSWORD }).expect(401);
    await mailTo(tenon, email, 'account-disabled');
    await set('active');
    await expectEnded(one!);
    await expectAlive(await signIn(tenon, email));
  });

  it('an instance that has lost its listener refuses an ended session at once', async () => {
    const { userId } = await insertPerson(tenon.db);
    const [mine, lost, kept] = await atOnce(3, () => openSession(tenon, userId));
    for (const session of [mine!, lost!, kept!]) await expectAlive(session);
    await rows(
      `select pg_terminate_backend(pid) from pg_stat_activity
        where application_name = 'tenon-changes' and datname = current_database()`,
    );
    await end(mine!.auth, lost!.sessionId, other).expect(204);
    await expectEnded(lost!);
    await expectAlive(kept!);
  });
});
