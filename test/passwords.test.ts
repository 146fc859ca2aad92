import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { atOnce, countStatuses, entriesOf, insertPerson, isSignedIn, openSession } from './harness/accounts.js';
import { PASSWORD, startApp, type TestApp } from './harness/app.js';
import { mailedToken, mailsTo, mailTo, newEmail, signInAdmin, tokenIn } from './harness/people.js';

const NEW = 'twelve quiet lanterns drift home';
const OTHER = 'nine purple kettles sing loudly';

let tenon: TestApp;
beforeAll(async () => {
  tenon = await startApp({ env: { APP_URL: 'https://app.tenon.test' } });
});
afterAll(() => tenon.close());

const post = (path: string, body: object) => tenon.http.post(`/api/v1/auth/${path}`).send(body);
const login = (email: string, password: string) => post('login', { email, password });
const reset = (token: string, password: string = NEW) => post('password/reset', { token, password });
const rows = async (text: string, ...values: unknown[]) => (await tenon.db.sql.query(text, values)).rows;
const change = (auth: { authorization: string }, currentPassword: string, newPassword: string) =>
  tenon.http.post('/api/v1/auth/password/change').set(auth).send({ currentPassword, newPassword });

/** Asks for a link, and waits for it. */
async function forgot(email: string, count = 1): Promise<string> {
  await post('password/forgot', { email }).expect(202, { accepted: true });
  await expect.poll(() => resetMails(email)).toHaveLength(count);
  return (await resetMails(email))[0]!;
}
const resetMails = async (email: string): Promise<string[]> =>
  (await mailsTo(tenon, email, 'password-reset'))
    .filter(({ status }) => status === 'kept')
    .map(({ text }) => tokenIn(text));

describe('A5 password rules', () => {
  const codesOf = (body: { errors?: { field: string; code: string }[] }) =>
    (body.errors ?? []).map(({ field, code }) => `${field}:${code}`);

  it.each([
    ['fourteen characters', 'kestrel mauve 9', 'password_too_short', -1],
    ['fourteen code points of emoji', '🦊🐙🦉🐝🦋🐢🦔🐳🦚🐌🦎🐊🦩🐿', 'password_too_short', 0],
    ['257 characters', 'kestrel mauve 9 '.repeat(17), 'password_too_long', 257],
    ['a common one', 'passwordpassword', 'password_too_common', 0],
    ['a row of the keyboard', 'qwertyuiopasdfgh', 'password_too_common', 0],
    ['the own name', 'Wintergreen goes on and on', 'password_contains_identity', 0],
    ['the local part of the address', 'say hello to MARIGOLD77 today', 'password_contains_identity', 0],
  ])('%s: refused with the reason by registration, reset and change', async (_, text, code, cut) => {
    const password = cut === 0 ? text : text.slice(0, cut);
    const local = `marigold77.${newEmail().split(/[.@]/)[1]}`;
    const fresh = await post('register', { email: `${local}.x@example.com`, password, fullName: 'Ann Wintergreen' });
    expect(fresh.status).toBe(400);
    expect(fresh.body.code).toBe('validation_failed');
    expect(codesOf(fresh.body)).toContain(`password:${code}`);
    expect(JSON.stringify(fresh.body)).not.toContain(password);

    const { email, userId } = await insertPerson(tenon.db, {
      email: `${local}@example.com`,
      fullName: 'Ann Wintergreen',
    });
    const { auth } = await openSession(tenon, userId);
    expect(codesOf((await change(auth, PASSWORD, password).expect(400)).body)).toContain(`newPassword:${code}`);
    const token = await forgot(email);
    expect(codesOf((await reset(token, password).expect(400)).body)).toContain(`password:${code}`);
    await login(email, PASSWORD).expect(200);
    // The link stays good for a better one.
    await reset(token).expect(204);
  });

  it('length counts code points after NFC; 15 and 256 pass, spaces and every script', async () => {
    const { userId } = await insertPerson(tenon.db);
    const { auth } = await openSession(tenon, userId);
    let current = PASSWORD;
    for (const password of [
      'ü'.normalize('NFD').repeat(4) + 'fjord quiz x',
      '🦊🐙🦉🐝🦋🐢🦔🐳🦚🐌🦎🐊🦩🦭🐘',
      'kestrel mauve 9 '.repeat(16),
    ]) {
      const { status, body } = await change(auth, current, password);
      expect({ status, codes: codesOf(body) }).toEqual(
        [...password.normalize('NFC')].length < 15
          ? { status: 400, codes: ['newPassword:password_too_short'] }
          : { status: 204, codes: [] },
      );
      if (status === 204) current = password;
    }
  });

  it('PASSWORD_MIN_LENGTH is what the installation says', async () => {
    const strict = await startApp({ env: { PASSWORD_MIN_LENGTH: '20' } });
    const request = { email: newEmail(), fullName: 'Ada' };
    const answer = (password: string) => strict.http.post('/api/v1/auth/register').send({ ...request, password });
    const { body } = await answer('kestrel mauve 9 fog').expect(400);
    expect(body.errors).toMatchObject([{ code: 'password_too_short', message: expect.stringContaining('20') }]);
    await answer('kestrel mauve 9 fogs').expect(201);
    await strict.close();
  });
});

describe('A6 password reset', () => {
  it('sets the password, ends every session, is told by mail and remembered; it signs nobody in', async () => {
    const { email, userId } = await insertPerson(tenon.db);
    const sessions = await atOnce(2, () => openSession(tenon, userId));
    const token = await forgot(email);
    const { body, headers } = await reset(token).expect(204);
    expect(body).toEqual({});
    expect(headers).not.toHaveProperty('set-cookie');
    for (const { auth, refreshToken } of sessions) {
      await post('refresh', { refreshToken }).expect(401);
      await expect.poll(() => isSignedIn(tenon, auth)).toBe(false);
    }
    await login(email, PASSWORD).expect(401);
    await login(email, NEW).expect(200);
    await mailTo(tenon, email, 'password-changed');
    expect(await entriesOf(tenon.db, 'password.reset', userId)).toHaveLength(1);
    expect(await entriesOf(tenon.db, 'session.ended', userId)).toMatchObject([
      { reason: 'password_reset' },
      { reason: 'password_reset' },
    ]);
  });

  it('case 9: the link leads to APP_URL, whatever the request says of its host', async () => {
    const { email } = await insertPerson(tenon.db);
    await post('password/forgot', { email })
      .set({ host: 'evil.example', 'x-forwarded-host': 'evil.example', forwarded: 'host=evil.example' })
      .expect(202);
    const { text, html } = await mailTo(tenon, email, 'password-reset');
    expect(text).toContain(`https://app.tenon.test/reset-password?token=${tokenIn(text)}`);
    expect(text + html).not.toContain('evil');
  });

  it('only the hash of the token is kept, for an hour', async () => {
    const { email, userId } = await insertPerson(tenon.db);
    const token = await forgot(email);
    const [{ kept, minutes }] = await rows(
      `select to_jsonb(r)::text as kept, extract(epoch from expires_at - created_at)::int / 60 as minutes
         from password_resets r where user_id = $1`,
      userId,
    );
    expect(kept).not.toContain(token);
    expect(minutes).toBe(60);
    await rows('update password_resets set expires_at = now() where user_id = $1', userId);
    expect((await reset(token).expect(400)).body.code).toBe('link_invalid');
  });

  it('case 1: fifty at once with one token: one succeeds', async () => {
    const { email, userId } = await insertPerson(tenon.db);
    const token = await forgot(email);
    const passwords = Array.from({ length: 50 }, (_, i) => `${NEW} ${i}`);
    const answers = await atOnce(50, (i) => reset(token, passwords[i]));
    expect(countStatuses(answers)).toEqual({ 204: 1, 400: 49 });
    await login(email, passwords[answers.findIndex(({ status }) => status === 204)]!).expect(200);
    expect(await entriesOf(tenon.db, 'password.reset', userId)).toHaveLength(1);
    expect(await mailsTo(tenon, email, 'password-changed')).toHaveLength(1);
  });

  describe('case 21: the link is dead', () => {
    const dead = async (token: string): Promise<void> => {
      expect((await reset(token).expect(400)).body.code).toBe('link_invalid');
    };

    it('once it was used', async () => {
      const { email } = await insertPerson(tenon.db);
      const token = await forgot(email);
      await reset(token).expect(204);
      await dead(token);
      await login(email, NEW).expect(200);
    });

    it('after a newer one', async () => {
      const { email } = await insertPerson(tenon.db);
      const token = await forgot(email);
      const newer = await forgot(email, 2);
      await dead(token);
      await reset(newer).expect(204);
    });

    it('but for one, of several that were asked for at once', async () => {
      const { email, userId } = await insertPerson(tenon.db);
      await atOnce(6, () => post('password/forgot', { email }));
      await expect.poll(() => resetMails(email)).toHaveLength(6);
      expect(await rows('select from password_resets where user_id = $1 and used_at is null', userId)).toHaveLength(1);
    });

    it('after the e-mail address was changed, and after that was undone', async () => {
      const { email, userId } = await insertPerson(tenon.db);
      const { auth } = await openSession(tenon, userId);
      const token = await forgot(email);
      const next = newEmail();
      await tenon.http
        .post('/api/v1/users/me/email')
        .set(auth)
        .send({ email: next, currentPassword: PASSWORD })
        .expect(202);
      await post('email-change/confirm', { token: await mailedToken(tenon, next, 'email-change-confirm') }).expect(204);
      await dead(token);
      const atNext = await forgot(next);
      await post('email-change/undo', { token: await mailedToken(tenon, email, 'email-change-notice') }).expect(204);
      await dead(atNext);
    });

    it('after the password was changed', async () => {
      const { email, userId } = await insertPerson(tenon.db);
      const { auth } = await openSession(tenon, userId);
      const token = await forgot(email);
      await change(auth, PASSWORD, OTHER).expect(204);
      await dead(token);
      await login(email, OTHER).expect(200);
    });

    it('for a disabled person, who gets no other', async () => {
      const { email, userId } = await insertPerson(tenon.db);
      const token = await forgot(email);
      const admin = await signInAdmin(tenon);
      await tenon.http.patch(`/api/v1/admin/users/${userId}`).set(admin.auth).send({ status: 'disabled' }).expect(200);
      await dead(token);
      await post('password/forgot', { email }).expect(202);
      await expect
        .poll(() => rows(`select from outbox where topic = 'password.forgot' and status = 'pending'`))
        .toEqual([]);
      expect(await resetMails(email)).toHaveLength(1);
    });

    it('for a deleted person', async () => {
      const { email, userId } = await insertPerson(tenon.db);
      const { auth } = await openSession(tenon, userId);
      const token = await forgot(email);
      await tenon.http.delete('/api/v1/users/me').set(auth).send({ currentPassword: PASSWORD }).expect(202);
      await dead(token);
    });

    it('when it is unknown; and what is none is refused', async () => {
      await dead('x'.repeat(43));
      for (const token of ['', 'a b', 'x'.repeat(201), 5, null, ['x'], { $gt: '' }])
        expect((await post('password/reset', { token, password: NEW }).expect(400)).body.code).toBe(
          'validation_failed',
        );
    });
  });

  it('proves the address of an imported person', async () => {
    const { email } = await insertPerson(tenon.db, { verified: false });
    await login(email, PASSWORD).expect(403);
    await reset(await forgot(email)).expect(204);
    await login(email, NEW).expect(200);
  });

  it('gives a password to an imported person who has none', async () => {
    const { email, userId } = await insertPerson(tenon.db);
    await rows('delete from password_credentials where user_id = $1', userId);
    await reset(await forgot(email)).expect(204);
    await login(email, NEW).expect(200);
  });

  it('resets and sign-ins at once do not wait for each other', async () => {
    const { email, userId } = await insertPerson(tenon.db);
    const token = await forgot(email);
    const { auth } = await openSession(tenon, userId);
    const answers = await atOnce(24, (i) =>
      [
        () => login(email, PASSWORD),
        () => reset(token),
        () => post('password/forgot', { email }),
        () => change(auth, PASSWORD, OTHER),
      ][i % 4]!(),
    );
    for (const { status, body } of answers) expect(status, JSON.stringify(body)).toBeLessThan(500);
  });
});

describe('A6 password change', () => {
  it('needs the present password and a session', async () => {
    const { email, userId } = await insertPerson(tenon.db);
    const { auth } = await openSession(tenon, userId);
    expect((await change(auth, OTHER, NEW).expect(401)).body.code).toBe('invalid_credentials');
    await post('password/change', { currentPassword: PASSWORD, newPassword: NEW }).expect(401);
    await login(email, PASSWORD).expect(200);
    expect(await entriesOf(tenon.db, 'password.refused', userId)).toHaveLength(1);
  });

  it('refuses the present one, also in another Unicode form', async () => {
    const { userId } = await insertPerson(tenon.db);
    const { auth } = await openSession(tenon, userId);
    await change(auth, PASSWORD, 'bücher über brücken').expect(204);
    const { body } = await change(auth, 'bücher über brücken', 'bücher über brücken'.normalize('NFD')).expect(400);
    expect(body.errors).toMatchObject([{ field: 'newPassword', code: 'password_unchanged' }]);
  });

  it('is told by mail and remembered; of several at once one wins', async () => {
    const { email, userId } = await insertPerson(tenon.db);
    const { auth } = await openSession(tenon, userId);
    const answers = await atOnce(9, (i) => change(auth, PASSWORD, `${NEW} ${i}`));
    const done = answers.flatMap(({ status }, i) => (status === 204 ? [i] : []));
    // Who was overtaken held a password that is no more.
    expect(countStatuses(answers)).toEqual({ 204: 1, 401: 8 });
    await login(email, `${NEW} ${done[0]}`).expect(200);
    await mailTo(tenon, email, 'password-changed');
    expect(await entriesOf(tenon.db, 'password.changed', userId)).toMatchObject([
      { actor_id: userId, outcome: 'success' },
    ]);
  });
});
