import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ChangeBus } from '../src/database/change-bus.js';
import { newId } from '../src/kernel/ids.js';
import { atOnce, countStatuses, entriesOf } from './harness/accounts.js';
import { startApp, type TestApp } from './harness/app.js';
import { createDatabase, type TestDatabase } from './harness/database.js';
import { insertMember, insertOrganization, insertStranger, type Member } from './harness/organizations.js';
import { mailTo, signInAdmin } from './harness/people.js';
import { PostgresProxy } from './harness/postgres-proxy.js';

let db: TestDatabase;
let proxy: PostgresProxy;
/** `far` hears of changes through the proxy. */
let near: TestApp;
let far: TestApp;
beforeAll(async () => {
  db = await createDatabase();
  proxy = await PostgresProxy.start(db.appUrl);
  // One issuer: a token of the one is good at the other.
  const env = { PUBLIC_URL: 'https://tenon.test' };
  near = await startApp({ db, env });
  far = await startApp({ db, env: { ...env, DATABASE_DIRECT_URL: proxy.url } });
});
afterAll(async () => {
  await Promise.all([near.close(), far.close()]);
  await proxy.close();
  await db.drop();
});

/** An organization with a member of each of these roles. */
async function company<R extends string>(...roles: R[]): Promise<{ path: string; id: string } & Record<R, Member>> {
  const { organizationId, path } = await insertOrganization(db);
  const people: Partial<Record<R, Member>> = {};
  for (const role of roles)
    people[role] = await insertMember(near, organizationId, role.replace(/\d$/, ''), { fullName: `The ${role}` });
  return { id: organizationId, path, ...(people as Record<R, Member>) };
}

const list = (path: string, { auth }: Member, query: Record<string, string | number> = {}) =>
  near.http.get(`${path}/members`).query(query).set(auth);
const patch = (path: string, { auth }: Member, { userId }: Member, body: object) =>
  near.http.patch(`${path}/members/${userId}`).set(auth).send(body);
const remove = (path: string, { auth }: Member, { userId }: Member) =>
  near.http.delete(`${path}/members/${userId}`).set(auth);
const rolesIn = async (id: string): Promise<Record<string, string>> => {
  const { rows } = await db.sql.query<{ user_id: string; role: string }>(
    'select user_id, role from user_organization_membership where organization_id = $1',
    [id],
  );
  return Object.fromEntries(rows.map(({ user_id, role }) => [user_id, role]));
};
const mailsTo = async ({ email }: Member): Promise<object[]> =>
  (await db.sql.query(`select topic from outbox where summary ->> 'to' = $1`, [email])).rows;
const ownersOf = async (id: string): Promise<number> =>
  Object.values(await rolesIn(id)).filter((role) => role === 'owner').length;

describe('O2 the list of members', () => {
  it('gives each with name, address, role and when they joined, oldest first, to viewers too', async () => {
    const { path, owner, viewer } = await company('owner', 'viewer');
    const { body } = await list(path, viewer).expect(200);
    expect(body.meta).toMatchObject({ total: 2, totalPages: 1 });
    expect(body.data).toEqual(
      [owner, viewer].map(({ userId, email, fullName, role }) => ({
        userId,
        email,
        fullName,
        role,
        joinedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      })),
    );
  });

  it('goes by who joined first or last, and each page is the same from either end', async () => {
    const { path, id, owner } = await company('owner');
    await db.sql.query(
      `with people as (
         insert into users (id, email, full_name, created_at, updated_at)
         select gen_random_uuid(), 'many.' || n || '@${id}.example', 'Many ' || n, now(), now() from generate_series(1, 22) n
         returning id)
       insert into user_organization_membership (organization_id, user_id, role, joined_at)
       select $1, id, 'member', now() - interval '1 day' * (row_number() over () % 4) from people`,
      [id],
    );
    const { rows } = await db.sql.query<{ user_id: string }>(
      'select user_id from user_organization_membership where organization_id = $1 order by joined_at, user_id',
      [id],
    );
    const expected = rows.map(({ user_id }) => user_id);
    expect(expected).toHaveLength(23);
    for (const [sort, order] of [
      [undefined, expected],
      ['joinedAt', expected],
      ['-joinedAt', expected.toReversed()],
    ] as const)
      for (let page = 1; page <= 6; page += 1) {
        const { body } = await list(path, owner, { page, perPage: 5, ...(sort && { sort }) }).expect(200);
        expect(body.meta).toMatchObject({ total: 23, totalPages: 5, hasNext: page < 5 });
        expect(body.data.map(({ userId }: Member) => userId)).toEqual(order.slice((page - 1) * 5, page * 5));
      }
  });

  it('is filtered by role, and by a part of name or address taken literally', async () => {
    const { path, owner, admin, viewer } = await company('owner', 'admin', 'viewer');
    const found = async (query: Record<string, string | number>) => {
      const { body } = await list(path, owner, query).expect(200);
      return { total: body.meta.total as number, ids: body.data.map(({ userId }: Member) => userId) as string[] };
    };
    expect(await found({ role: 'admin' })).toEqual({ total: 1, ids: [admin.userId] });
    expect(await found({ role: 'none' })).toEqual({ total: 0, ids: [] });
    expect(await found({ q: viewer.email.slice(0, 12).toUpperCase() })).toEqual({ total: 1, ids: [viewer.userId] });
    expect(await found({ q: 'tHE ADM' })).toEqual({ total: 1, ids: [admin.userId] });
    expect(await found({ q: 'the', role: 'owner' })).toEqual({ total: 1, ids: [owner.userId] });
    for (const q of ['%', '_', '\\', "'"]) expect(await found({ q })).toEqual({ total: 0, ids: [] });
    expect(await found({ q: 'the', sort: '-joinedAt', perPage: 2, page: 2 })).toEqual({
      total: 3,
      ids: [owner.userId],
    });
    expect(await found({ q: 'the', perPage: 2, page: 9 })).toEqual({ total: 3, ids: [] });
  });

  it('case 8: sorts by nothing else', async () => {
    const { path, owner } = await company('owner');
    for (const sort of ['email', 'joined_at', 'joinedAt;drop', '--joinedAt']) {
      const { body } = await list(path, owner, { sort }).expect(400);
      expect(body.errors).toMatchObject([{ field: 'sort', code: 'sort_not_allowed' }]);
    }
  });

  it('shows one member, and nobody of another organization (case 2)', async () => {
    const { path, viewer, owner } = await company('owner', 'viewer');
    const other = await company('owner');
    const { body } = await near.http.get(`${path}/members/${owner.userId}`).set(viewer.auth).expect(200);
    expect(body).toMatchObject({ userId: owner.userId, email: owner.email, role: 'owner' });
    for (const userId of [other.owner.userId, newId()])
      await near.http.get(`${path}/members/${userId}`).set(viewer.auth).expect(404);
    await patch(path, owner, other.owner, { role: 'viewer' }).expect(404);
    await remove(path, owner, other.owner).expect(404);
    for (const answer of [
      await list(path, other.owner),
      await patch(path, other.owner, viewer, { role: 'admin' }),
      await remove(path, other.owner, viewer),
    ])
      expect(answer.status).toBe(404);
    expect(await ownersOf(other.id)).toBe(1);
  });
});

describe('O2 another role', () => {
  it('is given at once, stands in the trail, and its member is told', async () => {
    const { path, id, owner, viewer } = await company('owner', 'viewer');
    await near.http.patch(`${path}/members/${owner.userId}`).set(viewer.auth).send({ role: 'member' }).expect(403);
    const { body } = await patch(path, owner, viewer, { role: 'admin' }).expect(200);
    expect(body).toMatchObject({ userId: viewer.userId, email: viewer.email, role: 'admin' });
    const another = await insertMember(near, id, 'viewer');
    await patch(path, viewer, another, { role: 'member' }).expect(200);
    expect(await entriesOf(db, 'member.role_changed', viewer.userId)).toMatchObject([
      { actor_id: owner.userId, actor_role: 'owner', before: { role: 'viewer' }, after: { role: 'admin' } },
    ]);
    const { text } = await mailTo(near, viewer.email, 'role-changed');
    expect(text).toContain('Analytical Engines your role is now: admin');
  });

  it('that is the same one changes nothing and tells nobody', async () => {
    const { path, owner, viewer } = await company('owner', 'viewer');
    await patch(path, owner, viewer, { role: 'viewer' }).expect(200);
    expect(await entriesOf(db, 'member.role_changed', viewer.userId)).toEqual([]);
    expect(await mailsTo(viewer)).toEqual([]);
  });

  it.each([
    ['owner', 'admin', 'owner', 200],
    ['owner', 'owner2', 'viewer', 200],
    ['admin', 'member', 'admin', 200],
    ['admin', 'admin2', 'viewer', 200],
    ['admin', 'member', 'owner', 403],
    ['admin', 'owner', 'viewer', 403],
    ['member', 'viewer', 'member', 403],
    ['viewer', 'member', 'viewer', 403],
  ] as const)('a %s makes a %s %s: %i', async (by, whom, role, status) => {
    const people = await company('owner', 'owner2', 'admin', 'admin2', 'member', 'viewer');
    const { body } = await patch(people.path, people[by], people[whom], { role }).expect(status);
    if (status === 403) expect(body.code).toBe('permission_denied');
    expect((await rolesIn(people.id))[people[whom].userId]).toBe(status === 200 ? role : people[whom].role);
  });

  it('by a custom role: never with more than it holds, never of somebody who holds more', async () => {
    const { path, id, admin, viewer, member } = await company('owner', 'admin', 'member', 'viewer');
    for (const [key, permissions] of [
      ['clerk', '{members:update,organization:read,members:read,settings:read,plan:read}'],
      ['reader', '{members:read}'],
      ['auditor', '{audit:read}'],
    ])
      await db.sql.query(
        `insert into organization_roles (organization_id, key, name, permissions, created_at, updated_at)
         values ($1, $2, $2, $3, now(), now())`,
        [id, key, permissions],
      );
    const clerk = await insertMember(near, id, 'clerk');
    const reader = await insertMember(near, id, 'reader');
    await patch(path, clerk, reader, { role: 'clerk' }).expect(200);
    await patch(path, clerk, reader, { role: 'reader' }).expect(200);
    for (const role of ['auditor', 'viewer', 'admin', 'owner']) await patch(path, clerk, reader, { role }).expect(403);
    for (const above of [viewer, member, admin]) await patch(path, clerk, above, { role: 'reader' }).expect(403);
  });

  it('case 28: is never given to oneself, in no direction and no spelling', async () => {
    const { path, id, owner, admin } = await company('owner', 'owner2', 'admin');
    for (const self of [owner, admin])
      for (const role of ['owner', 'admin', 'member', 'viewer', 'nothing']) {
        const { body } = await patch(path, self, self, { role }).expect(403);
        expect(body.code).toBe('permission_denied');
        const upper = { ...self, userId: self.userId.toUpperCase() };
        await patch(path, self, upper, { role }).expect(403);
      }
    expect(await rolesIn(id)).toMatchObject({ [owner.userId]: 'owner', [admin.userId]: 'admin' });
    const denied = await entriesOf(db, 'permission.denied', admin.userId);
    expect(denied).toHaveLength(10);
    expect(denied[0]).toMatchObject({
      organization_id: id,
      outcome: 'failure',
      reason: 'Nobody changes their own role',
    });
  });

  it('that the organization does not have is refused by field, also one of another organization', async () => {
    const { path, owner, viewer } = await company('owner', 'viewer');
    const other = await company('owner');
    await db.sql.query(
      `insert into organization_roles (organization_id, key, name, permissions, created_at, updated_at)
       values ($1, 'theirs', 'Theirs', '{members:read}', now(), now())`,
      [other.id],
    );
    for (const role of ['theirs', 'Admin', 'platform-admin', '*', 'constructor']) {
      const { body } = await patch(path, owner, viewer, { role }).expect(400);
      expect(body).toMatchObject({ code: 'validation_failed', errors: [{ field: 'role', code: 'role_unknown' }] });
    }
    for (const role of ['', null, ['admin'], { $ne: '' }, 7, 'x'.repeat(41)])
      await patch(path, owner, viewer, { role } as object).expect(400);
  });

  it('case 27: nothing else can be slipped in', async () => {
    const { path, owner, viewer } = await company('owner', 'viewer');
    for (const extra of ['organizationId', 'emailVerified', 'platformRole', 'permissions', 'userId', 'joinedAt']) {
      const { body } = await patch(path, owner, viewer, { role: 'member', [extra]: 'admin' }).expect(400);
      expect(body.errors).toMatchObject([{ field: extra, code: 'unknown_property' }]);
    }
  });

  it('is for a platform admin to give, to owners too, and the trail says in which role', async () => {
    const { path, id, owner, viewer } = await company('owner', 'viewer');
    const admin = (await signInAdmin(near)) as unknown as Member;
    await patch(path, admin, viewer, { role: 'owner' }).expect(200);
    await patch(path, admin, owner, { role: 'viewer' }).expect(200);
    expect(await rolesIn(id)).toEqual({ [owner.userId]: 'viewer', [viewer.userId]: 'owner' });
    expect((await entriesOf(db, 'member.role_changed', owner.userId))[0]).toMatchObject({
      actor_role: 'platform-admin',
      organization_id: id,
    });
  });
});

describe('O2 removing and leaving', () => {
  it('removes a member, who is told', async () => {
    const { path, id, admin, viewer } = await company('owner', 'admin', 'viewer');
    await remove(path, admin, viewer).expect(204);
    expect(await rolesIn(id)).not.toHaveProperty(viewer.userId);
    await remove(path, admin, viewer).expect(404);
    await list(path, viewer).expect(404);
    expect(await entriesOf(db, 'member.removed', viewer.userId)).toMatchObject([
      { actor_id: admin.userId, organization_id: id, before: { role: 'viewer' }, after: null },
    ]);
    const { text } = await mailTo(near, viewer.email, 'member-removed');
    expect(text).toContain('You were removed from the organization: Analytical Engines');
    expect((await list(path, admin).expect(200)).body.meta.total).toBe(2);
  });

  it('lets everybody leave, without a mail', async () => {
    const people = await company('owner', 'owner2', 'admin', 'viewer');
    for (const role of ['owner2', 'admin', 'viewer'] as const) {
      const upper = { ...people[role], userId: people[role].userId.toUpperCase() };
      await remove(people.path, people[role], role === 'admin' ? upper : people[role]).expect(204);
      expect(await entriesOf(db, 'member.left', people[role].userId)).toHaveLength(1);
      await list(people.path, people[role]).expect(404);
      expect(await mailsTo(people[role])).toEqual([]);
    }
    expect(await ownersOf(people.id)).toBe(1);
  });

  it.each([
    ['admin', 'owner'],
    ['member', 'viewer'],
    ['viewer', 'viewer2'],
  ] as const)('a %s does not remove a %s, and that it was tried is kept', async (by, whom) => {
    const people = await company('owner', 'owner2', 'admin', 'member', 'viewer', 'viewer2');
    const { body } = await remove(people.path, people[by], people[whom]).expect(403);
    expect(body.code).toBe('permission_denied');
    expect(await rolesIn(people.id)).toHaveProperty(people[whom].userId);
    expect(await entriesOf(db, 'permission.denied', people[by].userId)).toHaveLength(1);
  });
});

describe('O2 case 26: the last owner', () => {
  it('neither leaves nor is demoted nor removed', async () => {
    const { path, id, owner } = await company('owner', 'admin');
    const admin = (await signInAdmin(near)) as unknown as Member;
    for (const answer of [
      await remove(path, owner, owner),
      await patch(path, admin, owner, { role: 'admin' }),
      await remove(path, admin, owner),
    ])
      expect([answer.status, answer.body.code]).toEqual([409, 'last_owner']);
    expect(await rolesIn(id)).toMatchObject({ [owner.userId]: 'owner' });
  });

  it('is the last one, too, beside owners who cannot sign in', async () => {
    const { path, id, owner, owner2 } = await company('owner', 'owner2');
    await db.sql.query(`update users set status = 'disabled' where id = $1`, [owner2.userId]);
    expect((await remove(path, owner, owner).expect(409)).body.code).toBe('last_owner');
    await patch(path, owner, owner2, { role: 'viewer' }).expect(200);
    expect(await ownersOf(id)).toBe(1);
  });

  it('stays when two demote each other at once', async () => {
    for (let round = 0; round < 5; round += 1) {
      const { path, id, owner, owner2 } = await company('owner', 'owner2');
      const answers = await Promise.all([
        patch(path, owner, owner2, { role: 'viewer' }),
        patch(path, owner2, owner, { role: 'viewer' }),
      ]);
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
      expect(await ownersOf(id)).toBe(1);
    }
  });

  it('stays when two leave and demote each other, 50 at once', async () => {
    const { path, id, owner, owner2 } = await company('owner', 'owner2');
    const answers = await atOnce(50, async (n) => {
      const [one, other] = n % 2 ? [owner, owner2] : [owner2, owner];
      return n % 4 < 2 ? patch(path, one, other, { role: 'viewer' }) : remove(path, one, one);
    });
    expect(await ownersOf(id)).toBe(1);
    const counts = countStatuses(answers);
    // Whoever lost has no right any more, or is gone.
    expect(Object.keys(counts).filter((status) => !['200', '204', '403', '404', '409'].includes(status))).toEqual([]);
    expect((counts[200] ?? 0) + (counts[204] ?? 0)).toBeGreaterThan(0);
  });

  it('stays when all of ten leave at once', async () => {
    const { path, id, owner } = await company('owner');
    const owners = [owner, ...(await atOnce(9, () => insertMember(near, id, 'owner')))];
    const answers = await Promise.all(owners.map((one) => remove(path, one, one)));
    expect(countStatuses(answers)).toEqual({ 204: 9, 409: 1 });
    expect(await ownersOf(id)).toBe(1);
  });
});

describe('O2 case 24: on another instance', () => {
  const reads = async ({ path }: { path: string }, { auth }: Member): Promise<number> =>
    (await far.http.get(`${path}/members`).set(auth)).status;
  const invites = async ({ path }: { path: string }, { auth }: Member): Promise<number> =>
    (await far.http.get(`${path}/roles`).set(auth)).status;

  async function lowerAndRemove(): Promise<void> {
    const people = await company('owner', 'admin', 'viewer');
    expect([await invites(people, people.admin), await reads(people, people.viewer)]).toEqual([200, 200]);
    await patch(people.path, people.owner, people.admin, { role: 'viewer' }).expect(200);
    await remove(people.path, people.owner, people.viewer).expect(204);
    await expect.poll(() => invites(people, people.admin)).toBe(403);
    await expect.poll(() => reads(people, people.viewer)).toBe(404);
    await patch(people.path, people.owner, people.admin, { role: 'admin' }).expect(200);
    await expect.poll(() => invites(people, people.admin)).toBe(200);
  }

  it('a lowered role and a removed member are refused within a second', lowerAndRemove);

  it('an edited role changes what its members may do there', async () => {
    const people = await company('owner');
    const role = { key: 'reader', name: 'Reader', permissions: ['members:read', 'roles:manage'] };
    await near.http.post(`${people.path}/roles`).set(people.owner.auth).send(role).expect(201);
    const reader = await insertMember(near, people.id, 'reader');
    expect([await reads(people, reader), await invites(people, reader)]).toEqual([200, 200]);
    await near.http
      .patch(`${people.path}/roles/reader`)
      .set(people.owner.auth)
      .send({ permissions: ['members:read'] })
      .expect(200);
    await expect.poll(() => invites(people, reader)).toBe(403);
    expect(await reads(people, reader)).toBe(200);
  });

  it('case 35: also while the change bus is down', async () => {
    const bus = far.app.get(ChangeBus);
    proxy.refusing = true;
    proxy.cut();
    await expect.poll(() => bus.up).toBe(false);
    try {
      await lowerAndRemove();
      expect(bus.up).toBe(false);
    } finally {
      proxy.refusing = false;
    }
    await expect.poll(() => bus.up).toBe(true);
  });
});

describe('O2 whoever does not belong', () => {
  it('sees and changes nothing', async () => {
    const { path, owner } = await company('owner');
    const stranger = await insertStranger(near);
    await list(path, stranger).expect(404);
    await patch(path, stranger, owner, { role: 'viewer' }).expect(404);
    await remove(path, stranger, owner).expect(404);
    await remove(path, stranger, stranger).expect(404);
  });
});
