import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isApiKey } from '../src/auth/api-keys/key-format.js';
import { KeyUses } from '../src/auth/api-keys/key-uses.js';
import { newId } from '../src/kernel/ids.js';
import { SCOPES } from '../src/kernel/permissions.js';
import { atOnce, countStatuses, entriesOf, insertPerson, openSession } from './harness/accounts.js';
import { insertApiKey, insertServiceAccount } from './harness/api-keys.js';
import { startApp, type TestApp } from './harness/app.js';
import { insertMember, insertOrganization, type Member } from './harness/organizations.js';
import { signInAdmin } from './harness/people.js';

let tenon: TestApp;
let organizationId: string;
let path: string;
let owner: Member;
let admin: Member;
beforeAll(async () => {
  tenon = await startApp();
  ({ organizationId, path } = await insertOrganization(tenon.db));
  owner = await insertMember(tenon, organizationId, 'owner');
  admin = await insertMember(tenon, organizationId, 'admin');
});
afterAll(() => tenon.close());

type Who = Pick<Member, 'auth'>;
const aKey = (key: object = {}) => ({
  name: 'Checkout',
  environment: 'production',
  scopes: ['members:read', 'organization:read'],
  ...key,
});
const post = (who: Who, key: object = {}, at = path) => tenon.http.post(`${at}/api-keys`).set(who.auth).send(aKey(key));
const list = (who: Who, at = path) => tenon.http.get(`${at}/api-keys`).set(who.auth);
const rotate = (who: Who, id: string, body?: object) =>
  tenon.http.post(`${path}/api-keys/${id}/rotate`).set(who.auth).send(body);
const revoke = (who: Who, id: string) => tenon.http.delete(`${path}/api-keys/${id}`).set(who.auth);
const works = async (key: string): Promise<boolean> => {
  const { status, body } = await tenon.http.get(`${path}/members`).set({ 'x-api-key': key });
  if (status !== 200) expect([status, body.code]).toEqual([401, 'token_invalid']);
  return status === 200;
};
const answerAt = async (at: string, key: string): Promise<string> => {
  const { status, body } = await tenon.http.get(at).set({ 'x-api-key': key });
  return status < 400 ? `${status}` : `${status} ${body.code}`;
};
const rowOf = async (id: string): Promise<Record<string, unknown> | undefined> =>
  (await tenon.db.sql.query('select * from api_keys where id = $1', [id])).rows[0];

async function made(who: Who = owner, key: object = {}): Promise<{ id: string; key: string }> {
  return (await post(who, key).expect(201)).body as { id: string; key: string };
}

describe('A18 API keys', () => {
  it('are shown once, and listed by a hint', async () => {
    const { body } = await post(owner, { name: '  Till ', expiresAt: '2099-12-31' }).expect(201);
    expect(isApiKey(body.key)).toBe(true);
    expect(body).toEqual({
      id: expect.any(String),
      key: expect.stringMatching(/^tnn_[0-9A-Za-z]{42}$/),
      name: 'Till',
      hint: body.key.slice(-4),
      environment: 'production',
      scopes: ['members:read', 'organization:read'],
      owner: { kind: 'user', id: owner.userId, name: owner.fullName },
      createdAt: expect.stringMatching(/Z$/),
      expiresAt: '2099-12-31T00:00:00.000Z',
      previousKeyExpiresAt: null,
      lastUsedAt: null,
    });
    const { key, ...shown } = body;
    expect(await works(key)).toBe(true);
    expect((await tenon.http.get(`${path}/api-keys/${body.id}`).set(admin.auth).expect(200)).body).toEqual(shown);
    const { body: page } = await list(admin).query({ perPage: 1 }).expect(200);
    expect(page.data).toEqual([shown]);
    expect(page.meta.total).toBeGreaterThan(0);
    const row = await rowOf(body.id);
    expect(JSON.stringify(row)).not.toContain(key.slice(0, -4));
    const [entry] = (await entriesOf(tenon.db, 'api_key.created')).filter(({ target_id }) => target_id === body.id);
    expect(entry).toMatchObject({ organization_id: organizationId, actor_id: owner.userId, api_key_id: null });
    expect(JSON.stringify(entry)).not.toContain(key.slice(0, -4));
  });

  it('take api-keys:manage, and a session', async () => {
    const { id, key } = await made(owner, { scopes: SCOPES });
    const member = await insertMember(tenon, organizationId, 'member');
    for (const who of [member, { auth: { authorization: `Bearer ${key}` } }])
      for (const { status } of [
        await post(who),
        await list(who),
        await tenon.http.get(`${path}/api-keys/${id}`).set(who.auth),
        await rotate(who, id),
        await revoke(who, id),
      ])
        expect(status).toBe(403);
    expect(await works(key)).toBe(true);
  });

  it('cases 2, 3 and 27: are of their organization; nothing in a body makes them another’s', async () => {
    const other = await insertOrganization(tenon.db);
    const stranger = await insertMember(tenon, other.organizationId, 'owner');
    const { id } = await made();
    const account = await insertServiceAccount(tenon.db, other.organizationId);
    await tenon.http.get(`${other.path}/api-keys/${id}`).set(stranger.auth).expect(404);
    await tenon.http.delete(`${other.path}/api-keys/${id}`).set(stranger.auth).expect(404);
    await tenon.http.post(`${other.path}/api-keys/${id}/rotate`).set(stranger.auth).send({}).expect(404);
    expect((await list(stranger, other.path).expect(200)).body.data).toEqual([]);
    await post(owner, { serviceAccountId: account.serviceAccountId }).expect(404);
    await post(owner, { serviceAccountId: newId() }).expect(404);
    for (const slipped of ['organizationId', 'userId', 'role', 'permissions', 'key', 'hint', 'id'])
      await post(owner, { [slipped]: stranger.userId }).expect(400);
  });

  it.each([
    [{ name: '' }, 'name'],
    [{ name: ['x'] }, 'name'],
    [{ environment: 'nowhere' }, 'environment'],
    [{ environment: ['production'] }, 'environment'],
    [{ environment: "production'; drop table api_keys" }, 'environment'],
    [{ scopes: [] }, 'scopes'],
    [{ scopes: 'members:read' }, 'scopes'],
    [{ scopes: ['members:read', 'members:read'] }, 'scopes'],
    [{ scopes: ['*'] }, 'scopes'],
    [{ scopes: ['api-keys:manage'] }, 'scopes'],
    [{ scopes: ['organization:delete'] }, 'scopes'],
    [{ scopes: ['__proto__'] }, 'scopes'],
    [{ scopes: [['members:read']] }, 'scopes'],
    [{ scopes: { length: 1, 0: 'members:read' } }, 'scopes'],
    [{ expiresAt: '2020-01-01' }, 'expiresAt'],
    [{ expiresAt: 'tomorrow' }, 'expiresAt'],
    [{ expiresAt: 4_102_444_800 }, 'expiresAt'],
    [{ serviceAccountId: 'x' }, 'serviceAccountId'],
  ])('case 7: %j is refused', async (body, field) => {
    const answer = await post(owner, body);
    expect(answer.status).toBe(400);
    expect(answer.body.errors[0].field).toBe(field);
  });

  it('case 7: `__proto__` in a body is refused', async () => {
    for (const slipped of ['"__proto__":{"scopes":["cleanup:manage"]}', '"constructor":{"prototype":{}}']) {
      const body = `${JSON.stringify(aKey()).slice(0, -1)},${slipped}}`;
      const type = 'application/json';
      await tenon.http.post(`${path}/api-keys`).set(owner.auth).set('content-type', type).send(body).expect(400);
    }
  });

  it('case 28: nobody gives what they do not hold', async () => {
    const { body } = await post(admin, { scopes: ['members:read', 'cleanup:manage'] }).expect(403);
    expect([body.code, body.detail]).toEqual(['permission_denied', 'You do not hold these yourself: cleanup:manage']);
    const { key } = await made(owner, { scopes: ['cleanup:manage'] });
    expect(await tenon.http.get(`${path}/members`).set({ 'x-api-key': key })).toMatchObject({ status: 403 });
  });

  it('a platform admin who is no member makes none of their own', async () => {
    const platform = await signInAdmin(tenon);
    const { body } = await post(platform).expect(403);
    expect(body.detail).toContain('takes a membership');
    const { serviceAccountId } = await insertServiceAccount(tenon.db, organizationId);
    await post(platform, { serviceAccountId }).expect(201);
  });
});

describe('A18 how many keys there are', () => {
  it('case 1: an organization has 1,000 that have not expired, also when 50 are made at once', async () => {
    const other = await insertOrganization(tenon.db);
    const boss = await insertMember(tenon, other.organizationId, 'owner');
    await tenon.db.sql.query(
      `insert into api_keys (organization_id, id, name, environment_key, scopes, user_id, key_hash, hint, expires_at, created_by, created_at)
       select $1::uuid, gen_random_uuid(), 'One of many', 'production', '{features:read}', $2::uuid, sha256(convert_to($2::text || n, 'UTF8')), 'abcd',
              case when n > 990 then now() - interval '1 hour' end, $2::uuid, now() from generate_series(1, 1000) n`,
      [other.organizationId, boss.userId],
    );
    const answers = await atOnce(50, () => post(boss, {}, other.path));
    expect(countStatuses(answers)).toEqual({ 201: 10, 409: 40 });
    expect(answers.find(({ status }) => status === 409)!.body.code).toBe('api_key_limit_reached');
    const { id } = answers.find(({ status }) => status === 201)!.body as { id: string };
    await tenon.http.delete(`${other.path}/api-keys/${id}`).set(boss.auth).expect(204);
    await post(boss, {}, other.path).expect(201);
    await post(boss, {}, other.path).expect(409);
    await post(owner).expect(201);
  });
});

describe('A18 rotation and revocation', () => {
  it('a rotated key has another secret, and the old one works until the overlap ends', async () => {
    const { id, key } = await made();
    expect(await works(key)).toBe(true);
    const { body } = await rotate(owner, id, { overlapSeconds: 2 }).expect(200);
    expect(body).toMatchObject({ id, hint: body.key.slice(-4), previousKeyExpiresAt: expect.any(String) });
    expect([await works(key), await works(body.key)]).toEqual([true, true]);
    await sleep(2_100);
    expect([await works(key), await works(body.key)]).toEqual([false, true]);
    const { body: shown } = await tenon.http.get(`${path}/api-keys/${id}`).set(owner.auth).expect(200);
    expect(shown.previousKeyExpiresAt).toBeNull();
  });

  it('rotating again drops the older one; without an overlap the old one ends at once', async () => {
    const { id, key: first } = await made();
    const { body: second } = await rotate(owner, id).expect(200);
    expect(Date.parse(second.previousKeyExpiresAt) - Date.now()).toBeGreaterThan(86_000_000);
    for (const key of [first, second.key]) expect(await works(key)).toBe(true);
    const { body: third } = await rotate(owner, id, {}).expect(200);
    expect([await works(first), await works(second.key), await works(third.key)]).toEqual([false, true, true]);
    const { body: fourth } = await rotate(owner, id, { overlapSeconds: 0 }).expect(200);
    expect(fourth.previousKeyExpiresAt).toBeNull();
    expect([await works(second.key), await works(third.key), await works(fourth.key)]).toEqual([false, false, true]);
    const entries = await entriesOf(tenon.db, 'api_key.rotated');
    expect(entries.filter(({ target_id }) => target_id === id)).toHaveLength(3);
    for (const overlapSeconds of [-1, 604_801, 1.5, '60', null, [1]])
      await rotate(owner, id, { overlapSeconds }).expect(400);
  });

  it('nobody gets a secret by which they could act as somebody else, or beyond themselves', async () => {
    const personal = await made(owner);
    expect((await rotate(admin, personal.id).expect(403)).body.detail).toContain('Only the person whose key it is');
    const { serviceAccountId } = await insertServiceAccount(tenon.db, organizationId, { role: 'admin' });
    const wide = await made(owner, { serviceAccountId, scopes: ['cleanup:manage'] });
    expect((await rotate(admin, wide.id).expect(403)).body.detail).toContain('cleanup:manage');
    expect([await works(personal.key)]).toEqual([true]);
    // What takes away is for everybody who manages keys.
    await revoke(admin, personal.id).expect(204);
    expect(await works(personal.key)).toBe(false);
  });

  it('a revoked key is gone at once, and the trail keeps it', async () => {
    const { id, key } = await made();
    await rotate(owner, id).expect(200);
    await revoke(owner, id).expect(204);
    expect(await works(key)).toBe(false);
    expect(await rowOf(id)).toBeUndefined();
    await revoke(owner, id).expect(404);
    await rotate(owner, id).expect(404);
    const [entry] = (await entriesOf(tenon.db, 'api_key.revoked')).filter(({ target_id }) => target_id === id);
    expect(entry).toMatchObject({ before: { name: 'Checkout', userId: owner.userId, environment: 'production' } });
  });

  it('case 1: 50 creations, rotations and revocations at once', async () => {
    const created = await atOnce(50, () => post(owner));
    expect(countStatuses(created)).toEqual({ 201: 50 });
    expect(new Set(created.map(({ body }) => body.key)).size).toBe(50);
    const { id, key } = created[0]!.body as { id: string; key: string };
    const rotated = await atOnce(50, () => rotate(owner, id));
    expect(countStatuses(rotated)).toEqual({ 200: 50 });
    expect(await works(key)).toBe(false);
    const alive = await Promise.all(rotated.map(({ body }) => works(body.key)));
    expect(alive.filter(Boolean)).toHaveLength(2);
    expect(countStatuses(await atOnce(50, () => revoke(owner, id)))).toEqual({ 204: 1, 404: 49 });
    const entries = await entriesOf(tenon.db, 'api_key.revoked');
    expect(entries.filter(({ target_id }) => target_id === id)).toHaveLength(1);
  });

  it('an expired key is dead by the clock, also the one in memory, and is not rotated', async () => {
    const { id, key } = await made(owner, { expiresAt: new Date(Date.now() + 1_500).toISOString() });
    expect(await works(key)).toBe(true);
    await sleep(1_600);
    expect(await works(key)).toBe(false);
    await rotate(owner, id).expect(409);
  });
});

describe('A18 a key and its owner', () => {
  it('a personal key may what both its scopes and its owner may', async () => {
    const person = await insertMember(tenon, organizationId, 'admin');
    const { key } = await made(person, { scopes: ['settings:update', 'members:read'] });
    const patch = () =>
      tenon.http
        .patch(`${path}/settings`)
        .set({ 'x-api-key': key })
        .send({ custom: { n: newId() } });
    await patch().expect(200);
    const role = (value: string) =>
      tenon.http.patch(`${path}/members/${person.userId}`).set(owner.auth).send({ role: value });
    await role('viewer').expect(200);
    await patch().expect(403);
    expect(await works(key)).toBe(true);
    await role('admin').expect(200);
    await patch().expect(200);
  });

  it.each(['removed', 'left', 'deleted their account'])(
    'case 20: who was %s and comes back finds no old key alive',
    async (how) => {
      const person = await insertMember(tenon, organizationId, 'admin');
      const { id, key } = await made(person);
      expect(await works(key)).toBe(true);
      const at = `${path}/members/${person.userId}`;
      if (how === 'deleted their account')
        await tenon.http
          .delete('/api/v1/users/me')
          .set(person.auth)
          .send({ currentPassword: 'correct horse battery staple' })
          .expect(202);
      else
        await tenon.http
          .delete(at)
          .set((how === 'left' ? person : owner).auth)
          .expect(204);
      // Where a member is removed the answer says that it is so here; of a deleted account memory hears by the change bus.
      if (how === 'deleted their account') await expect.poll(() => works(key)).toBe(false);
      else expect(await works(key)).toBe(false);
      expect(await rowOf(id)).toBeUndefined();
      const entries = await entriesOf(tenon.db, 'api_key.revoked', person.userId);
      expect(entries).toMatchObject([{ target_id: id, reason: 'member_left', organization_id: organizationId }]);
      await tenon.db.sql.query(
        `insert into user_organization_membership (organization_id, user_id, role, joined_at) values ($1, $2, 'owner', now())`,
        [organizationId, person.userId],
      );
      // Its owner is a member again: what stops it is that it is gone, which memory hears by the change bus.
      await expect.poll(() => works(key)).toBe(false);
    },
  );

  it('the key of a disabled person is dead, also when they are enabled again', async () => {
    const platform = await signInAdmin(tenon);
    const person = await insertMember(tenon, organizationId, 'admin');
    const { key } = await made(person);
    expect(await works(key)).toBe(true);
    const set = (status: string) =>
      tenon.http.patch(`/api/v1/admin/users/${person.userId}`).set(platform.auth).send({ status }).expect(200);
    await set('disabled');
    await expect.poll(() => works(key)).toBe(false);
    await set('active');
    expect(await works(key)).toBe(false);
    expect(await entriesOf(tenon.db, 'api_key.revoked', person.userId)).toMatchObject([{ reason: 'user_disabled' }]);
  });

  it('an organization that is not active stops its keys, and brings them back with it', async () => {
    const ours = await insertOrganization(tenon.db);
    const boss = await insertMember(tenon, ours.organizationId, 'owner');
    const { body } = await post(boss, {}, ours.path).expect(201);
    const ask = () => answerAt(ours.path, body.key);
    expect(await ask()).toBe('200');
    await tenon.http.post(`${ours.path}/deactivate`).set(boss.auth).expect(200);
    expect(await ask()).toBe('403 organization_inactive');
    await tenon.http.post(`${ours.path}/reactivate`).set(boss.auth).expect(200);
    expect(await ask()).toBe('200');
    await tenon.http.delete(ours.path).set(boss.auth).expect(200);
    expect(await ask()).toBe('403 organization_inactive');
    await tenon.db.sql.query('delete from organizations where id = $1', [ours.organizationId]);
    await expect.poll(ask).toBe('401 token_invalid');
  });

  it('an allow-list of addresses holds for keys; what is asked of sign-ins does not', async () => {
    const answerWith = async (columns: string, values: string): Promise<string> => {
      const ours = await insertOrganization(tenon.db);
      const boss = await insertMember(tenon, ours.organizationId, 'owner');
      const { key } = await insertApiKey(tenon.db, ours.organizationId, boss);
      await tenon.db.sql.query(
        `insert into organization_policies (organization_id, ${columns}, updated_at) values ($1, ${values}, now())`,
        [ours.organizationId],
      );
      return answerAt(ours.path, key);
    };
    expect(await answerWith('ip_allow_list', `'{127.0.0.0/8}'`)).toBe('200');
    expect(await answerWith('ip_allow_list', `'{203.0.113.0/24}'`)).toBe('403 ip_not_allowed');
    expect(await answerWith('session_lifetime_minutes, sign_in_methods', `5, '{saml}'`)).toBe('200');
    const [denied] = (await entriesOf(tenon.db, 'permission.denied')).filter(
      ({ reason }) => reason === 'ip_not_allowed',
    );
    expect(denied).toMatchObject({ actor_kind: 'user', actor_role: 'api-key', ip: '127.0.0.1' });
  });

  it('case 24: an owner’s key makes no owners, removes none, hands nothing over and touches no membership', async () => {
    const { key } = await made(owner, { scopes: SCOPES });
    const auth = { 'x-api-key': key };
    const other = await insertMember(tenon, organizationId, 'owner');
    const member = await insertMember(tenon, organizationId, 'member');
    const set = (who: Member, role: string) =>
      tenon.http.patch(`${path}/members/${who.userId}`).set(auth).send({ role });
    for (const answer of [
      await set(member, 'owner'),
      await set(member, 'admin'),
      await set(other, 'viewer'),
      await set(owner, 'viewer'),
      await tenon.http.delete(`${path}/members/${other.userId}`).set(auth),
      await tenon.http.post(`${path}/transfer-ownership`).set(auth).send({ userId: member.userId }),
      await tenon.http.post(`${path}/invitations`).set(auth).send({ email: 'a@example.com', role: 'viewer' }),
      await tenon.http.delete(path).set(auth),
    ])
      expect([answer.status, answer.body.code]).toEqual([403, 'permission_denied']);
  });

  it('a person without the organization has no use of it, and two of one person are apart', async () => {
    const { userId } = await insertPerson(tenon.db);
    const session = await openSession(tenon, userId);
    const { key } = await made();
    await tenon.http.get(`${path}/members`).set(session.auth).expect(404);
    const { key: second, id } = await made();
    await revoke(owner, id).expect(204);
    expect([await works(key), await works(second)]).toEqual([true, false]);
  });
});

describe('A18 the last use of a key', () => {
  const usedAt = async (id: string): Promise<string | null> =>
    (await tenon.http.get(`${path}/api-keys/${id}`).set(owner.auth).expect(200)).body.lastUsedAt;

  it('is gathered and written for all at once, forward only', async () => {
    const [one, two, unused] = [await made(), await made(), await made()];
    for (const { key } of [one, one, two]) expect(await works(key)).toBe(true);
    expect(await usedAt(one.id)).toBeNull();
    const uses = tenon.app.get(KeyUses);
    await uses.flush();
    const first = await usedAt(one.id);
    expect(Math.abs(Date.parse(first!) - Date.now())).toBeLessThan(5_000);
    expect([(await usedAt(two.id)) === null, await usedAt(unused.id)]).toEqual([false, null]);
    await uses.flush();
    expect(await usedAt(one.id)).toBe(first);
    await tenon.db.sql.query(`update api_keys set last_used_at = '2100-01-01Z' where id = $1`, [one.id]);
    expect(await works(one.key)).toBe(true);
    await uses.flush();
    expect(await usedAt(one.id)).toBe('2100-01-01T00:00:00.000Z');
  });

  it('a refused request does not count, and the end of the process loses nothing', async () => {
    const second = await startApp({ db: tenon.db });
    const { id, key } = await made();
    await second.http.get(`${path}/members`).set({ 'x-api-key': key }).expect(200);
    await second.close();
    expect(await usedAt(id)).not.toBeNull();
  });
});
