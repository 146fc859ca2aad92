import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { atOnce, countStatuses, entriesOf, insertPerson, isSignedIn, openSession } from './harness/accounts.js';
import { PASSWORD, startApp, type TestApp } from './harness/app.js';
import { mailsTo, mailTo, newEmail, type Person, signInAdmin } from './harness/people.js';

const USERS = '/api/v1/admin/users';
const UNKNOWN = '0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f00';

let tenon: TestApp;
let admin: Person;
beforeAll(async () => {
  tenon = await startApp();
  admin = await signInAdmin(tenon);
});
afterAll(() => tenon.close());

type Row = { id: string; email: string; fullName: string; status: string };
const get = (path = '', query: object = {}) => tenon.http.get(`${USERS}${path}`).query(query).set(admin.auth);
const list = async (query: object): Promise<Row[]> => (await get('', query).expect(200)).body.data;
const emails = async (query: object): Promise<string[]> => (await list(query)).map(({ email }) => email);
const patch = (id: string, body: object, auth = admin.auth) => tenon.http.patch(`${USERS}/${id}`).set(auth).send(body);
const rows = async (text: string, ...values: unknown[]) => (await tenon.db.sql.query(text, values)).rows;

describe('P7 the list of people', () => {
  const tag = `list${Math.random().toString(36).slice(2, 8)}`;
  beforeAll(async () => {
    for (let n = 0; n < 7; n += 1)
      await insertPerson(tenon.db, {
        email: `${tag}.${n}@example.com`,
        // Few names, so that the order among equals matters.
        fullName: n % 2 ? 'Same Name' : 'Another Name',
        status: n === 6 ? 'disabled' : 'active',
      });
  });

  it('pages with numbers and links that keep the filters', async () => {
    const { body } = await get('', { q: tag, perPage: 3, page: 2, sort: 'email' }).expect(200);
    expect(body.data.map(({ email }: Row) => email)).toEqual([3, 4, 5].map((n) => `${tag}.${n}@example.com`));
    expect(body.meta).toEqual({ page: 2, perPage: 3, total: 7, totalPages: 3, hasNext: true, hasPrevious: true });
    const link = (page: number) => `${USERS}?q=${tag}&perPage=3&page=${page}&sort=email`;
    expect(body.links).toEqual({ self: link(2), first: link(1), previous: link(1), next: link(3), last: link(3) });
  });

  it.each(['fullName', '-fullName', 'email', '-createdAt'])(
    'following next by %s meets everybody once',
    async (sort) => {
      const met: string[] = [];
      for (let next = `${USERS}?perPage=2&q=${tag}&sort=${sort}`; next;) {
        const page = (await tenon.http.get(next).set(admin.auth).expect(200)).body;
        met.push(...page.data.map(({ email }: Row) => email));
        next = page.links.next;
      }
      expect(met).toHaveLength(7);
      expect(new Set(met).size).toBe(7);
    },
  );

  it('a page beyond the end is empty and leads back', async () => {
    const { body } = await get('', { q: tag, perPage: 5, page: 9 }).expect(200);
    expect(body.data).toEqual([]);
    expect(body.meta).toMatchObject({ page: 9, total: 7, totalPages: 2, hasNext: false, hasPrevious: true });
    expect(body.links).toMatchObject({ previous: expect.stringContaining('page=2'), next: null });
  });

  it('shows what an admin needs, and nothing of secrets', async () => {
    const [row] = await list({ q: `${tag}.0` });
    expect(Object.keys(row!).sort()).toEqual(
      [
        'createdAt',
        'email',
        'emailVerified',
        'fullName',
        'id',
        'locale',
        'platformRole',
        'status',
        'timeZone',
        'updatedAt',
      ].sort(),
    );
  });

  it('filters by status, by part of address or name in any case', async () => {
    expect(await emails({ q: tag, status: 'disabled' })).toEqual([`${tag}.6@example.com`]);
    expect(await list({ q: tag, status: 'active' })).toHaveLength(6);
    expect(await list({ q: tag.toUpperCase() })).toHaveLength(7);
    expect((await list({ q: 'aNOTHER nAME' })).length).toBe(4);
  });

  it('case 8: signs of LIKE and SQL are text', async () => {
    const odd = await insertPerson(tenon.db, { fullName: String.raw`100%_sure\ 'quoted"` });
    for (const q of ['100%', '%_', String.raw`sure\ `, `'quoted"`]) expect(await emails({ q }), q).toEqual([odd.email]);
    for (const q of ['1%0', '1_0', `${tag[0]}%`, `' or 1=1 --`, `${tag}'; drop table users; --`, '$1', '?', ':q'])
      expect(await emails({ q }), q).toEqual([]);
  });

  it.each([
    { perPage: 201 },
    { perPage: 0 },
    { perPage: -1 },
    { perPage: 'many' },
    { perPage: 1.5 },
    { page: 0 },
    { page: 1e9 },
    { page: '1;drop table users' },
    { page: '' },
    { sort: 'password' },
    { sort: 'passwordHash' },
    { sort: 'platform_role' },
    { sort: 'email desc; drop table users' },
    { sort: '--email' },
    { sort: '__proto__' },
    { sort: 'constructor' },
    { sort: '' },
    { status: 'anything' },
    { status: 'active,disabled' },
    { q: 'x'.repeat(121) },
    { q: '\u0000' },
    { other: 'x' },
    { q: ['a', 'b'] },
    { page: [1, 2] },
    { sort: ['email', 'fullName'] },
  ])('refuses %j', async (query) => {
    expect((await get('', query).expect(400)).body.code).toBe('validation_failed');
  });

  it('a person by id; an unknown one is not found, and what is no id is refused', async () => {
    const { userId, email } = await insertPerson(tenon.db);
    expect((await get(`/${userId}`).expect(200)).body).toMatchObject({ id: userId, email, status: 'active' });
    expect((await get(`/${UNKNOWN}`).expect(404)).body.code).toBe('not_found');
    await get('/1').expect(400);
    await get(`/${userId}%00`).expect(400);
  });
});

describe('A9 disabling and enabling people', () => {
  it('is remembered with before and after, once, however often it is asked', async () => {
    const { userId, email } = await insertPerson(tenon.db);
    const { auth } = await openSession(tenon, userId);
    const answers = await atOnce(8, () => patch(userId, { status: 'disabled' }));
    expect(countStatuses(answers)).toEqual({ 200: 8 });
    expect(answers[0]!.body).toMatchObject({ id: userId, status: 'disabled' });
    await expect.poll(() => isSignedIn(tenon, auth)).toBe(false);
    await mailTo(tenon, email, 'account-disabled');
    expect(await mailsTo(tenon, email, 'account-disabled')).toHaveLength(1);
    await patch(userId, { status: 'active' }).expect(200);
    expect(await entriesOf(tenon.db, 'user.disabled', userId)).toMatchObject([
      { actor_id: admin.userId, before: { status: 'active' }, after: { status: 'disabled' } },
    ]);
    expect(await entriesOf(tenon.db, 'user.enabled', userId)).toHaveLength(1);
  });

  it('takes a status and nothing else', async () => {
    const { userId } = await insertPerson(tenon.db);
    const [before] = await rows('select * from users where id = $1', userId);
    for (const body of [
      {},
      { status: 'deleted' },
      { status: null },
      { status: ['disabled'] },
      { status: 'disabled', platformRole: 'admin' },
      { status: 'disabled', email: newEmail() },
      { platformRole: 'admin' },
      { fullName: 'Eve' },
    ])
      expect((await patch(userId, body).expect(400)).body.code, JSON.stringify(body)).toBe('validation_failed');
    expect((await rows('select * from users where id = $1', userId))[0]).toEqual(before);
  });

  it('finds neither an unknown nor a deleted person', async () => {
    await patch(UNKNOWN, { status: 'disabled' }).expect(404);
    const { userId } = await insertPerson(tenon.db);
    const { auth } = await openSession(tenon, userId);
    await tenon.http.delete('/api/v1/users/me').set(auth).send({ currentPassword: PASSWORD }).expect(202);
    for (const status of ['active', 'disabled']) await patch(userId, { status }).expect(404);
    expect((await get(`/${userId}`).expect(200)).body).toMatchObject({ status: 'deleted', fullName: 'Deleted user' });
  });

  it('a person who deletes themselves while they are disabled stays deleted', async () => {
    for (let round = 0; round < 4; round += 1) {
      const { userId } = await insertPerson(tenon.db);
      const { auth } = await openSession(tenon, userId);
      const answers = await Promise.all([
        tenon.http.delete('/api/v1/users/me').set(auth).send({ currentPassword: PASSWORD }),
        patch(userId, { status: 'disabled' }),
      ]);
      for (const { status } of answers) expect(status).toBeLessThan(500);
      const [{ status, email }] = await rows('select status, email from users where id = $1', userId);
      expect(status === 'deleted').toBe(email.endsWith('@deleted.invalid'));
    }
  });

  it('the last platform admin stays', async () => {
    expect((await patch(admin.userId, { status: 'disabled' }).expect(409)).body.code).toBe('last_admin');
    // The same id in another spelling.
    const upper = admin.userId.toUpperCase();
    expect((await patch(upper, { status: 'disabled' }).expect(409)).body.code).toBe('last_admin');
    await insertPerson(tenon.db, { platformRole: 'admin', status: 'disabled' });
    expect((await patch(admin.userId, { status: 'disabled' }).expect(409)).body.code).toBe('last_admin');
    expect(await isSignedIn(tenon, admin.auth)).toBe(true);
  });

  it('of two admins who disable each other at once one stays', async () => {
    for (let round = 0; round < 4; round += 1) {
      const [one, two] = await atOnce(2, async () => {
        const { userId } = await insertPerson(tenon.db, { platformRole: 'admin' });
        return { userId, ...(await openSession(tenon, userId)) };
      });
      await rows('update users set platform_role = null where id = $1', admin.userId);
      const answers = await Promise.all([
        patch(two!.userId, { status: 'disabled' }, one!.auth),
        patch(one!.userId, { status: 'disabled' }, two!.auth),
      ]);
      const active = await rows(`select id from users where platform_role = 'admin' and status = 'active'`);
      await rows(`update users set platform_role = null where platform_role = 'admin'`);
      await rows(`update users set platform_role = 'admin' where id = $1`, admin.userId);
      expect(active).toHaveLength(1);
      expect(answers.map(({ status }) => status).sort()).toContain(200);
      for (const { status } of answers) expect([200, 401, 403, 409]).toContain(status);
    }
  });
});

describe('P4 who is no platform admin', () => {
  it('is refused, changes nothing, and each refusal is remembered', async () => {
    const victim = await insertPerson(tenon.db);
    const { userId } = await insertPerson(tenon.db);
    const { auth, sessionId } = await openSession(tenon, userId);
    const asks = [
      tenon.http.get(USERS).set(auth),
      tenon.http.get(`${USERS}/${victim.userId}`).set(auth),
      patch(victim.userId, { status: 'disabled' }, auth),
      // Before validation: nothing is told of what would be right.
      patch('not-an-id', { platformRole: 'admin' }, auth),
    ];
    for (const ask of asks) expect((await ask.expect(403)).body.code).toBe('permission_denied');
    const entries = await entriesOf(tenon.db, 'permission.denied', userId);
    expect(entries).toHaveLength(4);
    for (const entry of entries)
      expect(entry).toMatchObject({
        outcome: 'failure',
        reason: 'platform-admin',
        actor_id: userId,
        session_id: sessionId,
        target_type: 'route',
        target_id: expect.stringContaining('/admin/users'),
      });
    expect(await rows('select status from users where id = $1', victim.userId)).toEqual([{ status: 'active' }]);
  });

  it('without a session is asked to sign in', async () => {
    for (const ask of [tenon.http.get(USERS), tenon.http.patch(`${USERS}/${UNKNOWN}`).send({ status: 'disabled' })])
      expect((await ask.expect(401)).body.code).toBe('authentication_required');
  });

  it('any more is refused at once', async () => {
    const { userId } = await insertPerson(tenon.db, { platformRole: 'admin' });
    const { auth } = await openSession(tenon, userId);
    await tenon.http.get(USERS).set(auth).expect(200);
    await rows('update users set platform_role = null where id = $1', userId);
    await tenon.http.get(USERS).set(auth).expect(403);
  });
});
