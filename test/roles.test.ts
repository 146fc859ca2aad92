import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../src/kernel/ids.js';
import { permissions, PERMISSIONS, permissionsOf } from '../src/kernel/permissions.js';
import { atOnce, countStatuses, entriesOf } from './harness/accounts.js';
import { startApp, type TestApp } from './harness/app.js';
import { insertMember, insertOrganization, type Member } from './harness/organizations.js';
import { signInAdmin } from './harness/people.js';

let tenon: TestApp;
let path: string;
let organizationId: string;
let owner: Member;
let admin: Member;
beforeAll(async () => {
  tenon = await startApp();
  ({ path, organizationId } = await insertOrganization(tenon.db));
  owner = await insertMember(tenon, organizationId, 'owner');
  admin = await insertMember(tenon, organizationId, 'admin');
});
afterAll(() => tenon.close());

type Who = Pick<Member, 'auth'>;
const newKey = (): string => `role-${newId().slice(-12)}`;
const aRole = (role: object = {}) => ({ key: newKey(), name: 'Reader', permissions: ['members:read'], ...role });
const post = (who: Who, role: object, at = path) => tenon.http.post(`${at}/roles`).set(who.auth).send(role);
const patch = (who: Who, key: string, changes: object, at = path) =>
  tenon.http.patch(`${at}/roles/${key}`).set(who.auth).send(changes);
const remove = (who: Who, key: string, at = path) => tenon.http.delete(`${at}/roles/${key}`).set(who.auth);
const give = (member: Member, role: string) =>
  tenon.http.patch(`${path}/members/${member.userId}`).set(owner.auth).send({ role });

async function made(role: object = {}): Promise<string> {
  const { body } = await post(owner, aRole(role)).expect(201);
  return body.key as string;
}

/** Somebody with a role of these permissions. */
async function withRole(...held: string[]): Promise<Member> {
  return insertMember(tenon, organizationId, await made({ permissions: held }));
}

const stored = async (key: string): Promise<Record<string, unknown> | undefined> =>
  (
    await tenon.db.sql.query('select * from organization_roles where organization_id = $1 and key = $2', [
      organizationId,
      key,
    ])
  ).rows[0];

describe('O3 the roles of an organization', () => {
  it('are the four that all have, and its own after them', async () => {
    const fresh = await insertOrganization(tenon.db);
    const boss = await insertMember(tenon, fresh.organizationId, 'admin');
    for (const key of ['zebra', 'ant']) await post(boss, aRole({ key }), fresh.path).expect(201);
    const all = (await tenon.http.get(`${fresh.path}/roles`).set(boss.auth).expect(200)).body;
    expect(all.meta.total).toBe(6);
    expect(all.data.map(({ key, builtIn }: { key: string; builtIn: boolean }) => [key, builtIn])).toEqual([
      ['owner', true],
      ['admin', true],
      ['member', true],
      ['viewer', true],
      ['ant', false],
      ['zebra', false],
    ]);
    expect(all.data[1].permissions).toEqual([...permissionsOf('admin', new Map())]);
    const pages = await Promise.all(
      [1, 2, 3].map(
        async (page) =>
          (await tenon.http.get(`${fresh.path}/roles`).query({ page, perPage: 3 }).set(boss.auth).expect(200)).body,
      ),
    );
    expect(pages.flatMap(({ data }) => data)).toEqual(all.data);
    expect(pages[1].meta).toMatchObject({ page: 2, total: 6, totalPages: 2, hasNext: false });
  });

  it('can be looked at one by one, and need roles:manage', async () => {
    const key = await made({ name: 'Porter', description: 'Opens doors' });
    const { body, headers } = await tenon.http.get(`${path}/roles/${key}`).set(admin.auth).expect(200);
    expect(body).toEqual({
      key,
      name: 'Porter',
      description: 'Opens doors',
      permissions: ['members:read'],
      builtIn: false,
      version: 1,
    });
    expect(headers.etag).toBe('"1"');
    const { body: viewer } = await tenon.http.get(`${path}/roles/viewer`).set(admin.auth).expect(200);
    expect(viewer).toMatchObject({ name: 'Viewer', builtIn: true, version: 1 });
    await tenon.http.get(`${path}/roles/none`).set(admin.auth).expect(404);
    const member = await insertMember(tenon, organizationId, 'member');
    for (const answer of [
      await tenon.http.get(`${path}/roles`).set(member.auth),
      await post(member, aRole()),
      await patch(member, key, { name: 'X' }),
      await remove(member, key),
    ])
      expect([answer.status, answer.body.code]).toEqual([403, 'permission_denied']);
  });

  it('case 2: are the organization’s own', async () => {
    const other = await insertOrganization(tenon.db);
    const theirs = await insertMember(tenon, other.organizationId, 'owner');
    const key = await made();
    for (const at of [path, other.path])
      for (const answer of [
        await tenon.http.get(`${at}/roles/${key}`).set(theirs.auth),
        await patch(theirs, key, { name: 'Mine' }, at),
        await remove(theirs, key, at),
      ])
        expect(answer.status).toBe(404);
    expect(await stored(key)).toMatchObject({ name: 'Reader', version: 1 });
    await post(theirs, aRole({ key }), other.path).expect(201);
  });
});

describe('O3 a role of one’s own', () => {
  it('is made, given, and permits what it says', async () => {
    const role = aRole({ name: '  Receptionist ', permissions: ['members:invite', 'members:read'] });
    const { body, headers } = await post(admin, role).expect(201);
    expect(body).toEqual({ ...role, name: 'Receptionist', description: null, builtIn: false, version: 1 });
    expect(headers.etag).toBe('"1"');
    expect((await entriesOf(tenon.db, 'role.created')).at(-1)).toMatchObject({
      organization_id: organizationId,
      actor_id: admin.userId,
      user_id: null,
      target_type: 'role',
      target_id: role.key,
      after: { name: 'Receptionist', description: null, permissions: role.permissions },
    });
    const person = await insertMember(tenon, organizationId, 'viewer');
    await give(person, role.key).expect(200);
    await tenon.http.get(`${path}/members`).set(person.auth).expect(200);
    await tenon.http.get(`${path}/invitations`).set(person.auth).expect(200);
    await tenon.http.get(`${path}/settings`).set(person.auth).expect(403);
  });

  it.each([
    ['key', ['', 'a', 'A', 'Admin', '1a', '-a', 'a_b', 'a b', 'a'.repeat(41), 'owner', 'viewer', 'platform-admin', 7]],
    ['name', ['', ' ', 'a\nb', 'x'.repeat(121), null, {}]],
    ['description', ['x'.repeat(501), 7, ['x']]],
    [
      'permissions',
      [
        [],
        ['*'],
        ['members:*'],
        ['members:read', 'members:read'],
        ['members:fly'],
        ['toString'],
        ['constructor'],
        [['members:read']],
        [{ toString: 'x', valueOf: 'y' }],
        'members:read',
        null,
        {},
        ...PERMISSIONS.filter((key) => permissions[key].ownerOnly).map((key) => ['members:read', key]),
      ],
    ],
  ] as [string, unknown[]][])('is refused with another %s, by field', async (field, values) => {
    for (const value of values) {
      const { body } = await post(owner, aRole({ [field]: value })).expect(400);
      expect(body.errors.map((error: { field: string }) => error.field)).toContain(field);
    }
  });

  it('case 27: takes nothing slipped in, neither when it is made nor later', async () => {
    const key = await made();
    for (const extra of ['organizationId', 'builtIn', 'version', 'roles', 'emailVerified', 'platformRole']) {
      await post(owner, aRole({ [extra]: 'owner' })).expect(400);
      await patch(owner, key, { [extra]: 'owner' }).expect(400);
    }
    await patch(owner, key, { key: 'other' }).expect(400);
    expect(await stored(key)).toMatchObject({ version: 1 });
  });

  it('has a key of its own: of many at once one is made', async () => {
    const role = aRole();
    const answers = await atOnce(20, () => post(owner, role));
    expect(countStatuses(answers)).toEqual({ 201: 1, 409: 19 });
    for (const { status, body } of answers) if (status === 409) expect(body.code).toBe('role_key_taken');
  });

  it('counts against the plan, also when many are made at once', async () => {
    await tenon.db.sql.query(
      `insert into plans (key, name, custom_roles, created_at, updated_at) values ('three-roles', 'Three', 3, now(), now())`,
    );
    const small = await insertOrganization(tenon.db, { plan: 'three-roles' });
    const boss = await insertMember(tenon, small.organizationId, 'owner');
    const answers = await atOnce(20, (n) => post(boss, aRole({ key: `role-${n}` }), small.path));
    expect(countStatuses(answers)).toEqual({ 201: 3, 409: 17 });
    for (const { status, body } of answers) if (status === 409) expect(body.code).toBe('plan_limit_reached');
    const one = answers.find(({ status }) => status === 201)!.body.key as string;
    await remove(boss, one, small.path).expect(204);
    await post(boss, aRole(), small.path).expect(201);
  });
});

describe('O3 case 28: never more than one holds', () => {
  it('an admin hands on what admins hold, and nothing else', async () => {
    const beyond = ['organization:update', 'policies:update', 'cleanup:manage'];
    for (const permission of beyond) {
      const { body } = await post(admin, aRole({ permissions: ['members:read', permission] })).expect(403);
      expect(body).toMatchObject({ code: 'permission_denied', detail: expect.stringContaining(permission) });
    }
    await post(admin, aRole({ permissions: [...permissionsOf('admin', new Map())] })).expect(201);
    const key = await made();
    await patch(admin, key, { permissions: beyond }).expect(403);
    expect(await stored(key)).toMatchObject({ permissions: ['members:read'] });
  });

  it('a custom role hands on no more than its own', async () => {
    const clerk = await withRole('roles:manage', 'members:read', 'members:update');
    const key = newKey();
    await post(clerk, aRole({ key, permissions: ['members:read', 'roles:manage'] })).expect(201);
    await post(clerk, aRole({ permissions: ['members:read', 'audit:read'] })).expect(403);
    await patch(clerk, key, { permissions: ['audit:read'] }).expect(403);
    await patch(clerk, key, { permissions: ['members:update'] }).expect(200);
  });

  it('nobody changes their own role, not even its name', async () => {
    const clerk = await withRole('roles:manage', 'members:read');
    for (const changes of [{ name: 'Better' }, { permissions: ['members:read'] }, { description: 'x' }, {}])
      await patch(clerk, clerk.role, changes).expect(403);
    await remove(clerk, clerk.role).expect(409);
    expect(await stored(clerk.role)).toMatchObject({ name: 'Reader', version: 1 });
  });

  it('nobody changes or removes a role that holds more than they do', async () => {
    const clerk = await withRole('roles:manage', 'members:read');
    const key = await made({ permissions: ['audit:read'] });
    await patch(clerk, key, { permissions: ['members:read'] }).expect(403);
    await patch(clerk, key, { name: 'Mine' }).expect(403);
    await remove(clerk, key).expect(403);
    expect(await entriesOf(tenon.db, 'permission.denied', clerk.userId)).toHaveLength(3);
    await remove(owner, key).expect(204);
  });

  it('the four that all organizations have stay as they are, also for platform admins', async () => {
    const platformAdmin = await signInAdmin(tenon);
    for (const who of [owner, platformAdmin])
      for (const key of ['owner', 'admin', 'member', 'viewer']) {
        await patch(who, key, { permissions: ['members:read'] }).expect(403);
        await remove(who, key).expect(403);
      }
    await post(platformAdmin, aRole({ permissions: ['cleanup:manage'] })).expect(201);
  });
});

describe('O3 P22 changing a role', () => {
  it('changes what is named, clears with null, and counts versions', async () => {
    const key = await made({ description: 'Before' });
    const { body, headers } = await patch(admin, key, { name: 'Porter', description: null }).expect(200);
    expect(body).toMatchObject({ key, name: 'Porter', description: null, permissions: ['members:read'], version: 2 });
    expect(headers.etag).toBe('"2"');
    expect((await entriesOf(tenon.db, 'role.updated')).at(-1)).toMatchObject({
      target_id: key,
      before: { name: 'Reader', description: 'Before' },
      after: { name: 'Porter', description: null },
    });
    await patch(admin, key, { name: null }).expect(400);
    await patch(admin, key, { permissions: null }).expect(400);
    const entries = (await entriesOf(tenon.db, 'role.updated')).length;
    const { body: same } = await patch(admin, key, { name: 'Porter', permissions: ['members:read'] }).expect(200);
    expect(same.version).toBe(2);
    expect(await entriesOf(tenon.db, 'role.updated')).toHaveLength(entries);
  });

  it('loses no write: of 20 with the same If-Match one goes through', async () => {
    const key = await made();
    const answers = await atOnce(20, (n) => patch(owner, key, { name: `Name ${n}` }).set('if-match', '"1"'));
    expect(countStatuses(answers)).toEqual({ 200: 1, 412: 19 });
    const { name } = answers.find(({ status }) => status === 200)!.body as { name: string };
    expect(await stored(key)).toMatchObject({ name, version: 2 });
    await patch(owner, key, { name: 'Last' }).set('if-match', '*').expect(200);
    await patch(owner, 'no-such-role', { name: 'X' }).set('if-match', '"1"').expect(404);
  });

  it('takes and gives rights at once to whoever has it', async () => {
    const clerk = await withRole('members:read', 'plan:read');
    const status = async (): Promise<number[]> => [
      (await tenon.http.get(`${path}/members`).set(clerk.auth)).status,
      (await tenon.http.get(`${path}/invitations`).set(clerk.auth)).status,
    ];
    expect(await status()).toEqual([200, 403]);
    await patch(admin, clerk.role, { permissions: ['members:invite'] }).expect(200);
    expect(await status()).toEqual([403, 200]);
  });
});

describe('O3 removing a role', () => {
  it('takes one that nobody has', async () => {
    const key = await made({ name: 'Gone' });
    await remove(admin, key).expect(204);
    await remove(admin, key).expect(404);
    expect((await entriesOf(tenon.db, 'role.deleted')).at(-1)).toMatchObject({
      target_id: key,
      before: { name: 'Gone', permissions: ['members:read'] },
      after: null,
    });
  });

  it('is refused while a member or an open invitation has it', async () => {
    const clerk = await withRole('members:read');
    expect((await remove(owner, clerk.role).expect(409)).body.code).toBe('role_in_use');
    await give(clerk, 'viewer').expect(200);
    const invite = (expires: string) =>
      tenon.db.sql.query(
        `insert into invitations (organization_id, id, email, role, token_hash, invited_by, created_at, expires_at)
         values ($1, $2::uuid, $2::text || '@example.com', $3, decode(md5($2::text), 'hex'), $4, now(), now() + $5::interval)`,
        [organizationId, newId(), clerk.role, owner.userId, expires],
      );
    await invite('-1 second');
    await invite('7 days');
    expect((await remove(owner, clerk.role).expect(409)).body.code).toBe('role_in_use');
    await tenon.db.sql.query('update invitations set revoked_at = now() where role = $1 and expires_at > now()', [
      clerk.role,
    ]);
    await remove(owner, clerk.role).expect(204);
  });

  it('and giving it to somebody at once: nobody is left with a role that is gone', async () => {
    const person = await insertMember(tenon, organizationId, 'viewer');
    for (let round = 0; round < 8; round += 1) {
      const key = await made();
      const [given, removed] = await Promise.all([give(person, key), remove(owner, key)]);
      expect([
        [200, 409],
        [400, 204],
      ]).toContainEqual([given.status, removed.status]);
      expect((await stored(key)) !== undefined).toBe(given.status === 200);
      await give(person, 'viewer').expect(200);
    }
  });
});
