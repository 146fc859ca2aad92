import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { atOnce, countStatuses, entriesOf, insertPerson, recordStatements } from './harness/accounts.js';
import { PASSWORD, startApp, type TestApp } from './harness/app.js';
import { mailedToken, mailTo, mailsTo, newEmail, newPerson, signIn, signInAdmin, tokenIn } from './harness/people.js';

const OTHER_PASSWORD = 'nine purple kettles sing loudly';

let tenon: TestApp;
beforeAll(async () => {
  tenon = await startApp({ env: { APP_URL: 'https://app.tenon.test' } });
});
afterAll(() => tenon.close());

const post = (path: string, body: object) => tenon.http.post(`/api/v1/auth/${path}`).send(body);
const register = (email: string, more: object = {}) =>
  post('register', { email, password: PASSWORD, fullName: 'Ada Lovelace', ...more });
const verify = (token: string) => post('verify-email', { token });
const login = (email: string, password: string = PASSWORD) => post('login', { email, password });
const rows = async (text: string, ...values: unknown[]) => (await tenon.db.sql.query(text, values)).rows;

/** Waits until so many mails of a kind have come. @returns their tokens, newest first. */
async function tokensTo(email: string, count: number, template = 'verify-email'): Promise<string[]> {
  await expect
    .poll(async () => (await mailsTo(tenon, email, template)).filter(({ status }) => status === 'kept'))
    .toHaveLength(count);
  return (await mailsTo(tenon, email, template)).map(({ text }) => tokenIn(text));
}

describe('A1 registration', () => {
  it('answers 201, keeps hashes alone, and makes no person before the address is proven', async () => {
    const email = newEmail();
    const { body } = await register(email).expect(201);
    expect(body).toEqual({
      success: true,
      message: expect.any(String),
      userId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      email,
      requiresVerification: true,
      emailSent: false,
    });
    const token = await mailedToken(tenon, email, 'verify-email');
    expect(await rows('select from users where email = $1', email)).toHaveLength(0);
    const [{ kept }] = await rows('select to_jsonb(r)::text as kept from registrations r where email = $1', email);
    expect(kept).toContain('$argon2id$v=19$m=19456,t=2,p=1$');
    expect(kept).not.toContain(PASSWORD);
    expect(kept).not.toContain(token);
    const outbox = await rows('select to_jsonb(o)::text as kept from outbox o');
    expect(outbox.some((row) => row.kept.includes(token) || row.kept.includes(PASSWORD))).toBe(false);
    await verify(token).expect(200, { verified: true });
    expect(await signIn(tenon, email)).toMatchObject({ userId: body.userId });
  });

  it('case 20: the mail says when and from where it was registered, and a resend repeats it', async () => {
    const email = newEmail();
    await register(email).expect(201);
    const origin = /registered with this e-mail address on \d{4}-\d\d-\d\d \d\d:\d\d UTC from 127\.0\.0\.1\./;
    const first = await mailTo(tenon, email, 'verify-email');
    expect(first.text).toMatch(origin);
    await post('verify-email/resend', { email }).expect(202);
    await expect.poll(async () => (await mailsTo(tenon, email, 'verify-email')).length).toBe(2);
    expect((await mailTo(tenon, email, 'verify-email')).text).toMatch(origin);
  });

  it('refuses to sign in before the proof, and tells it only to the right password', async () => {
    const email = newEmail();
    await register(email).expect(201);
    expect((await login(email).expect(403)).body.code).toBe('email_not_verified');
    expect((await login(email, OTHER_PASSWORD).expect(401)).body.code).toBe('invalid_credentials');
  });

  it('tells the owner of a taken address, gives no link, and leaves the account as it is', async () => {
    const owner = await newPerson(tenon);
    await register(owner.email, { password: OTHER_PASSWORD, fullName: 'Mallory' }).expect(201);
    const mail = await mailTo(tenon, owner.email, 'registration-attempt');
    expect(mail.text).not.toContain('token=');
    expect(mail.text).not.toContain('Mallory');
    expect(await mailsTo(tenon, owner.email, 'verify-email')).toHaveLength(1);
    // As for an address without an account: the answer tells nothing of the owner.
    expect((await login(owner.email, OTHER_PASSWORD).expect(403)).body.code).toBe('email_not_verified');
    await login(owner.email).expect(200);
  });

  it('refuses a password with its reasons, and stores nothing', async () => {
    const email = newEmail('lovelace');
    const { body } = await register(email, { password: 'Lovelace 42' }).expect(400);
    expect(body.errors.map(({ field, code }: Record<string, string>) => `${field} ${code}`)).toEqual(
      expect.arrayContaining(['password password_too_short', 'password password_contains_identity']),
    );
    expect(await rows('select from registrations where email = $1', email)).toHaveLength(0);
  });

  it('takes values as values, whatever signs of SQL they hold', async () => {
    const email = newEmail("o'neil?");
    const fullName = String.raw`Who? \'; drop table users; -- $1 ?? "x" :name`;
    await newPerson(tenon, { email, fullName });
    const [person] = await rows('select full_name from users where email = $1', email);
    expect(person).toEqual({ full_name: fullName });
  });

  it('case 19: every spelling of an address is one account', async () => {
    const name = newEmail().split('@')[0]!;
    const plain = `${name}@bücher.example.com`;
    const spellings = [
      plain,
      `${name.toUpperCase()}@BÜCHER.EXAMPLE.COM`,
      `${name}@xn--bcher-kva.example.com`,
      `${name}@bücher.example.com.`,
      `${name}@bu\u0308cher.example.com`,
      `${name}@bücher。example.com`,
      ` ${name}@bücher.example.com `,
      [...name].map((c) => (/[a-z]/.test(c) ? String.fromCodePoint(c.codePointAt(0)! + 0xfee0) : c)).join('') +
        '@bücher.example.com',
    ];
    const email = `${name}@xn--bcher-kva.example.com`;
    for (const spelling of spellings) expect((await register(spelling).expect(201)).body.email).toBe(email);
    const tokens = await tokensTo(email, spellings.length);
    const answers = await atOnce(tokens.length, (i) => verify(tokens[i]!));
    expect(countStatuses(answers)).toEqual({ 200: 1, 400: spellings.length - 1 });
    for (const spelling of spellings) expect((await login(spelling).expect(200)).body.user.email).toBe(email);
  });

  it('case 11: HTML, line breaks and javascript: in names make no markup, header or foreign link in a mail', async () => {
    for (const name of ['Ada\r\nBcc: all@example.com', 'Ada\nLovelace', 'Ada\u2028x', 'Ada\u0000', '\u202Eevil', '   '])
      expect((await register(newEmail(), { fullName: name })).status, JSON.stringify(name)).toBe(400);
    await register(newEmail(), { organizationName: 'Evil\r\nCo' }).expect(400);

    const email = newEmail();
    const fullName = `Ada <img src=x onerror=alert(1)> https://evil.example javascript:alert(1) "'&`;
    await register(email, { fullName }).expect(201);
    const { subject, text, html } = await mailTo(tenon, email, 'verify-email');
    expect(subject).toBe('Confirm your e-mail address');
    const link = `https://app.tenon.test/verify-email?token=${tokenIn(text)}`;
    expect(html.match(/(href|src)\s*=\s*"[^"]*"/g)).toEqual([`href="${link}"`]);
    expect(html).not.toMatch(/<img|<script/i);
    // Mail clients make links of what looks like an address; after `:` and `.` there is a space everywhere else.
    for (const part of [text, html]) {
      expect(part.replaceAll(link, '')).not.toMatch(/[a-z]:\/\/|\w\.example|\bscript:\S/i);
      expect(part).toContain('Ada');
    }
  });
});

describe('A2 e-mail verification', () => {
  it('case 1: fifty at once with one token make one person', async () => {
    const email = newEmail();
    await register(email, { organizationName: 'Fifty' }).expect(201);
    const token = await mailedToken(tenon, email, 'verify-email');
    const answers = await atOnce(50, () => verify(token));
    expect(countStatuses(answers)).toEqual({ 200: 1, 400: 49 });
    expect(answers.filter(({ status }) => status === 400).every(({ body }) => body.code === 'link_invalid')).toBe(true);
    const people = await rows('select id from users where email = $1', email);
    expect(people).toHaveLength(1);
    expect(await entriesOf(tenon.db, 'user.registered', people[0].id)).toHaveLength(1);
    expect(await rows(`select from organizations where name = 'Fifty'`)).toHaveLength(1);
  });

  it('of several registrations of one address, verified at once, one wins', async () => {
    const email = newEmail();
    await atOnce(12, (i) => register(email, { fullName: `Number ${i}` }));
    const tokens = await tokensTo(email, 12);
    const answers = await atOnce(12, (i) => verify(tokens[i]!));
    expect(countStatuses(answers)).toEqual({ 200: 1, 400: 11 });
    expect(await rows('select from registrations where email = $1', email)).toHaveLength(0);
  });

  it('two registrations of one address, proven at the same moment, do not wait for each other', async () => {
    const email = newEmail();
    await register(email).expect(201);
    await register(email).expect(201);
    const tokens = await tokensTo(email, 2);
    const blocker = await tenon.db.sql.connect();
    await blocker.query('begin; lock table users in share mode');
    const answers = atOnce(2, (i) => verify(tokens[i]!));
    // Both have taken their registration, or wait for it, and none could make the person yet.
    await expect
      .poll(() => rows(`select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`))
      .toHaveLength(2);
    await blocker.query('commit');
    blocker.release();
    expect(countStatuses(await answers)).toEqual({ 200: 1, 400: 1 });
  });

  it('ends after 24 hours', async () => {
    const email = newEmail();
    await register(email).expect(201);
    const token = await mailedToken(tenon, email, 'verify-email');
    const [{ hours }] = await rows(
      `select extract(epoch from expires_at - created_at) / 3600 as hours from registrations where email = $1`,
      email,
    );
    expect(Number(hours)).toBe(24);
    await rows('update registrations set expires_at = now() where email = $1', email);
    expect((await verify(token).expect(400)).body.code).toBe('link_invalid');
    // An expired registration is nobody: its password tells nothing.
    await login(email).expect(401);
  });

  it('refuses an unknown token, and what is none', async () => {
    expect((await verify('x'.repeat(43)).expect(400)).body.code).toBe('link_invalid');
    for (const token of ['', '../..', 'a'.repeat(201), 7, null, ['a'], { $ne: '' }])
      expect((await post('verify-email', { token }).expect(400)).body.code).toBe('validation_failed');
  });

  it('a resent link works and kills the old one', async () => {
    const email = newEmail();
    await register(email).expect(201);
    const old = await mailedToken(tenon, email, 'verify-email');
    await post('verify-email/resend', { email }).expect(202, { accepted: true });
    const [fresh] = await tokensTo(email, 2);
    expect((await verify(old).expect(400)).body.code).toBe('link_invalid');
    await verify(fresh!).expect(200);
    await login(email).expect(200);
  });

  it('an imported person who was not verified proves the address; a resent link kills the old one', async () => {
    const { email, userId } = await insertPerson(tenon.db, { verified: false });
    expect((await login(email).expect(403)).body.code).toBe('email_not_verified');
    await post('verify-email/resend', { email }).expect(202);
    const [old] = await tokensTo(email, 1);
    await post('verify-email/resend', { email }).expect(202);
    const [fresh] = await tokensTo(email, 2);
    expect((await verify(old!).expect(400)).body.code).toBe('link_invalid');
    await verify(fresh!).expect(200);
    expect((await login(email).expect(200)).body.user.id).toBe(userId);
  });

  it('a link of before is dead once the address was proven by a reset, and another taken', async () => {
    const { email } = await insertPerson(tenon.db, { verified: false });
    await post('verify-email/resend', { email }).expect(202);
    const [link] = await tokensTo(email, 1);
    await post('password/forgot', { email }).expect(202);
    const reset = await mailedToken(tenon, email, 'password-reset');
    await post('password/reset', { token: reset, password: OTHER_PASSWORD }).expect(204);
    const person = await signIn(tenon, email, OTHER_PASSWORD);
    const moved = newEmail();
    await tenon.http
      .post('/api/v1/users/me/email')
      .set(person.auth)
      .send({ email: moved, currentPassword: OTHER_PASSWORD })
      .expect(202);
    const token = await mailedToken(tenon, moved, 'email-change-confirm');
    await post('email-change/confirm', { token }).expect(204);
    expect((await verify(link!).expect(400)).body.code).toBe('link_invalid');
  });
});

describe('A1 organization named at registration', () => {
  it('exists once the address is proven, with its owner, and is listed', async () => {
    const email = newEmail();
    await register(email, { organizationName: 'Analytical Engines' }).expect(201);
    expect(await rows(`select from organizations where name = 'Analytical Engines'`)).toHaveLength(0);
    await verify(await mailedToken(tenon, email, 'verify-email')).expect(200);
    const { auth } = await signIn(tenon, email);
    const { body } = await tenon.http.get('/api/v1/organizations').set(auth).expect(200);
    expect(body.data).toEqual([
      {
        id: expect.any(String),
        name: 'Analytical Engines',
        slug: 'analytical-engines',
        status: 'active',
        role: 'owner',
        joinedAt: expect.any(String),
      },
    ]);
    const stranger = await newPerson(tenon);
    expect((await tenon.http.get('/api/v1/organizations').set(stranger.auth).expect(200)).body.data).toEqual([]);
  });

  it('another one of the same name gets another slug, also at the same time', async () => {
    const emails = Array.from({ length: 8 }, () => newEmail());
    const tokens = await Promise.all(
      emails.map(async (email) => {
        await register(email, { organizationName: 'Same Name' }).expect(201);
        return mailedToken(tenon, email, 'verify-email');
      }),
    );
    expect(countStatuses(await atOnce(8, (i) => verify(tokens[i]!)))).toEqual({ 200: 8 });
    const slugs = (await rows(`select slug from organizations where name = 'Same Name'`)).map(({ slug }) => slug);
    expect(new Set(slugs).size).toBe(8);
    expect(slugs).toContain('same-name');
    for (const slug of slugs) expect(slug).toMatch(/^same-name(-[a-z0-9]{8})?$/);
  });

  it('a name without letters of ASCII gets a slug, too, and a long one a short one', async () => {
    await newPerson(tenon, { organizationName: '株式会社' });
    await newPerson(tenon, { organizationName: `${'a'.repeat(49)} ${'b'.repeat(60)}` });
    const [{ slug }] = await rows(`select slug from organizations where name = '株式会社'`);
    expect(slug).toMatch(/^organization(-[a-z0-9]{8})?$/);
    const [long] = await rows(`select slug from organizations where name like 'aaaa%'`);
    expect(long.slug).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
  });
});

describe('case 17: the answer does not tell whether an address is known', () => {
  const known = { unknown: '', known: '', disabled: '', waiting: '', imported: '' };
  beforeAll(async () => {
    known.unknown = newEmail();
    known.known = (await insertPerson(tenon.db)).email;
    known.disabled = (await insertPerson(tenon.db, { status: 'disabled' })).email;
    known.imported = (await insertPerson(tenon.db, { verified: false })).email;
    known.waiting = newEmail();
    await register(known.waiting).expect(201);
  });

  const wrong = { password: OTHER_PASSWORD };
  it.each([
    ['register', { password: PASSWORD, fullName: 'Grace Hopper' }, 201],
    ['verify-email/resend', {}, 202],
    ['password/forgot', {}, 202],
    ['login', wrong, 401],
  ])('%s: same status, headers, body and statements', async (path, more, status) => {
    const statements = recordStatements(tenon);
    const answers = [];
    for (const email of Object.values(known)) {
      const { headers, body, ...answer } = await post(path, { email, ...more });
      expect(answer.status, email).toBe(status);
      answers.push({
        headers: Object.keys(headers).sort(),
        length: headers['content-length'],
        body: shapeOf(body),
        statements: statements.take().map((list) => list.map(withoutValues)),
      });
    }
    statements.stop();
    expect(answers[0]!.statements[0]!.length).toBeGreaterThan(3);
    for (const answer of answers) expect({ ...answer, length: null }).toEqual({ ...answers[0], length: null });
    // The addresses differ in nothing but random digits, so the answers have one length.
    if (path !== 'register') for (const { length } of answers) expect(length).toBe(answers[0]!.length);
  });

  it('login: a disabled person with the right password gets the answer of a wrong one', async () => {
    const disabled = await insertPerson(tenon.db, { status: 'disabled' });
    const statements = recordStatements(tenon);
    const right = await login(disabled.email).expect(401);
    const [ofRight] = statements.take();
    const unknown = await login(newEmail()).expect(401);
    const [ofUnknown] = statements.take();
    statements.stop();
    expect(right.body.code).toBe(unknown.body.code);
    expect(ofRight!.map(withoutValues)).toEqual(ofUnknown!.map(withoutValues));
  });

  it('mails are the only difference: nobody unknown or disabled gets one', async () => {
    await post('verify-email/resend', { email: known.waiting }).expect(202);
    await mailTo(tenon, known.waiting, 'verify-email');
    await mailTo(tenon, known.known, 'password-reset');
    for (const email of [known.unknown, known.disabled])
      expect(await mailsTo(tenon, email, 'password-reset')).toEqual([]);
    expect(await mailsTo(tenon, known.disabled, 'verify-email')).toEqual([]);
  });

  /** The shape of a body; its values apart from stable ones. */
  function shapeOf(body: Record<string, unknown>): unknown {
    return Object.fromEntries(
      Object.entries(body).map(([key, value]) => [
        key,
        ['userId', 'email', 'requestId'].includes(key) ? typeof value : value,
      ]),
    );
  }

  function withoutValues(statement: string): string {
    return statement.replaceAll(/E?'(?:[^']|'')*'|\bnull\b/g, '?');
  }
});

describe('case 20: an attacker registers the address of a victim', () => {
  const ATTACKER = OTHER_PASSWORD;

  it('before the victim: the proof of the victim ends it', async () => {
    const email = newEmail('victim');
    await register(email, { password: ATTACKER, fullName: 'Mallory', organizationName: 'Trap' }).expect(201);
    const [theirs] = await tokensTo(email, 1);
    await login(email, ATTACKER).expect(403);
    await register(email).expect(201);
    const [mine] = await tokensTo(email, 2);
    await verify(mine!).expect(200);
    await login(email, ATTACKER).expect(401);
    expect((await verify(theirs!).expect(400)).body.code).toBe('link_invalid');
    expect(await rows('select from registrations where email = $1', email)).toHaveLength(0);
    const victim = await signIn(tenon, email);
    const { body } = await tenon.http.get('/api/v1/users/me').set(victim.auth).expect(200);
    expect(body.fullName).toBe('Ada Lovelace');
    expect((await tenon.http.get('/api/v1/organizations').set(victim.auth)).body.data).toEqual([]);
  });

  it('after the victim, before the proof: the victim’s own link still carries the victim’s password', async () => {
    const email = newEmail('victim');
    await register(email).expect(201);
    const [mine] = await tokensTo(email, 1);
    await register(email, { password: ATTACKER, fullName: 'Mallory' }).expect(201);
    const [theirs] = await tokensTo(email, 2);
    await verify(mine!).expect(200);
    await login(email).expect(200);
    await login(email, ATTACKER).expect(401);
    await verify(theirs!).expect(400);
  });

  it('after the proof: nothing that was registered then can ever be proven', async () => {
    const { email } = await newPerson(tenon);
    await register(email, { password: ATTACKER }).expect(201);
    await mailTo(tenon, email, 'registration-attempt');
    await post('verify-email/resend', { email }).expect(202);
    await expect
      .poll(() => rows(`select from outbox where topic = 'registration.resend' and status = 'pending'`))
      .toEqual([]);
    expect(await mailsTo(tenon, email, 'verify-email')).toHaveLength(1);
    expect((await login(email, ATTACKER).expect(403)).body.code).toBe('email_not_verified');
    await login(email).expect(200);
  });

  it('the victim was tricked into the attacker’s link: a reset ends the attacker’s password and sessions', async () => {
    const email = newEmail('victim');
    await register(email, { password: ATTACKER, fullName: 'Mallory' }).expect(201);
    await verify(await mailedToken(tenon, email, 'verify-email')).expect(200);
    const attacker = await signIn(tenon, email, ATTACKER);
    await post('password/forgot', { email }).expect(202);
    const token = await mailedToken(tenon, email, 'password-reset');
    await post('password/reset', { token, password: PASSWORD }).expect(204);
    await login(email, ATTACKER).expect(401);
    await post('refresh', { refreshToken: attacker.refreshToken }).expect(401);
    await login(email).expect(200);
  });

  it('a registration that waits dies when its address is taken by a change, or the account of it is deleted', async () => {
    const email = newEmail('victim');
    await register(email, { password: ATTACKER }).expect(201);
    const [theirs] = await tokensTo(email, 1);
    const person = await newPerson(tenon);
    await tenon.http
      .post('/api/v1/users/me/email')
      .set(person.auth)
      .send({ email, currentPassword: PASSWORD })
      .expect(202);
    await post('email-change/confirm', { token: await mailedToken(tenon, email, 'email-change-confirm') }).expect(204);
    await verify(theirs!).expect(400);
    await register(email, { password: ATTACKER }).expect(201);
    const { auth } = await signIn(tenon, email);
    await tenon.http.delete('/api/v1/users/me').set(auth).send({ currentPassword: PASSWORD }).expect(202);
    expect(await rows('select from registrations where email = $1', email)).toHaveLength(0);
  });
});

describe('case 27: nobody gives themselves rights by a body', () => {
  const SLIPPED = [
    'role',
    'organizationId',
    'emailVerified',
    'platformRole',
    'permissions',
    'status',
    'userId',
  ] as const;

  it('every route refuses each property that it does not name, and changes nothing', async () => {
    const person = await newPerson(tenon);
    const admin = await signInAdmin(tenon);
    const token = 'x'.repeat(43);
    const email = newEmail();
    const routes: ['post' | 'patch' | 'delete', string, object, object?][] = [
      ['post', '/api/v1/auth/register', { email, password: PASSWORD, fullName: 'Ada' }],
      ['post', '/api/v1/auth/verify-email', { token }],
      ['post', '/api/v1/auth/verify-email/resend', { email }],
      ['post', '/api/v1/auth/login', { email: person.email, password: PASSWORD }],
      ['post', '/api/v1/auth/refresh', { refreshToken: person.refreshToken }],
      ['post', '/api/v1/auth/password/forgot', { email: person.email }],
      ['post', '/api/v1/auth/password/reset', { token, password: OTHER_PASSWORD }],
      ['post', '/api/v1/auth/password/change', { currentPassword: PASSWORD, newPassword: OTHER_PASSWORD }, person.auth],
      ['post', '/api/v1/auth/email-change/confirm', { token }],
      ['post', '/api/v1/auth/email-change/undo', { token }],
      ['post', '/api/v1/users/me/email', { email, currentPassword: PASSWORD }, person.auth],
      ['patch', '/api/v1/users/me', { fullName: 'Eve' }, person.auth],
      ['delete', '/api/v1/users/me', { currentPassword: PASSWORD }, person.auth],
      ['patch', `/api/v1/admin/users/${person.userId}`, {}, admin.auth],
    ];
    const before = await rows('select * from users where id = $1', person.userId);
    for (const [method, path, body, auth = {}] of routes)
      for (const field of SLIPPED) {
        // The one route that does take a status.
        if (field === 'status' && path.includes('/admin/')) continue;
        const value = field === 'emailVerified' ? true : field === 'permissions' ? ['*'] : 'admin';
        const answer = await tenon.http[method](path)
          .set(auth as { authorization: string })
          .send({ ...body, [field]: value });
        expect(answer.status, `${method} ${path} ${field}`).toBe(400);
        expect(answer.body.errors).toContainEqual(expect.objectContaining({ field, code: 'unknown_property' }));
      }
    expect(await rows('select * from users where id = $1', person.userId)).toEqual(before);
    expect(await rows('select from registrations where email = $1', email)).toHaveLength(0);
    await login(person.email).expect(200);
  });
});
