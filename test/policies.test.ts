import { RequestMethod } from '@nestjs/common';
import { METHOD_METADATA, PATH_METADATA } from '@nestjs/common/constants.js';
import { MetadataScanner, ModulesContainer } from '@nestjs/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AccessTokens } from '../src/auth/tokens/access-tokens.js';
import { newId } from '../src/kernel/ids.js';
import { atOnce, countStatuses, entriesOf, insertPerson, openSession } from './harness/accounts.js';
import { startApp, type TestApp } from './harness/app.js';
import { insertMember, insertOrganization, insertStranger, type Member } from './harness/organizations.js';

const NOTHING_ASKED = { mfaRequired: false, sessionLifetimeMinutes: null, signInMethods: null, ipAllowList: null };
/** Of the network that the tests allow, and of none. */
const INSIDE = '203.0.113.7';
const OUTSIDE = '198.51.100.9';
const NETWORK = '203.0.113.0/24';

/** Believes X-Forwarded-For of the tests. */
let tenon: TestApp;
/** Another instance, which believes nobody's. */
let far: TestApp;
let platformAdmin: { authorization: string };
let stranger: Member;
beforeAll(async () => {
  // Of one name, so that each takes the other's tokens.
  const PUBLIC_URL = 'https://tenon.test';
  tenon = await startApp({ env: { PUBLIC_URL, TRUST_PROXY: 'loopback' } });
  far = await startApp({ env: { PUBLIC_URL }, db: tenon.db });
  const { userId } = await insertPerson(tenon.db, { platformRole: 'admin' });
  platformAdmin = (await openSession(tenon, userId)).auth;
  stranger = await insertStranger(tenon);
});
afterAll(async () => {
  await far.close();
  await tenon.close();
});

interface Office {
  organizationId: string;
  path: string;
  owner: Member;
}
/** An organization with its owner. */
async function newOffice(): Promise<Office> {
  const { organizationId, path } = await insertOrganization(tenon.db);
  return { organizationId, path, owner: await insertMember(tenon, organizationId, 'owner') };
}

type Auth = { authorization: string };
const get = (path: string, auth: Auth, ip = INSIDE) => tenon.http.get(path).set(auth).set('x-forwarded-for', ip);
const put = ({ path, owner }: Office, body: object, auth: Auth = owner.auth, ip = INSIDE) =>
  tenon.http.put(`${path}/policies`).set(auth).set('x-forwarded-for', ip).send(body);
const ask = (office: Office, policies: object) =>
  put(office, { ...NOTHING_ASKED, ...policies }, platformAdmin).expect(200);
const changesOf = async ({ organizationId }: Office) =>
  (await entriesOf(tenon.db, 'organization.policies_updated')).filter(
    ({ organization_id }) => organization_id === organizationId,
  );
/** A token of a session that began otherwise. */
function signedIn(
  { userId, sessionId }: Member,
  { methods = ['pwd'], minutesAgo = 0 }: { methods?: string[]; minutesAgo?: number },
): Auth {
  const authTime = new Date(Date.now() - minutesAgo * 60_000);
  const { token } = tenon.app.get(AccessTokens).issue({ userId, sessionId, authTime, methods });
  return { authorization: `Bearer ${token}` };
}

describe('O7 policies', () => {
  it('of an organization that never said so ask nothing; what has no mechanism yet is named', async () => {
    const { path, owner } = await newOffice();
    const { body, headers } = await get(`${path}/policies`, owner.auth).expect(200);
    expect(body).toEqual({ ...NOTHING_ASKED, notEnforced: ['mfaRequired'], version: 1 });
    expect(headers.etag).toBe('"1"');
  });

  it('are replaced as a whole, with before and after in the trail', async () => {
    const office = await newOffice();
    const asked = {
      mfaRequired: true,
      sessionLifetimeMinutes: 5,
      signInMethods: ['saml', 'password'],
      ipAllowList: [NETWORK],
    };
    const { body, headers } = await put(office, asked).expect(200);
    expect(body).toEqual({ ...asked, notEnforced: ['mfaRequired'], version: 2 });
    expect(headers.etag).toBe('"2"');
    expect((await get(`${office.path}/policies`, office.owner.auth)).body).toEqual(body);
    await put(office, { ...NOTHING_ASKED, sessionLifetimeMinutes: 43_200 }).expect(200);
    expect(await changesOf(office)).toMatchObject([
      {
        actor_id: office.owner.userId,
        actor_role: 'owner',
        target_id: office.organizationId,
        before: NOTHING_ASKED,
        after: asked,
      },
      { before: asked, after: { ...NOTHING_ASKED, sessionLifetimeMinutes: 43_200 } },
    ]);
  });

  it('that are as asked already keep their version and leave no entry', async () => {
    const office = await newOffice();
    expect((await put(office, NOTHING_ASKED).expect(200)).body.version).toBe(1);
    await put(office, { ...NOTHING_ASKED, ipAllowList: [NETWORK] }).expect(200);
    const again = { ...NOTHING_ASKED, ipAllowList: [`::ffff:203.0.113.0/120`, NETWORK] };
    expect((await put(office, again).expect(200)).body.version).toBe(2);
    expect(await changesOf(office)).toHaveLength(1);
  });

  it('keep each range once, in its one spelling', async () => {
    const office = await newOffice();
    const ipAllowList = [NETWORK, '198.51.100.7', '2001:DB8::/32', '198.51.100.7/32', '::ffff:198.51.100.7', '::/0'];
    expect((await put(office, { ...NOTHING_ASKED, ipAllowList }).expect(200)).body.ipAllowList).toEqual([
      NETWORK,
      '198.51.100.7/32',
      '2001:db8::/32',
      '::/0',
    ]);
  });

  it('with a range that is none are refused, and each is named', async () => {
    const office = await newOffice();
    const ipAllowList = [NETWORK, '203.0.113.77/24', 'example.com', '10.0.0.0/33', "1.1.1.1'; drop table users --"];
    const { body } = await put(office, { ...NOTHING_ASKED, ipAllowList }).expect(400);
    expect(body.code).toBe('validation_failed');
    expect(body.errors).toMatchObject(
      [1, 2, 3, 4].map((index) => ({ field: `ipAllowList.${index}`, code: 'range_invalid' })),
    );
    expect(body.errors[0].message).toContain('203.0.113.0/24');
    expect(await changesOf(office)).toEqual([]);
  });

  it('case 27, case 7: take nothing else, and nothing less', async () => {
    const office = await newOffice();
    const wrong: object[] = [
      {},
      ...Object.keys(NOTHING_ASKED).map((field) => ({ ...NOTHING_ASKED, [field]: undefined })),
      ...[null, 'true', 1, []].map((mfaRequired) => ({ ...NOTHING_ASKED, mfaRequired })),
      ...[4, 0, -1, 43_201, 60.5, '60', [60], true].map((minutes) => ({
        ...NOTHING_ASKED,
        sessionLifetimeMinutes: minutes,
      })),
      ...[[], 'password', ['pwd'], ['password', 'password'], [null], [['password']], {}].map((signInMethods) => ({
        ...NOTHING_ASKED,
        signInMethods,
      })),
      ...[[], INSIDE, [null], [7], [[INSIDE]], ['x'.repeat(51)], {}, Array(101).fill(INSIDE)].map((ipAllowList) => ({
        ...NOTHING_ASKED,
        ipAllowList,
      })),
      { ...NOTHING_ASKED, notEnforced: [] },
      { ...NOTHING_ASKED, version: 1 },
      { ...NOTHING_ASKED, organizationId: newId() },
      { ...NOTHING_ASKED, role: 'owner' },
      { ...NOTHING_ASKED, permissions: ['policies:update'] },
    ];
    for (const body of wrong)
      expect((await put(office, body).expect(400)).body.code, JSON.stringify(body)).toBe('validation_failed');
    expect(await changesOf(office)).toEqual([]);
  });

  it('are for owners to change and for admins to read; strangers find nothing', async () => {
    const office = await newOffice();
    const [admin, member] = await Promise.all(
      ['admin', 'member'].map((role) => insertMember(tenon, office.organizationId, role)),
    );
    await get(`${office.path}/policies`, admin!.auth).expect(200);
    for (const refused of [
      put(office, NOTHING_ASKED, admin!.auth),
      put(office, {}, member!.auth),
      get(`${office.path}/policies`, member!.auth),
    ])
      expect((await refused.expect(403)).body.code).toBe('permission_denied');
    for (const refused of [put(office, {}, stranger.auth), get(`${office.path}/policies`, stranger.auth)])
      expect((await refused.expect(404)).body.code).toBe('not_found');
  });

  it.each([
    ['an address that is not the own', { ipAllowList: ['198.51.100.0/24', '::/0'] }, 'your address'],
    ['methods without the own', { signInMethods: ['passkey', 'oidc', 'saml'] }, 'way in which you signed in'],
    ['a sign-in newer than the own', { sessionLifetimeMinutes: 9 }, 'newer sign-in'],
  ])('that ask for %s lock out whoever sets them: refused', async (_, policies, why) => {
    const office = await newOffice();
    const auth = signedIn(office.owner, { minutesAgo: 10 });
    const { body } = await put(office, { ...NOTHING_ASKED, ...policies }, auth).expect(409);
    expect(body).toMatchObject({ code: 'policy_locks_you_out', detail: expect.stringContaining(why) });
    expect(await changesOf(office)).toEqual([]);
    await get(`${office.path}/policies`, auth).expect(200);
    // A platform admin is not bound by them, neither then nor now.
    await put(office, { ...NOTHING_ASKED, ...policies }, platformAdmin).expect(200);
    await put(office, NOTHING_ASKED, platformAdmin).expect(200);
    expect(await changesOf(office)).toMatchObject(Array(2).fill({ actor_role: 'platform-admin' }));
  });
});

/** Every route below an organization, with ids of nothing. */
function organizationRoutes(organizationId: string): { method: 'get'; path: string }[] {
  const prefix = 'api/v1/organizations/:organizationId';
  return [...tenon.app.get(ModulesContainer).values()]
    .flatMap((module) => [...module.controllers.values()])
    .flatMap(({ metatype }) => {
      const prototype = metatype!.prototype as Record<string, object>;
      const base = String(Reflect.getMetadata(PATH_METADATA, metatype!));
      return new MetadataScanner().getAllMethodNames(prototype).flatMap((name) => {
        const method = Reflect.getMetadata(METHOD_METADATA, prototype[name]!) as RequestMethod | undefined;
        if (method === undefined) return [];
        const own = String(Reflect.getMetadata(PATH_METADATA, prototype[name]!)).replace(/^\/$/, '');
        const path = [base, own].filter(Boolean).join('/');
        return path.startsWith(prefix) ? [{ method: RequestMethod[method].toLowerCase() as 'get', path }] : [];
      });
    })
    .map(({ method, path }) => ({
      method,
      path: `/${path.replace(':organizationId', organizationId).replaceAll(/:\w+/g, newId())}`,
    }));
}

describe('O7 at the door', () => {
  it('a member from elsewhere comes in nowhere, whatever their role; without a tenant nothing changes', async () => {
    const office = await newOffice();
    const viewer = await insertMember(tenon, office.organizationId, 'viewer');
    await ask(office, { ipAllowList: [NETWORK] });
    const routes = organizationRoutes(office.organizationId);
    expect(routes.length).toBeGreaterThan(5);
    for (const { method, path } of routes) {
      const { auth } = method === 'get' ? viewer : office.owner;
      const { status, body } = await tenon.http[method](path).set(auth).set('x-forwarded-for', OUTSIDE);
      expect([status, body.code], `${method} ${path}`).toEqual([403, 'ip_not_allowed']);
    }
    for (const ip of [INSIDE, `::ffff:${INSIDE}`]) await get(`${office.path}/plan`, viewer.auth, ip).expect(200);
    for (const path of ['/api/v1/organizations', '/api/v1/users/me', '/api/v1/plans'])
      await get(path, viewer.auth, OUTSIDE).expect(200);
    const elsewhere = await newOffice();
    await get(`${elsewhere.path}/plan`, elsewhere.owner.auth, OUTSIDE).expect(200);
    // Whoever is no member learns nothing of it; a platform admin is not bound.
    expect((await get(`${office.path}/plan`, stranger.auth, OUTSIDE).expect(404)).body.code).toBe('not_found');
    await get(`${office.path}/plan`, platformAdmin, OUTSIDE).expect(200);
  });

  it('case 9: nobody comes in by a header that they wrote themselves', async () => {
    const office = await newOffice();
    await ask(office, { ipAllowList: [NETWORK] });
    // Behind a trusted proxy its own word counts, the last; without one, none.
    await get(`${office.path}/plan`, office.owner.auth, `${INSIDE}, ${OUTSIDE}`).expect(403);
    await get(`${office.path}/plan`, office.owner.auth, `${OUTSIDE}, ${INSIDE}`).expect(200);
    for (const header of ['x-forwarded-for', 'forwarded', 'x-real-ip', 'x-client-ip', 'cf-connecting-ip'])
      await far.http.get(`${office.path}/plan`).set(office.owner.auth).set(header, INSIDE).expect(403);
    await ask(office, { ipAllowList: ['127.0.0.1'] });
    await expect.poll(async () => (await far.http.get(`${office.path}/plan`).set(office.owner.auth)).status).toBe(200);
  });

  it('ranges in the table that cannot be read open nothing', async () => {
    const office = await newOffice();
    await tenon.db.sql.query(
      `insert into organization_policies (organization_id, ip_allow_list, updated_at) values ($1, $2, now())`,
      [office.organizationId, ['everything', '0.0.0.0/-1', '', '203.0.113.0']],
    );
    await get(`${office.path}/plan`, office.owner.auth, INSIDE).expect(403);
    await get(`${office.path}/plan`, office.owner.auth, '203.0.113.0').expect(200);
  });

  it('a member who signed in another way is refused', async () => {
    const office = await newOffice();
    await ask(office, { signInMethods: ['passkey'] });
    expect((await get(`${office.path}/plan`, office.owner.auth).expect(403)).body.code).toBe(
      'sign_in_method_not_allowed',
    );
    await get(`${office.path}/plan`, signedIn(office.owner, { methods: ['hwk'] })).expect(200);
  });

  it('a sign-in that is too old has to be made again, as RFC 9470 says it', async () => {
    const office = await newOffice();
    await ask(office, { sessionLifetimeMinutes: 60 });
    const old = signedIn(office.owner, { minutesAgo: 61 });
    const { body, headers } = await get(`${office.path}/plan`, old).expect(401);
    expect(body.code).toBe('reauthentication_required');
    expect(headers['www-authenticate']).toMatch(/^Bearer error="insufficient_user_authentication".* max_age="3600"$/);
    // The session itself is good, and so is a newer one.
    await get('/api/v1/users/me', old).expect(200);
    await get(`${office.path}/plan`, signedIn(office.owner, { minutesAgo: 59 })).expect(200);
  });

  it('who was kept out by address stands in the organization’s trail', async () => {
    const office = await newOffice();
    await ask(office, { ipAllowList: [NETWORK] });
    await get(`${office.path}/plan`, office.owner.auth, OUTSIDE).expect(403);
    const [entry] = await entriesOf(tenon.db, 'permission.denied', office.owner.userId);
    expect(entry).toMatchObject({
      organization_id: office.organizationId,
      outcome: 'failure',
      reason: 'ip_not_allowed',
      ip: OUTSIDE,
      target_id: 'GET /api/v1/organizations/:organizationId/plan',
    });
  });

  it('policies bind an owner whose organization is deactivated, too', async () => {
    const office = await newOffice();
    await ask(office, { ipAllowList: [NETWORK] });
    await tenon.db.sql.query(`update organizations set status = 'deactivated' where id = $1`, [office.organizationId]);
    await get(office.path, office.owner.auth, INSIDE).expect(200);
    expect((await get(office.path, office.owner.auth, OUTSIDE).expect(403)).body.code).toBe('ip_not_allowed');
  });

  it('a platform admin who is a member as well comes in from everywhere', async () => {
    const office = await newOffice();
    await tenon.db.sql.query(`update users set platform_role = 'admin' where id = $1`, [office.owner.userId]);
    await ask(office, { ipAllowList: [NETWORK] });
    await get(`${office.path}/plan`, office.owner.auth, OUTSIDE).expect(200);
    await tenon.db.sql.query(`update users set platform_role = null where id = $1`, [office.owner.userId]);
    await get(`${office.path}/plan`, office.owner.auth, OUTSIDE).expect(403);
  });

  it('case 24: a change takes effect on every instance', async () => {
    const office = await newOffice();
    const there = () => far.http.get(`${office.path}/plan`).set(office.owner.auth);
    const answer = async () => (await there()).body.code ?? 'passed';
    await there().expect(200);
    for (const [policies, expected] of [
      [{ ipAllowList: [NETWORK] }, 'ip_not_allowed'],
      [{ signInMethods: ['saml'] }, 'sign_in_method_not_allowed'],
      [{}, 'passed'],
    ] as const) {
      await ask(office, policies);
      // Here when it is answered, there a moment later.
      const here = await get(`${office.path}/plan`, office.owner.auth, OUTSIDE);
      expect(here.body.code ?? 'passed').toBe(expected);
      await expect.poll(answer).toBe(expected);
    }
  });
});

describe('P22 versions of policies', () => {
  it('of 50 writers who read the same version one writes, also where nothing was written before', async () => {
    const office = await newOffice();
    const answers = await atOnce(50, (n) =>
      put(office, { ...NOTHING_ASKED, sessionLifetimeMinutes: 100 + n }).set('if-match', '"1"'),
    );
    expect(countStatuses(answers)).toEqual({ 200: 1, 412: 49 });
    const written = answers.find(({ status }) => status === 200)!.body;
    expect(written.version).toBe(2);
    expect((await get(`${office.path}/policies`, office.owner.auth)).body).toEqual(written);
    expect(await changesOf(office)).toHaveLength(1);
  });

  it('a version that was never read writes nothing', async () => {
    const office = await newOffice();
    const asked = { ...NOTHING_ASKED, sessionLifetimeMinutes: 60 };
    expect((await put(office, asked).set('if-match', '"2"').expect(412)).body.code).toBe('precondition_failed');
    expect((await get(`${office.path}/policies`, office.owner.auth)).body).toMatchObject({
      ...NOTHING_ASKED,
      version: 1,
    });
  });
});
