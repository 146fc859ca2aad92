import { pbkdf2Sync, randomBytes, scryptSync } from 'node:crypto';
import { hashSync as argon2 } from '@node-rs/argon2';
import { hashSync as bcrypt } from '@node-rs/bcrypt';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { atOnce, countStatuses, entriesOf, insertPerson, openSession } from './harness/accounts.js';
import { PASSWORD, startApp, type TestApp } from './harness/app.js';
import { mailedToken, newEmail, signInAdmin } from './harness/people.js';

const WRONG = 'nine purple kettles sing loudly';
const NEW = 'twelve quiet lanterns drift home';
const TODAY = /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/;

let tenon: TestApp;
beforeAll(async () => {
  tenon = await startApp();
});
afterAll(() => tenon.close());

const login = (email: string, password: string = PASSWORD) =>
  tenon.http.post('/api/v1/auth/login').send({ email, password });
const rows = async (text: string, ...values: unknown[]) => (await tenon.db.sql.query(text, values)).rows;
const hashOf = async (userId: string): Promise<string> =>
  (await rows('select password_hash from password_credentials where user_id = $1', userId))[0].password_hash;
const liveSessions = (userId: string) =>
  rows('select id from user_sessions where user_id = $1 and revoked_at is null', userId);

const salt = randomBytes(16);
const base64 = (bytes: Buffer): string => bytes.toString('base64').replace(/=+$/, '');
/** Of PASSWORD; 2^17 rounds of 8, twice, which is the dearest that is let in: about 0.8 s, in which a test can do what it wants. */
const SLOW_HASH = `$scrypt$ln=17,r=8,p=2$${base64(salt)}$${base64(scryptSync(PASSWORD, salt, 32, { N: 2 ** 17, r: 8, p: 2, maxmem: 2 ** 28 }))}`;

describe('A3 password login', () => {
  it('answers with both tokens and the person', async () => {
    const { email, userId } = await insertPerson(tenon.db);
    const { body, headers } = await login(email).expect(200);
    expect(body).toEqual({
      accessToken: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
      refreshToken: expect.stringMatching(/^test\.[\w-]{43}$/),
      tokenType: 'Bearer',
      expiresIn: 900,
      user: { id: userId, email, fullName: 'Ada Lovelace', platformRole: null },
    });
    expect(headers['cache-control']).toBe('no-store');
    const stored = await rows(`select string_agg(to_jsonb(r)::text, '') as all from refresh_tokens r`);
    expect(stored[0].all).not.toContain(body.refreshToken);
    expect(await entriesOf(tenon.db, 'session.opened', userId)).toMatchObject([
      { outcome: 'success', actor_kind: 'anonymous', ip: '127.0.0.1', target_type: 'session' },
    ]);
  });

  it('a wrong password, an unknown, a disabled and a password-less person answer alike, and are remembered', async () => {
    const { email, userId } = await insertPerson(tenon.db);
    const disabled = await insertPerson(tenon.db, { status: 'disabled' });
    const passwordless = await insertPerson(tenon.db);
    await rows('delete from password_credentials where user_id = $1', passwordless.userId);
    const answers = [
      await login(email, WRONG),
      await login(newEmail()),
      await login(disabled.email),
      await login(passwordless.email),
    ];
    for (const { status, body } of answers) {
      expect(status).toBe(401);
      expect(body).toMatchObject({ code: 'invalid_credentials', title: 'E-mail or password is wrong' });
    }
    const entries = await entriesOf(tenon.db, 'password.refused', userId);
    expect(entries).toMatchObject([{ outcome: 'failure', reason: 'invalid_credentials', target_id: email }]);
    expect(JSON.stringify(entries)).not.toContain(WRONG);
  });

  it('says that the address is not verified only to the right password', async () => {
    const { email } = await insertPerson(tenon.db, { verified: false });
    expect((await login(email, WRONG).expect(401)).body.code).toBe('invalid_credentials');
    expect((await login(email).expect(403)).body.code).toBe('email_not_verified');
  });

  it('case 17: whoever registered an address does not learn by signing in whether it has an account', async () => {
    const { email } = await insertPerson(tenon.db);
    const answers = [];
    for (const address of [email, newEmail()]) {
      const registration = { email: address, password: NEW, fullName: 'Mallory' };
      await tenon.http.post('/api/v1/auth/register').send(registration).expect(201);
      for (const password of [NEW, WRONG]) {
        const { status, body } = await login(address, password);
        answers.push([status, body.code]);
      }
    }
    const [right, wrong] = [
      [403, 'email_not_verified'],
      [401, 'invalid_credentials'],
    ];
    expect(answers).toEqual([right, wrong, right, wrong]);
    await login(email).expect(200);
  });

  it('takes the same characters in another Unicode form', async () => {
    const { email } = await insertPerson(tenon.db, { hash: argon2('bücher über brücken'.normalize('NFC')) });
    await login(email, 'bücher über brücken'.normalize('NFD')).expect(200);
  });

  it.each([
    ['bcrypt', bcrypt(PASSWORD, { cost: 12 })],
    ['bcrypt of PHP', bcrypt(PASSWORD, { cost: 10 }).replace('$2b$', '$2y$')],
    ['scrypt', `$scrypt$ln=14,r=8,p=1$${base64(salt)}$${base64(scryptSync(PASSWORD, salt, 32, { N: 2 ** 14 }))}`],
    [
      'PBKDF2 of Django',
      `pbkdf2_sha256$26000$pepper$${pbkdf2Sync(PASSWORD, 'pepper', 26_000, 32, 'sha256').toString('base64')}`,
    ],
    ['argon2 of other parameters', argon2(PASSWORD, { algorithm: 2, memoryCost: 4_096, timeCost: 1 })],
  ])('an imported hash of %s signs in and is replaced; a wrong password leaves it', async (_, hash) => {
    const { email, userId } = await insertPerson(tenon.db, { hash });
    await login(email, WRONG).expect(401);
    expect(await hashOf(userId)).toBe(hash);
    await login(email).expect(200);
    const replaced = await hashOf(userId);
    expect(replaced).toMatch(TODAY);
    await login(email).expect(200);
    expect(await hashOf(userId)).toBe(replaced);
  });

  it('several sign-ins at once with an imported hash all succeed', async () => {
    const { email, userId } = await insertPerson(tenon.db, { hash: bcrypt(PASSWORD, { cost: 8 }) });
    expect(countStatuses(await atOnce(8, () => login(email)))).toEqual({ 200: 8 });
    expect(await hashOf(userId)).toMatch(TODAY);
  });

  it('case 25: bcrypt with bytes after 72 is refused and never re-hashed; a reset is the way in', async () => {
    const long = `${'open sesame '.repeat(6)}and then some`;
    expect(Buffer.byteLength(long)).toBeGreaterThan(72);
    const hash = bcrypt(long, { cost: 8 });
    const { email, userId } = await insertPerson(tenon.db, { hash });
    for (const password of [long, `${long} or anything`, `${long.slice(0, 72)}else`])
      await login(email, password).expect(401);
    expect(await hashOf(userId)).toBe(hash);
    await login(email, long.slice(0, 72)).expect(200);
    // The 72 bytes are the whole password from now on.
    await login(email, long).expect(401);
  });
});

describe('A4 lockout', () => {
  beforeEach(() => rows('truncate login_attempts'));
  afterEach(() => rows('drop trigger if exists long_block on login_attempts'));

  /** Every block lasts an hour, so that none ends in the middle of a test. */
  const holdBlocks = () =>
    rows(`create or replace function long_block() returns trigger language plpgsql as
            $$ begin if new.blocked_until is not null then new.blocked_until := now() + interval '1 hour'; end if; return new; end $$;
          create trigger long_block before insert or update on login_attempts for each row execute function long_block()`);
  const fail = async (email: string, times: number): Promise<void> => {
    for (let n = 0; n < times; n += 1) await login(email, WRONG).expect(401);
  };

  it.each(['known', 'unknown'])('case 18: 500 wrong passwords at once for a %s address: ten checks', async (kind) => {
    await holdBlocks();
    const email = kind === 'known' ? (await insertPerson(tenon.db)).email : newEmail();
    const answers = await atOnce(500, () => login(email, WRONG));
    expect(countStatuses(answers)).toEqual({ 401: 10, 429: 490 });
    for (const { status, body, headers } of answers)
      if (status === 429) {
        expect(body.code).toBe('too_many_attempts');
        expect(Number(headers['retry-after'])).toBeGreaterThan(0);
      }
    const refused = (await entriesOf(tenon.db, 'password.refused')).filter(({ target_id }) => target_id === email);
    expect(refused).toHaveLength(10);
    const locked = (await entriesOf(tenon.db, 'password.locked')).filter(({ target_id }) => target_id === email);
    expect(locked).toMatchObject([{ outcome: 'failure', reason: 'too_many_attempts' }]);
  });

  it('the right password does not get past a block', async () => {
    await holdBlocks();
    const { email } = await insertPerson(tenon.db);
    await fail(email, 10);
    await login(email).expect(429);
  });

  it('every spelling of an address shares the block', async () => {
    await holdBlocks();
    const { email } = await insertPerson(tenon.db);
    await fail(email, 5);
    await fail(`${email.toUpperCase()}.`, 5);
    await login(email).expect(429);
  });

  it('case 18: login, password change, e-mail change and deletion share it; a reset lets the victim in', async () => {
    await holdBlocks();
    const { email, userId } = await insertPerson(tenon.db);
    const { auth } = await openSession(tenon, userId);
    const paths = [
      (password: string) => login(email, password),
      (password: string) =>
        tenon.http.post('/api/v1/auth/password/change').set(auth).send({ currentPassword: password, newPassword: NEW }),
      (password: string) =>
        tenon.http.post('/api/v1/users/me/email').set(auth).send({ currentPassword: password, email: newEmail() }),
      (password: string) => tenon.http.delete('/api/v1/users/me').set(auth).send({ currentPassword: password }),
    ];
    for (let n = 0; n < 10; n += 1) {
      const { status, body } = await paths[n % paths.length]!(WRONG);
      expect(status).toBe(401);
      expect(body.code).toBe('invalid_credentials');
    }
    for (const path of paths) expect((await path(PASSWORD)).status).toBe(429);
    await tenon.http.post('/api/v1/auth/password/forgot').send({ email }).expect(202);
    const token = await mailedToken(tenon, email, 'password-reset');
    await tenon.http.post('/api/v1/auth/password/reset').send({ token, password: NEW }).expect(204);
    await login(email, NEW).expect(200);
  });

  it('success forgets the failures', async () => {
    const { email } = await insertPerson(tenon.db);
    for (let round = 0; round < 3; round += 1) {
      await fail(email, 9);
      await login(email).expect(200);
    }
    expect(await failures()).toBeUndefined();
  });

  it('a right password is given back, whatever comes of the request', async () => {
    const { email, userId } = await insertPerson(tenon.db);
    const { auth } = await openSession(tenon, userId);
    const change = (newPassword: string) =>
      tenon.http.post('/api/v1/auth/password/change').set(auth).send({ currentPassword: PASSWORD, newPassword });
    for (let n = 0; n < 6; n += 1) {
      await change('short').expect(400);
      await change(PASSWORD).expect(400);
      await tenon.http.post('/api/v1/users/me/email').set(auth).send({ currentPassword: PASSWORD, email }).expect(400);
    }
    expect(await failures()).toBeUndefined();
    await login(email).expect(200);
  });

  it('case 18: the password of a registration makes no room for guesses at the account', async () => {
    const { email } = await insertPerson(tenon.db);
    await tenon.http.post('/api/v1/auth/register').send({ email, password: NEW, fullName: 'Mallory' }).expect(201);
    for (let guess = 0; guess < 9; guess += 1) {
      await login(email, WRONG).expect(401);
      await login(email, NEW).expect(403);
    }
    await login(email, WRONG).expect(401);
    await login(email, NEW).expect(429);
    await login(email, WRONG).expect(429);
  });

  it('the wait doubles from one second to a quarter of an hour, and Retry-After tells it', async () => {
    const email = newEmail();
    await fail(email, 9);
    const waits: number[] = [];
    for (let n = 0; n < 12; n += 1) {
      await rows('update login_attempts set blocked_until = now()');
      await fail(email, 1);
      // expires_at is a day after the attempt began.
      const [{ seconds }] = await rows(
        `select floor(extract(epoch from blocked_until - expires_at + interval '1 day')) as seconds
           from login_attempts where failures = $1`,
        10 + n,
      );
      waits.push(Number(seconds));
      if (n > 4) {
        const { headers } = await login(email, WRONG).expect(429);
        expect(Number(headers['retry-after'])).toBeLessThanOrEqual(Number(seconds));
        expect(Number(headers['retry-after'])).toBeGreaterThan(Number(seconds) / 2);
      }
    }
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]);
  });

  it('what comes during a block is not counted, and a day without attempts forgets all', async () => {
    await holdBlocks();
    const email = newEmail();
    await fail(email, 10);
    for (let n = 0; n < 3; n += 1) await login(email, WRONG).expect(429);
    expect(await failures()).toBe(10);
    await rows(`update login_attempts set expires_at = now() - interval '1 second'`);
    await rows('drop trigger long_block on login_attempts');
    await rows('update login_attempts set blocked_until = now()');
    await fail(email, 1);
    expect(await failures()).toBe(1);
  });

  it('keeps no address: the table holds keyed hashes', async () => {
    const email = newEmail();
    await fail(email, 1);
    const [{ all }] = await rows(`select string_agg(to_jsonb(l)::text, '') as all from login_attempts l`);
    expect(all).not.toContain(Buffer.from(email).toString('hex'));
  });

  /** How many failures stand against the one address of the test. */
  const failures = async (): Promise<number | undefined> =>
    (await rows('select failures from login_attempts'))[0]?.failures;
});

describe('A3 a password that was right when it was checked', () => {
  /** Starts a request that checks a slow hash; resolves once it is being computed. */
  async function whileHashing<T>(request: () => PromiseLike<T>): Promise<{ answer: Promise<T> }> {
    await rows('truncate login_attempts');
    const answer = Promise.resolve(request());
    await expect.poll(() => rows('select from login_attempts')).toHaveLength(1);
    return { answer };
  }
  const forgot = async (email: string): Promise<string> => {
    await tenon.http.post('/api/v1/auth/password/forgot').send({ email }).expect(202);
    return mailedToken(tenon, email, 'password-reset');
  };
  const reset = (token: string) =>
    tenon.http.post('/api/v1/auth/password/reset').send({ token, password: NEW }).expect(204);

  it('opens no session once a reset has returned', async () => {
    const { email, userId } = await insertPerson(tenon.db, { hash: SLOW_HASH });
    const token = await forgot(email);
    const { answer } = await whileHashing(() => login(email));
    await reset(token);
    expect((await answer).status).toBe(401);
    expect(await liveSessions(userId)).toEqual([]);
    expect(await hashOf(userId)).toMatch(TODAY);
    await login(email, NEW).expect(200);
    await login(email).expect(401);
  });

  it('opens no session once the person was disabled', async () => {
    const { email, userId } = await insertPerson(tenon.db, { hash: SLOW_HASH });
    const admin = await signInAdmin(tenon);
    const { answer } = await whileHashing(() => login(email));
    await tenon.http.patch(`/api/v1/admin/users/${userId}`).set(admin.auth).send({ status: 'disabled' }).expect(200);
    expect((await answer).status).toBe(401);
    expect(await liveSessions(userId)).toEqual([]);
  });

  it('sets no other password over the one of a reset', async () => {
    const { email, userId } = await insertPerson(tenon.db, { hash: SLOW_HASH });
    const attacker = await openSession(tenon, userId);
    const token = await forgot(email);
    const { answer } = await whileHashing(() =>
      tenon.http
        .post('/api/v1/auth/password/change')
        .set(attacker.auth)
        .send({ currentPassword: PASSWORD, newPassword: WRONG }),
    );
    await reset(token);
    expect((await answer).status).toBe(401);
    await login(email, WRONG).expect(401);
    await login(email, NEW).expect(200);
  });

  it('deletes no account after a reset', async () => {
    const { email, userId } = await insertPerson(tenon.db, { hash: SLOW_HASH });
    const attacker = await openSession(tenon, userId);
    const token = await forgot(email);
    const { answer } = await whileHashing(() =>
      tenon.http.delete('/api/v1/users/me').set(attacker.auth).send({ currentPassword: PASSWORD }),
    );
    await reset(token);
    expect((await answer).status).toBe(401);
    await login(email, NEW).expect(200);
  });
});
