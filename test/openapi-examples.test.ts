import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { insertPerson, openSession } from './harness/accounts.js';
import { insertApiKey } from './harness/api-keys.js';
import { startApp, type TestApp } from './harness/app.js';
import { type Auth, type FeatureAdmin, featureAdmin } from './harness/feature-admin.js';
import { type Operation, operations } from './harness/openapi-operations.js';
import { insertMember, insertOrganization } from './harness/organizations.js';

/** The groups that are about features. */
const TAGS = new Set([
  'Environments',
  'Features',
  'Feature changes',
  'Segments',
  'Feature templates',
  'Evaluation',
  'Entitlements',
  'Feature usage',
  'Widgets',
  'Dashboards',
  'OpenFeature',
]);

const FEATURES = '/api/v1/features';
const FEATURE = `${FEATURES}/{key}`;
const CONFIGURATION = `${FEATURE}/environments/{environment}`;
const TEMPLATE = '/api/v1/feature-templates/{key}';
const REQUEST = '/api/v1/feature-changes/{id}';
const POLICIES = '/api/v1/feature-changes/policies';
const ORGANIZATION = '/api/v1/organizations/{organizationId}';

/** Every call of these groups in an order in which somebody could try them. */
const STORY = [
  'POST /api/v1/environments',
  'GET /api/v1/environments',
  'GET /api/v1/environments/{key}',
  `POST ${FEATURES}`,
  `GET ${FEATURES}`,
  `GET ${FEATURE}`,
  'POST /api/v1/segments',
  'GET /api/v1/segments',
  'GET /api/v1/segments/{key}',
  'PATCH /api/v1/segments/{key}',
  `GET ${FEATURE}/impact`,
  `POST ${FEATURE}/impact`,
  `PATCH ${FEATURE}`,
  `PUT ${CONFIGURATION}`,
  `PATCH ${CONFIGURATION}`,
  `GET ${CONFIGURATION}`,
  `GET ${FEATURE}/environments`,
  `POST ${FEATURES}/import`,
  `GET ${FEATURES}/export`,
  `POST ${ORGANIZATION}/features/evaluate`,
  `GET ${ORGANIZATION}/features`,
  `GET ${ORGANIZATION}/features/{key}`,
  `PUT ${ORGANIZATION}/features/{key}`,
  `POST ${ORGANIZATION}/features/{key}/consume`,
  `GET ${ORGANIZATION}/features/{key}/usage`,
  `DELETE ${ORGANIZATION}/features/{key}`,
  'POST /api/v1/feature-templates',
  'GET /api/v1/feature-templates',
  `GET ${TEMPLATE}`,
  `PATCH ${TEMPLATE}`,
  `POST ${TEMPLATE}/preview`,
  `POST ${TEMPLATE}/applications`,
  `GET ${TEMPLATE}/applications`,
  `GET ${TEMPLATE}/applications/{id}`,
  `GET ${TEMPLATE}/applications/{id}/organizations`,
  'POST /api/v1/feature-templates/applications/{id}/rollback',
  'POST /api/v1/widgets',
  'GET /api/v1/widgets',
  'GET /api/v1/widgets/{key}',
  'PATCH /api/v1/widgets/{key}',
  `GET ${ORGANIZATION}/widgets`,
  `GET ${ORGANIZATION}/dashboards/me`,
  `PUT ${ORGANIZATION}/dashboards/me`,
  `DELETE ${ORGANIZATION}/dashboards/me`,
  'POST /ofrep/v1/evaluate/flags',
  'POST /ofrep/v1/evaluate/flags/{key}',
  `GET ${ORGANIZATION}/feature-usage`,
  `GET ${FEATURE}/usage`,
  'GET /api/v1/feature-usage/stale',
  `GET ${FEATURES}/changes`,
  `GET ${FEATURE}/changes`,
  `GET ${FEATURES}/changes/{id}`,
  `POST ${FEATURES}/changes/{id}/rollback`,
  'POST /api/v1/feature-changes',
  'GET /api/v1/feature-changes',
  `GET ${REQUEST}`,
  `PATCH ${REQUEST}`,
  `POST ${REQUEST}/approve`,
  `POST ${REQUEST}/reject`,
  `POST ${REQUEST}/cancel`,
  `POST ${REQUEST}/apply`,
  `DELETE ${FEATURE}`,
  'DELETE /api/v1/segments/{key}',
  'DELETE /api/v1/widgets/{key}',
  `DELETE ${TEMPLATE}`,
  'DELETE /api/v1/environments/{key}',
  `GET ${POLICIES}`,
  `GET ${POLICIES}/{environment}`,
  `PUT ${POLICIES}/{environment}`,
];

/** It takes the token of an answer, and does not end: `ofrep-streams.test.ts`. */
const LEFT_OUT = ['GET /ofrep/v1/events'];
/** The reason of a removal stands in the query, of which Swagger UI fills nothing in. */
const WITHOUT_REASON = [`DELETE ${FEATURE}`, 'DELETE /api/v1/segments/{key}'];

const all = operations().filter(({ tag }) => TAGS.has(tag));
const byName = new Map(all.map((operation) => [operation.name, operation]));
/** What examples have where it is another one everywhere. */
const ID = '0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f00';
const HASH = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08';

it('P3: the story holds every call that is about features', () => {
  expect([...STORY, ...LEFT_OUT].toSorted()).toEqual([...byName.keys()].toSorted());
});

describe.each([
  ['a new installation', []],
  ['one where changes have to say why', ['development', 'production', 'staging']],
])('P3 the examples of Swagger UI on %s, one after the other', (_, withReasons) => {
  let tenon: TestApp;
  let api: FeatureAdmin;
  /** A second platform admin: nobody approves their own. */
  let second: Auth;
  let owner: Auth;
  let key: Auth;
  let organizationId: string;
  beforeAll(async () => {
    tenon = await startApp();
    api = await featureAdmin(tenon);
    second = (await openSession(tenon, (await insertPerson(tenon.db, { platformRole: 'admin' })).userId)).auth;
    ({ organizationId } = await insertOrganization(tenon.db));
    const member = await insertMember(tenon, organizationId, 'owner');
    owner = member.auth;
    key = (await insertApiKey(tenon.db, organizationId, { userId: member.userId })).auth;
    for (const environment of withReasons)
      await api.put(`${POLICIES}/${environment}`, { approvals: 0, reasonRequired: true, reason: 'A test' }).expect(200);
  });
  afterAll(() => tenon.close());

  const first = async (path: string): Promise<string> => (await api.get(path).expect(200)).body.data[0].id;
  const lastChange = () => first(`${FEATURES}/changes?feature=reports&kind=configuration&limit=1`);
  const lastApplication = () => first('/api/v1/feature-templates/pilot-customers/applications?limit=1');
  /** A request that nobody has said anything of. */
  const newRequest = async (): Promise<{ id: string; contentHash: string }> => {
    const [, body] = byName.get('POST /api/v1/feature-changes')!.bodies[0]!;
    return (await api.post('/api/v1/feature-changes', body).expect(201)).body;
  };

  /** What to put in place of the id and of the hash of the examples. */
  async function meant({ name, path }: Operation): Promise<{ id: string; contentHash?: string }> {
    if (path.startsWith(REQUEST)) return newRequest();
    if (path.includes('/applications/{id}')) return { id: await lastApplication() };
    if (path.includes('/changes/{id}') || name === 'POST /api/v1/feature-changes') return { id: await lastChange() };
    return { id: organizationId };
  }

  function whoAsks({ name, path }: Operation): Auth {
    if (path.startsWith('/ofrep/')) return key;
    if (path.endsWith('/dashboards/me')) return owner;
    return name.endsWith('/approve') || name.endsWith('/reject') ? second : api.admin;
  }

  async function send(operation: Operation, body?: object) {
    const { id, contentHash = HASH } = await meant(operation);
    const given = (text: string): string => text.replaceAll(ID, id).replaceAll(HASH, contentHash);
    const filledIn = (where: string): Map<string, string> =>
      new Map(
        operation.filledIn.flatMap(({ name, in: place, example }) =>
          place === where && example !== undefined ? [[name, given(example)]] : [],
        ),
      );
    const names = filledIn('path').set('organizationId', organizationId);
    const path = operation.path.replaceAll(/\{(\w+)\}/g, (_, parameter: string) => names.get(parameter)!);
    return fetch(`${tenon.url}${path}`, {
      method: operation.method,
      headers: {
        ...whoAsks(operation),
        ...Object.fromEntries(filledIn('header')),
        ...(body && { 'content-type': 'application/json' }),
      },
      body: body && given(JSON.stringify(body)),
    });
  }

  it.each(STORY)('%s', async (name) => {
    const operation = byName.get(name)!;
    for (const [example, body] of operation.bodies.length > 0
      ? operation.bodies
      : [['without a body', undefined] as const]) {
      const answer = await send(operation, body);
      const text = await answer.text();
      if (withReasons.length > 0 && WITHOUT_REASON.includes(name)) {
        expect(JSON.parse(text), example).toMatchObject({ status: 400, errors: [{ code: 'reason_required' }] });
        continue;
      }
      expect(answer.status, `${example}: ${text}`).toBeLessThan(300);
      if (name === `POST ${TEMPLATE}/applications`) {
        const status = async (): Promise<string> =>
          (await api.get(`/api/v1/feature-templates/pilot-customers/applications/${await lastApplication()}`)).body
            .status;
        await expect.poll(status, { timeout: 10_000 }).toBe('completed');
      }
    }
  });
});

describe('P3 the examples of Swagger UI do what they say', () => {
  let tenon: TestApp;
  beforeAll(async () => {
    tenon = await startApp();
  });
  afterAll(() => tenon.close());

  it('"A quarter of the people, and everybody of one company" gives the first feature to those alone', async () => {
    const api = await featureAdmin(tenon);
    const { organizationId } = await insertOrganization(tenon.db);
    const { auth } = await insertMember(tenon, organizationId, 'owner');
    const example = (name: string, which: string) => Object.fromEntries(byName.get(name)!.bodies)[which]!;
    const { key } = (await api.post(FEATURES, example(`POST ${FEATURES}`, 'first')).expect(201)).body;
    const configuration = example(`PUT ${CONFIGURATION}`, 'rollout');
    await api.put(`${FEATURES}/${key}/environments/production`, configuration).expect(200);
    const has = async (context: object): Promise<boolean> => {
      const path = `/api/v1/organizations/${organizationId}/features/evaluate`;
      return (await api.post(path, { context, keys: [key] }, auth).expect(200)).body.features[0].value;
    };
    const people = Array.from({ length: 40 }, (_, at) => `person-${at}`);
    const given = await Promise.all(people.map((targetingKey) => has({ targetingKey })));
    expect(new Set(given)).toEqual(new Set([true, false]));
    expect(await Promise.all(people.map((name) => has({ targetingKey: name, email: `${name}@example.com` })))).toEqual(
      people.map(() => true),
    );
  });
});
