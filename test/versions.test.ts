import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { atOnce, countStatuses, insertPerson, openSession } from './harness/accounts.js';
import { startApp, type TestApp } from './harness/app.js';
import { insertMember, insertOrganization } from './harness/organizations.js';

type Auth = { authorization: string };

/** Something that several people edit. */
interface Edited {
  path: string;
  auth: Auth;
  method: 'patch' | 'put';
  /** A body that changes it, another one for each number. */
  change(n: number): object;
}

let tenon: TestApp;
const THINGS = [
  'plan',
  'organization',
  'organizationPlan',
  'policies',
  'cleanupPolicy',
  'settings',
  'role',
  'feature',
  'configuration',
  'switch',
  'segment',
  'widget',
  'dashboard',
  'changePolicy',
  'changeRequest',
  'template',
  'webhook',
  'organizationWebhook',
] as const;
const edited = {} as Record<(typeof THINGS)[number], Edited>;
beforeAll(async () => {
  tenon = await startApp({ env: { WEBHOOK_TARGETS: 'any' } });
  const { userId } = await insertPerson(tenon.db, { platformRole: 'admin' });
  const { auth: admin } = await openSession(tenon, userId);
  const { organizationId, path } = await insertOrganization(tenon.db);
  const { auth: owner } = await insertMember(tenon, organizationId, 'owner');
  // Its plan has the version of the organization; apart, so that one test does not move the other's.
  const other = await insertOrganization(tenon.db);
  for (const key of ['even', 'odd'])
    await tenon.http.post('/api/v1/plans').set(admin).send({ key, name: key, limits: {} }).expect(201);
  const role = { key: 'receptionist', name: 'Receptionist', permissions: ['members:read'] };
  await tenon.http.post(`${path}/roles`).set(owner).send(role).expect(201);
  const feature = { key: 'reports', name: 'Reports', type: 'boolean', defaultValue: true };
  await tenon.http.post('/api/v1/features').set(admin).send(feature).expect(201);
  const segment = { key: 'beta', when: [{ attribute: 'beta', operator: 'exists', values: [] }] };
  await tenon.http.post('/api/v1/segments').set(admin).send(segment).expect(201);
  const configure = {
    type: 'feature.configure',
    key: 'reports',
    environment: 'staging',
    configuration: { enabled: false },
  };
  const asked = { title: 'Off in staging', changes: [configure] };
  const request = await tenon.http.post('/api/v1/feature-changes').set(admin).send(asked).expect(201);
  const kinds = ['feature', 'configuration', 'segment'];
  const approvers: string[] = [];
  for (const _ of kinds) approvers.push((await insertPerson(tenon.db, { platformRole: 'admin' })).userId);
  const template = { key: 'pilot', name: 'Pilot', values: [{ feature: 'reports', value: false }] };
  await tenon.http.post('/api/v1/feature-templates').set(admin).send(template).expect(201);
  const webhookOf = async (scope: string, auth: Auth): Promise<Edited> => {
    const made = { url: 'http://127.0.0.1:4000/hook', eventTypes: ['domain.lapsed'] };
    const { body } = await tenon.http.post(`${scope}/webhooks`).set(auth).send(made).expect(201);
    return {
      path: `${scope}/webhooks/${body.id}`,
      auth,
      method: 'patch',
      change: (n) => ({ description: `Description ${n}` }),
    };
  };
  Object.assign(edited, {
    plan: { path: '/api/v1/plans/even', auth: admin, method: 'patch', change: (n) => ({ description: `${n}` }) },
    organization: { path, auth: owner, method: 'patch', change: (n) => ({ name: `Name ${n}` }) },
    organizationPlan: {
      path: `${other.path}/plan`,
      auth: admin,
      method: 'put',
      change: (n) => ({ plan: n % 2 ? 'odd' : 'even' }),
    },
    policies: {
      path: `${path}/policies`,
      auth: owner,
      method: 'put',
      change: (n) => ({
        mfaRequired: false,
        sessionLifetimeMinutes: 1_000 + n,
        signInMethods: null,
        ipAllowList: null,
      }),
    },
    cleanupPolicy: {
      path: `${path}/cleanup-policy`,
      auth: owner,
      method: 'put',
      change: (n) => ({ keptDays: { invitation: 1 + n } }),
    },
    settings: {
      path: `${path}/settings`,
      auth: owner,
      method: 'patch',
      change: (n) => ({ branding: { displayName: `Name ${n}` } }),
    },
    role: { path: `${path}/roles/${role.key}`, auth: owner, method: 'patch', change: (n) => ({ name: `Role ${n}` }) },
    feature: {
      path: '/api/v1/features/reports',
      auth: admin,
      method: 'patch',
      change: (n) => ({ description: `Description ${n}` }),
    },
    configuration: {
      path: '/api/v1/features/reports/environments/production',
      auth: admin,
      method: 'put',
      change: (n) => ({ enabled: true, rollout: { percentage: n } }),
    },
    switch: {
      path: '/api/v1/features/reports/environments/development',
      auth: admin,
      method: 'patch',
      change: (n) => ({ enabled: n % 2 === 0, reason: 'A test' }),
    },
    segment: { path: '/api/v1/segments/beta', auth: admin, method: 'patch', change: (n) => ({ name: `Name ${n}` }) },
    widget: {
      path: '/api/v1/widgets/seats-used',
      auth: admin,
      method: 'patch',
      change: (n) => ({ name: `Name ${n}` }),
    },
    dashboard: {
      path: `${path}/dashboards/me`,
      auth: owner,
      method: 'put',
      change: (n) => ({ layout: [{ id: 'seats', widget: 'seats-used', x: 0, y: n, w: 3, h: 2 }], theme: 'dark' }),
    },
    changePolicy: {
      path: '/api/v1/feature-changes/policies/development',
      auth: admin,
      method: 'put',
      // Another choice of both for each of 1 to 63.
      change: (n) => ({
        approvals: 0,
        reasonRequired: true,
        reason: 'A test',
        kinds: kinds.filter((_, at) => (n >> at) & 1),
        approvers: approvers.filter((_, at) => (n >> (at + kinds.length)) & 1),
      }),
    },
    changeRequest: {
      path: `/api/v1/feature-changes/${request.body.id}`,
      auth: admin,
      method: 'patch',
      change: (n) => ({ title: `Title ${n}` }),
    },
    template: {
      path: '/api/v1/feature-templates/pilot',
      auth: admin,
      method: 'patch',
      change: (n) => ({ description: `Description ${n}` }),
    },
    webhook: await webhookOf('/api/v1', admin),
    organizationWebhook: await webhookOf(path, owner),
  } satisfies typeof edited);
});
afterAll(() => tenon.close());

const read = async ({ path, auth }: Edited) => {
  const { body, headers } = await tenon.http.get(path).set(auth).expect(200);
  return { body, etag: headers.etag as string };
};
const write = (thing: Edited, n: number, ifMatch?: string | string[]) => {
  const request = tenon.http[thing.method](thing.path).set(thing.auth).send(thing.change(n));
  // Several headers of one name, too.
  return ifMatch === undefined ? request : request.set('if-match', ifMatch as string);
};

describe.each(THINGS)('P22 the version of %s', (name) => {
  it('is its ETag, on reading and on writing, and each write raises it', async () => {
    const thing = edited[name];
    const before = await read(thing);
    expect(before.etag).toBe(`"${before.body.version}"`);
    const { body, headers } = await write(thing, 1, before.etag).expect(200);
    expect(body.version).toBe(before.body.version + 1);
    expect(headers.etag).toBe(`"${body.version}"`);
    expect(await read(thing)).toMatchObject({ etag: headers.etag, body: { version: body.version } });
  });

  it('refuses the write of whoever read an older one; without If-Match, or with *, it goes through', async () => {
    const thing = edited[name];
    const { etag } = await read(thing);
    await write(thing, 2).expect(200);
    const { body } = await write(thing, 3, etag).expect(412);
    expect(body.code).toBe('precondition_failed');
    await write(thing, 3, '*').expect(200);
    await write(thing, 4, etag).expect(412);
  });

  it('lets one of ten in who read the same', async () => {
    const thing = edited[name];
    const { etag, body } = await read(thing);
    // Of two states the other one: a write that changes nothing is none.
    const isEven = { organizationPlan: body.plan?.key === 'even', switch: body.enabled }[name as string];
    const next = isEven === undefined ? (n: number) => 10 + n : () => (isEven ? 1 : 2);
    const answers = await atOnce(10, (n) => write(thing, next(n), etag));
    expect(countStatuses(answers)).toEqual({ 200: 1, 412: 9 });
    expect((await read(thing)).body.version).toBe(body.version + 1);
  });
});

describe('P22 If-Match', () => {
  it('is matched by nothing but the tag itself', async () => {
    const thing = edited.plan;
    const before = await read(thing);
    const { version } = before.body;
    for (const ifMatch of [
      `W/"${version}"`,
      `"${version}", "${version + 1}"`,
      [`"${version}"`, `"${version}"`],
      `*, "${version}"`,
      `${version}`,
      `"0${version}"`,
      `"+${version}"`,
      `"${version}.0"`,
      `"${version}`,
      `'${version}'`,
      `"${version + 1}"`,
      '"0"',
      '"-1"',
      '"9999999999"',
      '"99999999999999999999"',
      '""',
      '"*"',
      '',
      'anything',
      `"1' or version = ${version} --"`,
    ])
      expect((await write(thing, 5, ifMatch)).body.code, String(ifMatch)).toBe('precondition_failed');
    expect(await read(thing)).toEqual(before);
  });

  it('refuses without a word about what somebody else wrote, and comes after permission', async () => {
    const { path } = edited.policies;
    const { body } = await write(edited.policies, 1, '"1"').expect(412);
    expect(Object.keys(body).toSorted()).toEqual(['code', 'detail', 'requestId', 'status', 'title', 'type']);
    const { userId } = await insertPerson(tenon.db);
    const { auth: stranger } = await openSession(tenon, userId);
    for (const ifMatch of ['"1"', 'anything'])
      await tenon.http.put(path).set(stranger).set('if-match', ifMatch).send({}).expect(404);
  });
});
