import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { KnownKeys } from '../src/auth/api-keys/known-keys.js';
import { ChangeBus } from '../src/database/change-bus.js';
import { insertApiKey, insertServiceAccount } from './harness/api-keys.js';
import { startApp, type TestApp } from './harness/app.js';
import { createDatabase, type TestDatabase } from './harness/database.js';
import { insertMember, insertOrganization, type Member } from './harness/organizations.js';
import { PostgresProxy } from './harness/postgres-proxy.js';
import { signInAdmin } from './harness/people.js';

let db: TestDatabase;
let proxy: PostgresProxy;
/** Where changes are made. */
let near: TestApp;
/** Another instance, whose change bus can be cut. */
let far: TestApp;
let path: string;
let organizationId: string;
let owner: Member;
beforeAll(async () => {
  db = await createDatabase();
  proxy = await PostgresProxy.start(db.appUrl);
  near = await startApp({ db });
  far = await startApp({ db, env: { DATABASE_DIRECT_URL: proxy.url, RATE_LIMITS: 'on' } });
});
beforeEach(async () => {
  ({ organizationId, path } = await insertOrganization(db));
  owner = await insertMember(near, organizationId, 'owner');
});
afterEach(async () => {
  proxy.refusing = false;
  await expect.poll(() => far.app.get(ChangeBus).up).toBe(true);
});
afterAll(async () => {
  await near.close();
  await far.close();
  await proxy.close();
  await db.drop();
});

const ask = async (at: TestApp, key: string): Promise<string> => {
  const { status, body } = await at.http.get(`${path}/members`).set({ 'x-api-key': key });
  return status < 400 ? `${status}` : `${status} ${body.code}`;
};

/** What ends a key, or what it may, and what it answers then. */
const ENDS: [string, string, (person: Member, keyId: string) => PromiseLike<{ status: number }>][] = [
  ['revoked', '401 token_invalid', (_, id) => near.http.delete(`${path}/api-keys/${id}`).set(owner.auth)],
  [
    'rotated without an overlap',
    '401 token_invalid',
    (person, id) => near.http.post(`${path}/api-keys/${id}/rotate`).set(person.auth).send({ overlapSeconds: 0 }),
  ],
  [
    'of somebody who was removed',
    '401 token_invalid',
    (person) => near.http.delete(`${path}/members/${person.userId}`).set(owner.auth),
  ],
  [
    'of somebody who was disabled',
    '401 token_invalid',
    async (person) =>
      near.http
        .patch(`/api/v1/admin/users/${person.userId}`)
        .set((await signInAdmin(near)).auth)
        .send({ status: 'disabled' }),
  ],
  [
    'of somebody who was lowered',
    '403 permission_denied',
    async (person) => {
      const role = { key: 'nothing-much', name: 'Nothing much', permissions: ['widgets:read'] };
      await near.http.post(`${path}/roles`).set(owner.auth).send(role).expect(201);
      return near.http.patch(`${path}/members/${person.userId}`).set(owner.auth).send({ role: role.key });
    },
  ],
  [
    'of an organization that was deactivated',
    '403 organization_inactive',
    () => near.http.post(`${path}/deactivate`).set(owner.auth),
  ],
];

describe('A18 cases 24 and 35: on every instance', () => {
  describe.each([
    ['by the change bus', false],
    ['with the change bus cut', true],
  ])('%s', (_, cut) => {
    it.each(ENDS)('a key that is %s answers %s', async (_name, answer, end) => {
      const person = await insertMember(near, organizationId, 'admin');
      const { id, key } = await insertApiKey(db, organizationId, person);
      for (const at of [near, far]) expect(await ask(at, key)).toBe('200');
      if (cut) {
        proxy.refusing = true;
        proxy.cut();
        await expect.poll(() => far.app.get(ChangeBus).up).toBe(false);
        expect(await ask(far, key)).toBe('200');
      }
      expect((await end(person, id)).status).toBeLessThan(300);
      if (cut) expect(await ask(far, key)).toBe(answer);
      for (const at of [near, far]) await expect.poll(() => ask(at, key)).toBe(answer);
      proxy.refusing = false;
      await expect.poll(() => far.app.get(ChangeBus).up).toBe(true);
      expect(await ask(far, key)).toBe(answer);
    });

    it('a service account’s keys follow its role, and go with it', async () => {
      const account = await insertServiceAccount(db, organizationId);
      const { key } = await insertApiKey(db, organizationId, account);
      for (const at of [near, far]) expect(await ask(at, key)).toBe('200');
      if (cut) {
        proxy.refusing = true;
        proxy.cut();
        await expect.poll(() => far.app.get(ChangeBus).up).toBe(false);
      }
      const role = { key: 'little', name: 'Little', permissions: ['widgets:read'] };
      await near.http.post(`${path}/roles`).set(owner.auth).send(role).expect(201);
      const at = `${path}/service-accounts/${account.serviceAccountId}`;
      await near.http.patch(at).set(owner.auth).send({ role: role.key }).expect(200);
      await expect.poll(() => ask(far, key)).toBe('403 permission_denied');
      await near.http.delete(at).set(owner.auth).expect(204);
      await expect.poll(() => ask(far, key)).toBe('401 token_invalid');
    });
  });

  it('a key that goes with its membership is forgotten, also when nobody but the database did it', async () => {
    const person = await insertMember(near, organizationId, 'admin');
    const { key } = await insertApiKey(db, organizationId, person);
    const known = far.app.get(KnownKeys);
    expect(await ask(far, key)).toBe('200');
    expect(known.find(key)).not.toBeInstanceOf(Promise);
    await db.sql.query('delete from user_organization_membership where user_id = $1', [person.userId]);
    await expect.poll(async () => known.find(key)).toBeNull();
  });
});

describe('A18 the limits of a key', () => {
  it('are its own: neither the person’s nor the address’s', async () => {
    const { key } = await insertApiKey(db, organizationId, owner);
    const { headers } = await far.http.get(`${path}/members`).set({ 'x-api-key': key }).expect(200);
    expect(headers['ratelimit-policy']).toBe('"api-key";q=6000;w=60');
    expect(headers.ratelimit).toMatch(/^"api-key";r=5999;/);
    const { key: second } = await insertApiKey(db, organizationId, owner);
    const again = await far.http.get(`${path}/members`).set({ 'x-api-key': second }).expect(200);
    expect(again.headers.ratelimit).toMatch(/^"api-key";r=5999;/);
  });

  it('wrong keys are counted by address, as wrong tokens are', async () => {
    const { headers } = await far.http.get(`${path}/members`).set({ 'x-api-key': 'tnn_wrong' }).expect(401);
    expect(headers['ratelimit-policy']).toBe('"api-ip";q=1200;w=60');
  });
});

describe('A18 case 12: a key in the log', () => {
  it('stands nowhere, whatever is asked with it', async () => {
    const { key } = await insertApiKey(db, organizationId, owner);
    const written: string[] = [];
    // Before the instance starts: its log looks then where to write.
    const spy = vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => written.push(String(chunk)) > 0);
    try {
      const telling = await startApp({ db, env: { LOG_LEVEL: 'trace' } });
      for (const at of [path, `${path}/members`, '/api/v1/users/me', `/api/v1/organizations/x`])
        for (const [name, shown] of [
          ['x-api-key', key],
          ['authorization', `Bearer ${key}`],
          ['x-api-key', `${key}x`],
        ] as const)
          await telling.http.get(at).set(name, shown);
      await telling.close();
    } finally {
      spy.mockRestore();
    }
    const log = written.join('');
    expect(log).toContain('"route":"/api/v1/organizations/:organizationId/members"');
    expect(log).not.toContain(key);
  });
});
