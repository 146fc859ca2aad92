import { randomBytes, scryptSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { atOnce, countStatuses, entriesOf, insertPerson, isSignedIn, openSession } from './harness/accounts.js';
import { ADMIN, PASSWORD, startApp, type TestApp } from './harness/app.js';
import { mailedToken, mailsTo, mailTo, newEmail, newPerson, signInAdmin, tokenIn } from './harness/people.js';

const WRONG = 'nine purple kettles sing loudly';

let tenon: TestApp;
beforeAll(async () => {
  tenon = await startApp();
});
afterAll(() => tenon.close());

type Auth = { authorization: string };
const me = async (auth: Auth) => (await tenon.http.get('/api/v1/users/me').set(auth).expect(200)).body;
const patch = (auth: Auth, body: object) => tenon.http.patch('/api/v1/users/me').set(auth).send(body);
const deleteMe = (auth: Auth, currentPassword: string = PASSWORD) =>
  tenon.http.delete('/api/v1/users/me').set(auth).send({ currentPassword });
const changeEmail = (auth: Auth, email: string, currentPassword: string = PASSWORD) =>
  tenon.http.post('/api/v1/users/me/email').set(auth).send({ email, currentPassword });
const confirm = (token: string) => tenon.http.post('/api/v1/auth/email-change/confirm').send({ token });
const undo = (token: string) => tenon.http.post('/api/v1/auth/email-change/undo').send({ token });
const login = (email: string, password: string = PASSWORD) =>
  tenon.http.post('/api/v1/auth/login').send({ email, password });
const rows = async (text: string, ...values: unknown[]) => (await tenon.db.sql.query(text, values)).rows;

async function signedIn(options: Parameters<typeof insertPerson>[1] = {}) {
  const person = await insertPerson(tenon.db, options);
  return { ...person, ...(await openSession(tenon, person.userId)) };
}

/** Asks for another address. @returns the tokens that both mailboxes got. */
async function change(person: { auth: Auth; email: string }, email = newEmail()) {
  await changeEmail(person.auth, email).expect(202, { accepted: true });
  return {
    email,
    confirmToken: await mailedToken(tenon, email, 'email-change-confirm'),
    undoToken: await newestNotice(person.email, email),
  };
}
/** The undo token of the notice that names the new address. */
async function newestNotice(to: string, newAddress: string): Promise<string> {
  const named = newAddress.split('@')[0]!.split('.').at(-1)!;
  const find = async () =>
    (await mailsTo(tenon, to, 'email-change-notice')).find(
      (mail) => mail.status === 'kept' && mail.text.includes(named),
    );
  await expect.poll(find).toBeDefined();
  return tokenIn((await find())!.text);
}

describe('A10 profile', () => {
  it('is kept by no cache', async () => {
    const { auth } = await signedIn();
    const { headers } = await tenon.http.get('/api/v1/users/me').set(auth).expect(200);
    expect(headers['cache-control']).toBe('no-store');
  });

  it('shows the person, and nothing of secrets', async () => {
    const person = await signedIn();
    const time = expect.stringMatching(/^\d{4}-.*Z$/);
    expect(await me(person.auth)).toEqual({
      id: person.userId,
      email: person.email,
      emailVerified: true,
      fullName: 'Ada Lovelace',
      locale: null,
      timeZone: null,
      platformRole: null,
      createdAt: time,
      updatedAt: time,
    });
  });

  it('what is left out stays, null clears, and the trail holds before and after', async () => {
    const { auth, userId } = await signedIn();
    const { body } = await patch(auth, { fullName: ' Ada King ', locale: 'en-GB', timeZone: 'Europe/London' }).expect(
      200,
    );
    expect(body).toMatchObject({ fullName: 'Ada King', locale: 'en-GB', timeZone: 'Europe/London' });
    expect(body).toEqual(await me(auth));
    await patch(auth, { locale: null }).expect(200);
    expect(await me(auth)).toMatchObject({ fullName: 'Ada King', locale: null, timeZone: 'Europe/London' });
    await patch(auth, {}).expect(200);
    expect((await patch(auth, { locale: null, fullName: 'Ada King' }).expect(200)).body).toEqual(await me(auth));
    expect(await me(auth)).toMatchObject({ fullName: 'Ada King', locale: null, timeZone: 'Europe/London' });
    expect(await entriesOf(tenon.db, 'user.updated', userId)).toMatchObject([
      {
        before: { fullName: 'Ada Lovelace', locale: null, timeZone: null },
        after: { fullName: 'Ada King', locale: 'en-GB', timeZone: 'Europe/London' },
      },
      { before: { locale: 'en-GB' }, after: { locale: null } },
    ]);
  });

  it.each([
    [{ fullName: null }],
    [{ fullName: '' }],
    [{ fullName: 'a\nb' }],
    [{ fullName: 'x'.repeat(121) }],
    [{ fullName: ['Ada'] }],
    [{ locale: 'english please' }],
    [{ locale: 5 }],
    [{ timeZone: 'Mars/Olympus' }],
    [{ email: 'new@example.com' }],
    [{ status: 'disabled' }],
    [{ platformRole: 'admin' }],
    [{ id: '0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f00' }],
    [{ emailVerifiedAt: '2026-01-01T00:00:00Z' }],
    [[]],
  ])('refuses %j and changes nothing', async (body) => {
    const { auth } = await signedIn();
    const before = await me(auth);
    const answer = await patch(auth, body);
    if (Array.isArray(body)) expect(answer.status).toBeLessThan(500);
    else expect(answer.status).toBe(400);
    expect(await me(auth)).toEqual(before);
  });

  it('needs a session', async () => {
    await tenon.http.get('/api/v1/users/me').expect(401);
    await tenon.http.patch('/api/v1/users/me').send({ fullName: 'Eve' }).expect(401);
  });
});

describe('A10 e-mail change', () => {
  it('changes nothing before the new address confirms; then signs in by the new one alone, and tells both', async () => {
    const person = await signedIn();
    const { email, confirmToken } = await change(person);
    expect((await me(person.auth)).email).toBe(person.email);
    await login(email).expect(401);
    await confirm(confirmToken).expect(204);
    expect((await me(person.auth)).email).toBe(email);
    await login(email).expect(200);
    await login(person.email).expect(401);
    await mailTo(tenon, email, 'email-changed');
    expect(await entriesOf(tenon.db, 'email.change_requested', person.userId)).toHaveLength(1);
    expect(await entriesOf(tenon.db, 'email.changed', person.userId)).toMatchObject([
      { before: { email: person.email }, after: { email } },
    ]);
  });

  it('needs the password, and an address that is another', async () => {
    const person = await signedIn();
    expect((await changeEmail(person.auth, newEmail(), WRONG).expect(401)).body.code).toBe('invalid_credentials');
    const { body } = await changeEmail(person.auth, person.email.toUpperCase()).expect(400);
    expect(body.errors).toMatchObject([{ field: 'email', code: 'email_unchanged' }]);
    await changeEmail(person.auth, 'no address').expect(400);
    expect(await rows('select from email_changes where user_id = $1', person.userId)).toEqual([]);
  });

  it('keeps only hashes of both tokens; neither is good for the other way', async () => {
    const person = await signedIn();
    const { confirmToken, undoToken } = await change(person);
    const [{ kept }] = await rows(
      'select to_jsonb(c)::text as kept from email_changes c where user_id = $1',
      person.userId,
    );
    expect(kept).not.toContain(confirmToken);
    expect(kept).not.toContain(undoToken);
    await confirm(undoToken).expect(400);
    await undo(confirmToken).expect(400);
  });

  it('case 1: fifty at once: one confirms; fifty at once: one undoes', async () => {
    const person = await signedIn();
    const { confirmToken, undoToken } = await change(person);
    const confirmed = await atOnce(50, () => confirm(confirmToken));
    expect(countStatuses(confirmed)).toEqual({ 204: 1, 400: 49 });
    const undone = await atOnce(50, () => undo(undoToken));
    expect(countStatuses(undone)).toEqual({ 204: 1, 400: 49 });
    for (const action of ['email.changed', 'email.change_undone'])
      expect(await entriesOf(tenon.db, action, person.userId)).toHaveLength(1);
    await login(person.email).expect(200);
  });

  it('undoing mails the old address a link to choose another password: who made the change knew the present one', async () => {
    const person = await signedIn();
    const { confirmToken, undoToken } = await change(person);
    await confirm(confirmToken).expect(204);
    await undo(undoToken).expect(204);
    const token = await mailedToken(tenon, person.email, 'password-reset');
    await tenon.http.post('/api/v1/auth/password/reset').send({ token, password: WRONG }).expect(204);
  });

  it('confirming ends after 24 hours, undoing after 7 days', async () => {
    const person = await signedIn();
    const first = await change(person);
    const [{ confirm: confirmHours, undo: undoHours }] = await rows(
      `select extract(epoch from expires_at - created_at)::int / 3600 as confirm,
              extract(epoch from undo_expires_at - created_at)::int / 3600 as undo
         from email_changes where user_id = $1`,
      person.userId,
    );
    expect({ confirmHours, undoHours }).toEqual({ confirmHours: 24, undoHours: 168 });
    await rows(
      'update email_changes set expires_at = now(), undo_expires_at = now() where user_id = $1',
      person.userId,
    );
    expect((await confirm(first.confirmToken).expect(400)).body.code).toBe('link_invalid');
    expect((await undo(first.undoToken).expect(400)).body.code).toBe('link_invalid');
    // The 7 days begin anew with the confirmation.
    const second = await change(person);
    await rows(`update email_changes set undo_expires_at = now() where user_id = $1`, person.userId);
    await confirm(second.confirmToken).expect(204);
    await undo(second.undoToken).expect(204);
  });

  it('a newer request kills the older link; of several at once one stays', async () => {
    const person = await signedIn();
    const first = await change(person);
    const second = await change(person);
    await confirm(first.confirmToken).expect(400);
    await atOnce(5, () => changeEmail(person.auth, newEmail()));
    expect(
      await rows(
        'select from email_changes where user_id = $1 and confirmed_at is null and expires_at > now()',
        person.userId,
      ),
    ).toHaveLength(1);
    await confirm(second.confirmToken).expect(400);
  });

  it('an address of somebody else: the same answer, a mail to its owner, nothing to confirm', async () => {
    const person = await signedIn();
    const owner = await signedIn();
    await changeEmail(person.auth, owner.email).expect(202, { accepted: true });
    await mailTo(tenon, owner.email, 'registration-attempt');
    await mailTo(tenon, person.email, 'email-change-notice');
    expect(await mailsTo(tenon, owner.email, 'email-change-confirm')).toEqual([]);
  });

  it('an address that got an account meanwhile cannot be confirmed', async () => {
    const person = await signedIn();
    const { email, confirmToken } = await change(person);
    const owner = await newPerson(tenon, { email });
    expect((await confirm(confirmToken).expect(400)).body.code).toBe('link_invalid');
    expect((await me(person.auth)).email).toBe(person.email);
    expect((await me(owner.auth)).email).toBe(email);
  });

  it('of two people who confirm one address at once, one gets it', async () => {
    const email = newEmail();
    const people = await atOnce(2, () => signedIn());
    for (const { auth } of people) await changeEmail(auth, email).expect(202);
    await expect.poll(() => mailsTo(tenon, email, 'email-change-confirm')).toHaveLength(2);
    await mailTo(tenon, email, 'email-change-confirm');
    const tokens = (await mailsTo(tenon, email, 'email-change-confirm')).map(({ text }) => tokenIn(text));
    const answers = await atOnce(2, (i) => confirm(tokens[i]!));
    expect(countStatuses(answers)).toEqual({ 204: 1, 400: 1 });
    expect(await rows('select from users where email = $1', email)).toHaveLength(1);
  });

  it('is refused for a person who was disabled meanwhile', async () => {
    const person = await signedIn();
    const { confirmToken } = await change(person);
    await rows(`update users set status = 'disabled' where id = $1`, person.userId);
    await confirm(confirmToken).expect(400);
  });
});

describe('A10 undoing an e-mail change', () => {
  it('before it was confirmed: the new address cannot any more, every session ends', async () => {
    const person = await signedIn();
    const { confirmToken, undoToken } = await change(person);
    await undo(undoToken).expect(204);
    expect((await confirm(confirmToken).expect(400)).body.code).toBe('link_invalid');
    await expect.poll(() => isSignedIn(tenon, person.auth)).toBe(false);
    await tenon.http.post('/api/v1/auth/refresh').send({ refreshToken: person.refreshToken }).expect(401);
    await login(person.email).expect(200);
  });

  it('after it was confirmed: the old address is back, every session ends, the trail and a mail tell it', async () => {
    const person = await signedIn();
    const { email, confirmToken, undoToken } = await change(person);
    await confirm(confirmToken).expect(204);
    const attacker = (await login(email).expect(200)).body;
    await undo(undoToken).expect(204);
    await expect.poll(() => isSignedIn(tenon, { authorization: `Bearer ${attacker.accessToken}` })).toBe(false);
    await tenon.http.post('/api/v1/auth/refresh').send({ refreshToken: attacker.refreshToken }).expect(401);
    await login(email).expect(401);
    await login(person.email).expect(200);
    await mailTo(tenon, person.email, 'email-changed');
    expect(await entriesOf(tenon.db, 'email.change_undone', person.userId)).toMatchObject([
      { before: { email }, after: { email: person.email } },
    ]);
  });

  it('A → B → C: undoing the first brings A back, and who holds B or C cannot undo that', async () => {
    const person = await signedIn();
    const toB = await change(person);
    await confirm(toB.confirmToken).expect(204);
    const toC = await change({ ...person, email: toB.email });
    await confirm(toC.confirmToken).expect(204);
    expect((await me(person.auth)).email).toBe(toC.email);
    const toD = await change({ ...person, email: toC.email });
    await undo(toB.undoToken).expect(204);
    for (const { undoToken, confirmToken } of [toC, toD, toB]) {
      expect((await undo(undoToken).expect(400)).body.code).toBe('link_invalid');
      expect((await confirm(confirmToken).expect(400)).body.code).toBe('link_invalid');
    }
    await login(person.email).expect(200);
    for (const { email } of [toB, toC, toD]) await login(email).expect(401);
  });

  it('A → B → C: undoing the second brings B back, and A can still undo the first', async () => {
    const person = await signedIn();
    const toB = await change(person);
    await confirm(toB.confirmToken).expect(204);
    const toC = await change({ ...person, email: toB.email });
    await confirm(toC.confirmToken).expect(204);
    await undo(toC.undoToken).expect(204);
    await login(toB.email).expect(200);
    await undo(toB.undoToken).expect(204);
    await login(person.email).expect(200);
  });

  it('an old address that belongs to somebody else by now stays theirs', async () => {
    const person = await signedIn();
    const { email, confirmToken, undoToken } = await change(person);
    await confirm(confirmToken).expect(204);
    const owner = await newPerson(tenon, { email: person.email });
    expect((await undo(undoToken).expect(409)).body.code).toBe('email_taken');
    expect((await me(owner.auth)).email).toBe(person.email);
    await login(email).expect(200);
  });

  it('a request whose password was checked before the undoing does not pass it', async () => {
    const salt = randomBytes(16);
    const base64 = (bytes: Buffer): string => bytes.toString('base64').replace(/=+$/, '');
    // About 0.4 s, in which the address is undone.
    const slow = `$scrypt$ln=17,r=8,p=1$${base64(salt)}$${base64(scryptSync(PASSWORD, salt, 32, { N: 2 ** 17, r: 8, p: 1, maxmem: 2 ** 28 }))}`;
    const person = await signedIn();
    const { email, confirmToken, undoToken } = await change(person);
    await confirm(confirmToken).expect(204);
    await rows('update password_credentials set password_hash = $2 where user_id = $1', person.userId, slow);
    await rows('truncate login_attempts');
    const target = newEmail();
    const late = Promise.resolve(changeEmail(person.auth, target));
    await expect.poll(() => rows('select from login_attempts')).toHaveLength(1);
    await undo(undoToken).expect(204);
    expect((await late).status).toBe(401);
    expect(await mailsTo(tenon, target)).toEqual([]);
    expect(await mailsTo(tenon, email, 'email-change-notice')).toEqual([]);
    expect(
      await rows('select from email_changes where user_id = $1 and new_email = $2', person.userId, target),
    ).toEqual([]);
  });

  it('requests, confirmations and undoings at once do not wait for each other', async () => {
    const person = await signedIn();
    const { confirmToken, undoToken } = await change(person);
    const answers = await atOnce(18, (i) =>
      [() => changeEmail(person.auth, newEmail()), () => confirm(confirmToken), () => undo(undoToken)][i % 3]!(),
    );
    for (const { status, body } of answers) expect(status, JSON.stringify(body)).toBeLessThan(500);
    expect(countStatuses(answers.filter((_, i) => i % 3 === 2))).toEqual({ 204: 1, 400: 5 });
    await login(person.email).expect(200);
  });
});

describe('A10 deleting the account', () => {
  it('ends sessions, forgets the person, frees the address, and keeps the trail', async () => {
    const person = await newPerson(tenon, { fullName: 'Grace Hopper' });
    await patch(person.auth, { locale: 'en-GB' }).expect(200);
    await deleteMe(person.auth).expect(202, { accepted: true });
    await tenon.http.post('/api/v1/auth/refresh').send({ refreshToken: person.refreshToken }).expect(401);
    await expect.poll(() => isSignedIn(tenon, person.auth)).toBe(false);
    await login(person.email).expect(401);
    await mailTo(tenon, person.email, 'account-deletion-confirmed');
    const [left] = await rows('select to_jsonb(u)::text as all, status from users u where id = $1', person.userId);
    expect(left.status).toBe('deleted');
    expect(left.all).not.toMatch(new RegExp(`${person.email}|Grace|en-GB`));
    for (const table of ['password_credentials', 'password_resets', 'email_changes', 'user_organization_membership'])
      expect(await rows(`select from ${table} where user_id = $1`, person.userId), table).toEqual([]);
    expect(await entriesOf(tenon.db, 'user.registered', person.userId)).toHaveLength(1);
    expect(await entriesOf(tenon.db, 'user.deleted', person.userId)).toMatchObject([{ actor_id: person.userId }]);

    const again = await newPerson(tenon, { email: person.email });
    expect(again.userId).not.toBe(person.userId);
    expect((await me(again.auth)).fullName).toBe('Ada Lovelace');
  });

  it('needs the password', async () => {
    const person = await signedIn();
    expect((await deleteMe(person.auth, WRONG).expect(401)).body.code).toBe('invalid_credentials');
    await tenon.http.delete('/api/v1/users/me').set(person.auth).expect(400);
    expect(await isSignedIn(tenon, person.auth)).toBe(true);
  });

  it('case 26: the last owner of an organization stays; one of two may go, of two at once one stays', async () => {
    const person = await newPerson(tenon, { organizationName: 'Last Owners' });
    expect((await deleteMe(person.auth).expect(409)).body.code).toBe('last_owner');
    expect(await isSignedIn(tenon, person.auth)).toBe(true);
    const second = await signedIn();
    const [{ id }] = await rows(`select id from organizations where name = 'Last Owners'`);
    await rows(
      `insert into user_organization_membership (organization_id, user_id, role, joined_at) values ($1, $2, 'owner', now())`,
      id,
      second.userId,
    );
    const answers = await Promise.all([deleteMe(person.auth), deleteMe(second.auth)]);
    expect(countStatuses(answers)).toEqual({ 202: 1, 409: 1 });
    expect(await rows(`select from user_organization_membership where organization_id = $1`, id)).toHaveLength(1);
  });

  it('the last platform admin stays; of two at once one stays', async () => {
    const admin = await signInAdmin(tenon);
    expect((await deleteMe(admin.auth, ADMIN.password).expect(409)).body.code).toBe('last_admin');
    for (let round = 0; round < 3; round += 1) {
      const [one, two] = await atOnce(2, () => signedIn({ platformRole: 'admin' }));
      await rows(`update users set platform_role = null where id = $1`, admin.userId);
      const answers = await Promise.all([deleteMe(one!.auth), deleteMe(two!.auth)]);
      expect(countStatuses(answers)).toEqual({ 202: 1, 409: 1 });
      await rows(`update users set platform_role = null where platform_role = 'admin'`);
      await rows(`update users set platform_role = 'admin' where id = $1`, admin.userId);
    }
  });

  it('of several at once one deletes', async () => {
    const person = await signedIn();
    const answers = await atOnce(9, () => deleteMe(person.auth));
    const { 202: done, ...refused } = countStatuses(answers);
    expect(done).toBe(1);
    expect(Object.keys(refused).every((status) => ['401', '404'].includes(status))).toBe(true);
    expect(await entriesOf(tenon.db, 'user.deleted', person.userId)).toHaveLength(1);
  });
});
