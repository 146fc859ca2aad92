import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../src/kernel/ids.js';
import { SCOPES } from '../src/kernel/permissions.js';
import { atOnce, countStatuses, entriesOf } from './harness/accounts.js';
import { insertApiKey } from './harness/api-keys.js';
import { startApp, type TestApp } from './harness/app.js';
import { insertMember, insertOrganization, type Member } from './harness/organizations.js';

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
const anAccount = (account: object = {}) => ({ name: 'CI', role: 'member', ...account });
const post = (who: Who, account: object = {}, at = path) =>
  tenon.http.post(`${at}/service-accounts`).set(who.auth).send(anAccount(account));
const get = (who: Who, id = '') => tenon.http.get(`${path}/service-accounts${id && `/${id}`}`).set(who.auth);
const patch = (who: Who, id: string, changes: object) =>
  tenon.http.patch(`${path}/service-accounts/${id}`).set(who.auth).send(changes);
const remove = (who: Who, id: string) => tenon.http.delete(`${path}/service-accounts/${id}`).set(who.auth);
const made = async (account: object = {}, who: Who = owner): Promise<string> =>
  (await post(who, account).expect(201)).body.id as string;
/** A role of these permissions. */
async function aRole(...permissions: string[]): Promise<string> {
  const key = `role-${newId().slice(-12)}`;
  await tenon.http.post(`${path}/roles`).set(owner.auth).send({ key, name: 'Role', permissions }).expect(201);
  return key;
}
const keyOf = async (serviceAccountId: string): Promise<string> =>
  (await insertApiKey(tenon.db, organizationId, { serviceAccountId }, { scopes: SCOPES })).key;
const ask = async (key: string, at: string): Promise<string> => {
  const { status, body } = await tenon.http.get(`${path}${at}`).set({ 'x-api-key': key });
  return status < 400 ? `${status}` : `${status} ${body.code}`;
};

describe('A18 service accounts', () => {
  it('are made, shown, listed and changed, with a version', async () => {
    const { body, headers } = await post(admin, { name: ' Deploys ', description: 'Rolls out' }).expect(201);
    expect(body).toEqual({
      id: expect.any(String),
      name: 'Deploys',
      description: 'Rolls out',
      role: 'member',
      createdAt: expect.stringMatching(/Z$/),
      version: 1,
    });
    expect(headers.etag).toBe('"1"');
    expect((await get(owner, body.id).expect(200)).body).toEqual(body);
    expect((await get(owner).expect(200)).body.data).toContainEqual(body);
    const changed = await patch(admin, body.id, { description: null, role: 'viewer' })
      .set('if-match', '"1"')
      .expect(200);
    expect(changed.body).toEqual({ ...body, description: null, role: 'viewer', version: 2 });
    await patch(admin, body.id, { name: 'X' }).set('if-match', '"1"').expect(412);
    expect((await patch(admin, body.id, { role: 'viewer' }).expect(200)).body.version).toBe(2);
    const entries = (await entriesOf(tenon.db, 'service_account.updated')).filter((one) => one.target_id === body.id);
    expect(entries).toMatchObject([
      { before: { description: 'Rolls out', role: 'member' }, after: { description: null, role: 'viewer' } },
    ]);
    await remove(admin, body.id).expect(204);
    await get(owner, body.id).expect(404);
    await remove(admin, body.id).expect(404);
  });

  it('take api-keys:manage, and are their organization’s own', async () => {
    const id = await made();
    const member = await insertMember(tenon, organizationId, 'member');
    const key = { auth: { authorization: `Bearer ${await keyOf(id)}` } };
    for (const who of [member, key])
      for (const { status } of [await post(who), await get(who), await patch(who, id, {}), await remove(who, id)])
        expect(status).toBe(403);
    const other = await insertOrganization(tenon.db);
    const stranger = await insertMember(tenon, other.organizationId, 'owner');
    await tenon.http.get(`${other.path}/service-accounts/${id}`).set(stranger.auth).expect(404);
    await tenon.http.patch(`${other.path}/service-accounts/${id}`).set(stranger.auth).send({ name: 'X' }).expect(404);
    await tenon.http.delete(`${other.path}/service-accounts/${id}`).set(stranger.auth).expect(404);
    await get(owner, id).expect(200);
  });

  it.each([
    [{ role: 'owner' }],
    [{ role: 'platform-admin' }],
    [{ role: 'api-key' }],
    [{ role: 'nobody' }],
    [{ role: ['member'] }],
    [{ role: { $ne: 'owner' } }],
    [{ name: 'a\nb' }],
    [{ name: ['x'] }],
    [{ description: 7 }],
    [{ permissions: ['members:read'] }],
    [{ organizationId: newId() }],
    [{ version: 3 }],
  ])('cases 7 and 27: %j is refused, at first and later', async (account) => {
    await post(owner, account).expect(400);
    await patch(owner, await made(), account).expect(400);
  });

  it('case 28: never hold, nor are changed to hold, more than whoever manages them', async () => {
    const cleaner = await aRole('cleanup:manage');
    expect((await post(admin, { role: cleaner }).expect(403)).body.code).toBe('permission_denied');
    const id = await made({ role: cleaner });
    const mine = await made({}, admin);
    for (const answer of [
      await patch(admin, mine, { role: cleaner }),
      await patch(admin, id, { role: 'viewer' }),
      await patch(admin, id, { name: 'Mine' }),
      await remove(admin, id),
      await tenon.http
        .post(`${path}/api-keys`)
        .set(admin.auth)
        .send({ name: 'K', environment: 'production', scopes: ['members:read'], serviceAccountId: id }),
    ])
      expect([answer.status, answer.body.code]).toEqual([403, 'permission_denied']);
    // Whoever holds little beside api-keys:manage makes little.
    const clerk = await insertMember(tenon, organizationId, await aRole('api-keys:manage', 'members:read'));
    await post(clerk, { role: 'viewer' }).expect(403);
    await post(clerk, { role: await aRole('members:read') }).expect(201);
  });

  it('case 1: 50 are made at once, and one is removed once', async () => {
    expect(countStatuses(await atOnce(50, () => post(owner)))).toEqual({ 201: 50 });
    const id = await made();
    expect(countStatuses(await atOnce(50, () => remove(owner, id)))).toEqual({ 204: 1, 404: 49 });
    const second = await made();
    const changes = await atOnce(50, (n) => patch(owner, second, { name: `Name ${n}` }).set('if-match', '"1"'));
    expect(countStatuses(changes)).toEqual({ 200: 1, 412: 49 });
  });
});

describe('A18 a service account’s keys', () => {
  it('may what its role says, at once when that changes', async () => {
    const id = await made({ role: 'viewer' });
    const key = await keyOf(id);
    expect([await ask(key, '/members'), await ask(key, '/audit-log')]).toEqual(['200', '403 permission_denied']);
    await patch(owner, id, { role: 'admin' }).expect(200);
    expect(await ask(key, '/audit-log')).toBe('200');
    const readers = await aRole('audit:read');
    await patch(owner, id, { role: readers }).expect(200);
    expect([await ask(key, '/members'), await ask(key, '/audit-log')]).toEqual(['403 permission_denied', '200']);
    await tenon.http
      .patch(`${path}/roles/${readers}`)
      .set(owner.auth)
      .send({ permissions: ['members:read'] })
      .expect(200);
    expect([await ask(key, '/members'), await ask(key, '/audit-log')]).toEqual(['200', '403 permission_denied']);
  });

  it('keep their role in the house, and go with the account', async () => {
    const role = await aRole('members:read');
    const id = await made({ role });
    const keys = [await keyOf(id), await keyOf(id)];
    for (const key of keys) expect(await ask(key, '/members')).toBe('200');
    expect((await tenon.http.delete(`${path}/roles/${role}`).set(owner.auth).expect(409)).body.code).toBe(
      'role_in_use',
    );
    await remove(owner, id).expect(204);
    for (const key of keys) expect(await ask(key, '/members')).toBe('401 token_invalid');
    const entries = await entriesOf(tenon.db, 'api_key.revoked');
    expect(
      entries.filter(({ before }) => (before as { serviceAccountId: string }).serviceAccountId === id),
    ).toMatchObject([{ reason: 'service_account_deleted' }, { reason: 'service_account_deleted' }]);
    await tenon.http.delete(`${path}/roles/${role}`).set(owner.auth).expect(204);
  });

  it('outlive whoever made the account', async () => {
    const maker = await insertMember(tenon, organizationId, 'admin');
    const id = await made({}, maker);
    const key = await keyOf(id);
    await tenon.http.delete(`${path}/members/${maker.userId}`).set(owner.auth).expect(204);
    expect(await ask(key, '/members')).toBe('200');
  });

  it('act by name in the trail, which can be searched by key and by account', async () => {
    const id = await made({ role: 'admin', name: 'Robot' });
    const { id: keyId, key } = await insertApiKey(tenon.db, organizationId, { serviceAccountId: id });
    const own = await insertApiKey(tenon.db, organizationId, owner);
    const set = (by: string, n: number) =>
      tenon.http.patch(`${path}/settings`).set({ 'x-api-key': by }).send({ custom: { n } }).expect(200);
    await set(key, 1);
    await set(own.key, 2);
    const search = async (query: object) =>
      (await tenon.http.get(`${path}/audit-log`).query(query).set(owner.auth).expect(200)).body.data as Record<
        string,
        unknown
      >[];
    const [entry, ...more] = await search({ apiKeyId: keyId });
    expect(more).toEqual([]);
    expect(entry).toMatchObject({
      actorKind: 'service_account',
      actorId: id,
      actorFullName: 'Robot',
      actorRole: 'api-key',
      apiKeyId: keyId,
      userId: null,
      sessionId: null,
      sentence: 'The service account Robot changed the settings (custom)',
    });
    expect((await search({ actorId: id })).map((one) => one.id)).toEqual([entry!.id]);
    expect((await search({ q: 'robot', action: 'organization.*' })).map((one) => one.id)).toEqual([entry!.id]);
    const [personal] = await search({ apiKeyId: own.id });
    expect(personal!.sentence).toBe(`${owner.fullName} (by an API key) changed the settings (custom)`);
    expect(await search({ apiKeyId: newId() })).toEqual([]);
    await remove(owner, id).expect(204);
    const [later] = await search({ apiKeyId: keyId, action: 'organization.*' });
    expect(later).toMatchObject({
      actorFullName: null,
      sentence: 'A deleted service account changed the settings (custom)',
    });
  });

  it('case 8: the same as for people below an organization: nothing breaks without a person', async () => {
    const key = await keyOf(await made({ role: 'admin' }));
    const auth = { 'x-api-key': key };
    const member = await insertMember(tenon, organizationId, 'viewer');
    for (const at of [
      '',
      '/members',
      `/members/${member.userId}`,
      '/settings',
      '/policies',
      '/plan',
      '/domains',
      '/audit-log',
    ])
      expect(await ask(key, at), at).toBe('200');
    for (const answer of [
      await tenon.http.patch(`${path}/members/${member.userId}`).set(auth).send({ role: 'member' }),
      await tenon.http
        .post(`${path}/domains`)
        .set(auth)
        .send({ domain: `${newId()}.example` }),
      await tenon.http
        .patch(`${path}/settings`)
        .set(auth)
        .send({ custom: { by: 'key' } }),
      await tenon.http.patch(path).set(auth).send({ name: 'Renamed' }),
    ])
      expect(answer.status, answer.text).toBeLessThan(500);
  });
});
