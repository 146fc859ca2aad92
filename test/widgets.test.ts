import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ChangeBus } from '../src/database/change-bus.js';
import { atOnce, countStatuses } from './harness/accounts.js';
import { insertApiKey, insertServiceAccount } from './harness/api-keys.js';
import { startApp, type TestApp } from './harness/app.js';
import { createDatabase, type TestDatabase } from './harness/database.js';
import { type FeatureAdmin, featureAdmin } from './harness/feature-admin.js';
import { insertFeatures, insertOverride, newFeatureKey } from './harness/features.js';
import { insertMember, insertOrganization, type Member } from './harness/organizations.js';
import { PostgresProxy } from './harness/postgres-proxy.js';
import { insertWidget } from './harness/widgets.js';

const WIDGETS = '/api/v1/widgets';

let db: TestDatabase;
let proxy: PostgresProxy;
let tenon: TestApp;
let api: FeatureAdmin;
let path: string;
let organizationId: string;
let viewer: Member;
beforeAll(async () => {
  db = await createDatabase();
  proxy = await PostgresProxy.start(db.appUrl);
  tenon = await startApp({ db, env: { DATABASE_DIRECT_URL: proxy.url } });
  api = await featureAdmin(tenon);
  ({ path, organizationId } = await insertOrganization(tenon.db));
  viewer = await insertMember(tenon, organizationId, 'viewer');
});
afterAll(async () => {
  await tenon.close();
  await proxy.close();
  await db.drop();
});

const settingsSchema = {
  type: 'object',
  properties: { rows: { type: 'integer', minimum: 1, maximum: 50 } },
  additionalProperties: false,
};
const right = { key: 'refused', name: 'Refused', type: 'chart', defaultSize: { w: 6, h: 4 } };
const keysOf = ({ body }: { body: { data: { key: string }[] } }): string[] => body.data.map(({ key }) => key);

describe('F10 the starter library', () => {
  it('has at least ten widgets that every organization can use, with sizes and settings', async () => {
    const { body } = await api.get(`${path}/widgets`, viewer.auth).expect(200);
    expect(body.data.length).toBeGreaterThanOrEqual(10);
    for (const widget of body.data)
      expect(widget).toMatchObject({ available: true, reason: null, explanation: null, requiredFeatures: [] });
    expect(keysOf({ body })).toEqual(keysOf({ body }).toSorted());
    expect(body.data).toContainEqual(
      expect.objectContaining({
        key: 'recent-activity',
        type: 'list',
        defaultSize: { w: 6, h: 4 },
        settingsSchema: expect.objectContaining({ additionalProperties: false }),
      }),
    );
  });

  it('is one that the API itself would take', async () => {
    const { body } = await api.get(WIDGETS).expect(200);
    for (const { version: _, createdAt: _1, updatedAt: _2, key, ...rest } of body.data)
      await api.post(WIDGETS, { ...rest, key: `${key}.copy` }).expect(201);
    for (const { key } of body.data) await api.remove(`${WIDGETS}/${key}.copy`).expect(204);
  });
});

describe('F10 the library of widgets', () => {
  it('is made, read, changed and removed, each told in the trail', async () => {
    await api.feature('reports');
    await api.feature('exports');
    const { body, headers } = await api
      .post(WIDGETS, { ...right, key: 'own', requiredFeatures: ['reports', 'exports'], settingsSchema })
      .expect(201);
    expect(body).toEqual({
      key: 'own',
      name: 'Refused',
      description: null,
      type: 'chart',
      requiredFeatures: ['exports', 'reports'],
      settingsSchema,
      defaultSize: { w: 6, h: 4 },
      version: 1,
      createdAt: expect.stringMatching(/Z$/),
      updatedAt: expect.stringMatching(/Z$/),
    });
    expect(headers.etag).toBe('"1"');
    expect((await api.get(`${WIDGETS}/own`).expect(200)).body).toEqual(body);
    const change = { name: 'Own', requiredFeatures: ['reports'], defaultSize: { w: 12, h: 1 } };
    const changed = await api.patch(`${WIDGETS}/own`, change).set('if-match', '"1"').expect(200);
    expect(changed.body).toMatchObject({ ...change, type: 'chart', settingsSchema, version: 2 });
    await api.patch(`${WIDGETS}/own`, { name: 'Late' }).set('if-match', '"1"').expect(412);
    for (const same of [{}, change, { requiredFeatures: ['reports'], settingsSchema }])
      expect((await api.patch(`${WIDGETS}/own`, same).expect(200)).body.version).toBe(2);
    expect((await api.patch(`${WIDGETS}/own`, { settingsSchema: null }).expect(200)).body).toMatchObject({
      settingsSchema: null,
      version: 3,
    });
    expect(await api.changesOf('widget.updated', 'own')).toEqual([
      {
        before: { name: 'Refused', requiredFeatures: ['exports', 'reports'], defaultSize: { w: 6, h: 4 } },
        after: change,
      },
      { before: { settingsSchema }, after: { settingsSchema: null } },
    ]);
    await api.remove(`${WIDGETS}/own`).set('if-match', '"2"').expect(412);
    await api.remove(`${WIDGETS}/own`).set('if-match', '"3"').expect(204);
    await api.get(`${WIDGETS}/own`).expect(404);
    await api.remove(`${WIDGETS}/own`).expect(404);
    await api.patch(`${WIDGETS}/own`, { name: 'X' }).expect(404);
    expect(await api.changesOf('widget.created', 'own')).toHaveLength(1);
    expect(await api.changesOf('widget.deleted', 'own')).toHaveLength(1);
  });

  it('is listed by page, and by type, feature and text', async () => {
    const [feature] = await insertFeatures(tenon, {});
    await insertWidget(tenon, { key: 'z-listed', requiredFeatures: [feature!] });
    for (const [list, auth] of [
      [WIDGETS, api.admin],
      [`${path}/widgets`, viewer.auth],
    ] as const) {
      const found = async (query: object) => keysOf(await api.get(list, auth).query(query).expect(200));
      expect(await found({ requiredFeature: feature })).toEqual(['z-listed']);
      expect(await found({ type: 'metric' })).toEqual(['seats-used', 'z-listed']);
      expect(await found({ type: 'metric', q: 'SEATS of' })).toEqual(['seats-used']);
      expect(await found({ q: '%' })).toEqual([]);
      expect((await api.get(list, auth).query({ type: 'metric', page: 2, perPage: 1 }).expect(200)).body).toMatchObject(
        {
          data: [{ key: 'z-listed' }],
          meta: { total: 2, totalPages: 2 },
        },
      );
      for (const query of [{ type: 'a b' }, { requiredFeature: "'" }, { sort: 'key' }, { perPage: 0 }])
        expect((await api.get(list, auth).query(query).expect(400)).body.code).toBe('validation_failed');
    }
  });

  it('has each key once, and one of 50 changes of a version is made', async () => {
    const body = { ...right, key: 'same' };
    expect(countStatuses(await atOnce(50, () => api.post(WIDGETS, body)))).toEqual({ 201: 1, 409: 49 });
    const answers = await atOnce(50, (n) => api.patch(`${WIDGETS}/same`, { name: `N ${n}` }).set('if-match', '"1"'));
    expect(countStatuses(answers)).toEqual({ 200: 1, 412: 49 });
  });

  it('needs features that are there, and keeps them there', async () => {
    const { body } = await api.post(WIDGETS, { ...right, requiredFeatures: ['never-heard-of', 'reports'] }).expect(400);
    expect(body.errors).toEqual([
      { field: 'requiredFeatures', code: 'feature_unknown', message: 'There is no feature "never-heard-of"' },
    ]);
    const feature = await api.feature('needed');
    await api.post(WIDGETS, { ...right, key: 'needing', requiredFeatures: ['needed'] }).expect(201);
    for (const ask of [api.remove(feature), api.patch(feature, { lifecycle: 'archived' })])
      expect((await ask.expect(409)).body).toMatchObject({
        code: 'feature_in_use',
        detail: 'needed is needed by the widget needing',
      });
    await api.patch(`${WIDGETS}/needing`, { requiredFeatures: [] }).expect(200);
    await api.patch(feature, { lifecycle: 'archived' }).expect(200);
    expect(
      (await api.patch(`${WIDGETS}/needing`, { requiredFeatures: ['needed'] }).expect(400)).body.errors,
    ).toMatchObject([{ field: 'requiredFeatures', code: 'feature_archived' }]);
    await api.remove(feature).expect(204);
  });

  it('whoever needs a feature and whoever removes it, at once: not both', async () => {
    for (let round = 0; round < 5; round += 1) {
      const key = newFeatureKey('raced');
      const feature = await api.feature(key);
      const answers = await atOnce(2, (n) =>
        n ? api.remove(feature) : api.post(WIDGETS, { ...right, key, requiredFeatures: [key] }),
      );
      expect([
        [201, 409],
        [400, 204],
      ]).toContainEqual(answers.map(({ status }) => status));
    }
  });

  it('case 7, case 8, case 27: takes nothing else', async () => {
    for (const body of [
      {},
      ...['key', 'name', 'type', 'defaultSize'].map((field) => ({ ...right, [field]: undefined })),
      ...['A', '', 'a b', 'x'.repeat(101), {}, ['a'], null, 5].map((key) => ({ ...right, key })),
      ...['A', '', 'a b', {}, null].map((type) => ({ ...right, type })),
      ...['', 'a\nb', 5, ['x']].map((name) => ({ ...right, name })),
      { ...right, description: 'x'.repeat(2_001) },
      ...[null, [], {}, { w: 13, h: 1 }, { w: 0, h: 1 }, { w: 1, h: 0 }, { w: 1.5, h: 1 }, { w: '1', h: 1 }].map(
        (defaultSize) => ({ ...right, defaultSize }),
      ),
      { ...right, defaultSize: { w: 1, h: 1, x: 0 } },
      ...['reports', [5], [{}], ['A'], ['reports', 'reports'], null].map((requiredFeatures) => ({
        ...right,
        requiredFeatures,
      })),
      ...['x', [], true, { type: 'nothing' }, { type: 'object', unheard: 1 }, { $ref: 'http://x.test/' }].map(
        (schema) => ({ ...right, settingsSchema: schema }),
      ),
      // What was just placed has no settings.
      { ...right, settingsSchema: { type: 'object', required: ['rows'] } },
      { ...right, settingsSchema: { type: 'array' } },
      { ...right, version: 3 },
      { ...right, organizationId },
    ])
      expect((await api.post(WIDGETS, body).expect(400)).body.code, JSON.stringify(body)).toBe('validation_failed');
    await api.get(`${WIDGETS}/refused`).expect(404);
    for (const body of [
      { key: 'x' },
      { name: null },
      { type: null },
      { defaultSize: null },
      { requiredFeatures: null },
    ])
      await api.patch(`${WIDGETS}/seats-used`, body).expect(400);
    const sql = `'; drop table widget_library; -- ? \\' "`;
    const texts = { name: sql, description: sql };
    expect((await api.post(WIDGETS, { ...right, key: 'sql', ...texts }).expect(201)).body).toMatchObject(texts);
  });

  it('is for platform admins', async () => {
    const { auth } = api.person;
    for (const ask of [
      api.get(WIDGETS, auth),
      api.get(`${WIDGETS}/seats-used`, auth),
      api.post(WIDGETS, {}, auth),
      api.patch(`${WIDGETS}/seats-used`, {}, auth),
      api.remove(`${WIDGETS}/seats-used`, auth),
    ])
      expect((await ask.expect(403)).body.code).toBe('permission_denied');
    await tenon.http.get(WIDGETS).expect(401);
  });

  it('case 6: when the trail cannot be written nothing is changed', async () => {
    await api.rows(`alter table audit_log add constraint broken check (action not like 'widget.%') not valid`);
    try {
      await api.post(WIDGETS, { ...right, key: 'unseen' }).expect(500);
      await api.patch(`${WIDGETS}/seats-used`, { name: 'Unseen' }).expect(500);
      await api.remove(`${WIDGETS}/seats-used`).expect(500);
    } finally {
      await api.rows('alter table audit_log drop constraint broken');
    }
    await api.get(`${WIDGETS}/unseen`).expect(404);
    expect((await api.get(`${WIDGETS}/seats-used`)).body).toMatchObject({ name: 'Seats', version: 1 });
  });
});

describe('F10 what an organization can use', () => {
  const show = async (key: string, query: object = {}, auth = viewer.auth) => {
    const { body } = await api
      .get(`${path}/widgets`, auth)
      .query({ q: key, ...query })
      .expect(200);
    return body.data.find((widget: { key: string }) => widget.key === key);
  };
  const needing = async (...requiredFeatures: string[]): Promise<string> => {
    const key = newFeatureKey('widget');
    await insertWidget(tenon, { key, requiredFeatures });
    return key;
  };
  const putOnPlan = (plan: string) => api.put(`${path}/plan`, { plan }).expect(200);

  it('is told with the reason why not, and comes and goes with an override', async () => {
    const [off, on] = await insertFeatures(tenon, { defaultValue: false }, { defaultValue: true });
    const widget = await needing(off!, on!);
    expect(await show(widget)).toMatchObject({
      available: false,
      reason: 'feature_off',
      explanation: `${widget} needs ${off}. ${off} is false by default.`,
      requiredFeatures: [
        { key: off, on: false, reason: 'default', details: {}, explanation: `${off} is false by default.` },
        { key: on, on: true, reason: 'default' },
      ],
    });
    const override = { value: true, reason: 'Agreed with sales', environment: 'production' };
    await api.put(`${path}/features/${off}`, override).expect(200);
    expect(await show(widget)).toMatchObject({
      available: true,
      reason: null,
      explanation: null,
      requiredFeatures: [{ key: off, on: true, reason: 'override' }, { key: on }],
    });
    expect(await show(widget, { environment: 'staging' })).toMatchObject({ available: false });
    await api.remove(`${path}/features/${off}?environment=production`).expect(204);
    expect(await show(widget)).toMatchObject({ available: false, reason: 'feature_off' });
  });

  it('comes and goes with the plan', async () => {
    const plan = newFeatureKey('plan');
    await api.post('/api/v1/plans', { key: plan, name: plan, limits: {} }).expect(201);
    const [feature] = await insertFeatures(tenon, { defaultValue: true, plans: { standard: false, [plan]: true } });
    const widget = await needing(feature!);
    expect(await show(widget)).toMatchObject({
      available: false,
      explanation: `${widget} needs ${feature}. ${feature} is false because that is what the plan standard says.`,
      requiredFeatures: [{ reason: 'entitlement', details: { plan: 'standard', planValue: false } }],
    });
    await putOnPlan(plan);
    expect(await show(widget)).toMatchObject({ available: true });
    await putOnPlan('standard');
    expect(await show(widget)).toMatchObject({ available: false });
  });

  it('says each stage as the evaluation gives it; values other than booleans are on when they are not the default', async () => {
    const [parent, killed, draft, number] = ['parent', 'killed', 'draft', 'number'].map((name) => newFeatureKey(name));
    const child = newFeatureKey('child');
    await insertFeatures(
      tenon,
      { key: parent!, defaultValue: false },
      { key: child, defaultValue: true, dependencies: [parent!] },
      { key: killed!, defaultValue: true, configurations: { production: { enabled: false } } },
      { key: draft!, defaultValue: true, lifecycle: 'draft' },
      { key: number!, type: 'number', defaultValue: 5 },
    );
    const reasonOf = async (feature: string) => (await show(await needing(feature))).requiredFeatures[0];
    expect(await reasonOf(child)).toMatchObject({ on: false, reason: 'dependency', details: { parent } });
    expect(await reasonOf(killed!)).toMatchObject({ on: false, reason: 'kill_switch' });
    expect(await reasonOf(draft!)).toMatchObject({ on: false, reason: 'not_active' });
    expect(await reasonOf(number!)).toMatchObject({ on: false, reason: 'default' });
    await api.put(`${path}/features/${number}`, { value: 6, reason: 'For a test' }).expect(200);
    expect(await reasonOf(number!)).toMatchObject({ on: true, reason: 'override' });
  });

  it('case 35: is right while the listener is cut', async () => {
    const [feature] = await insertFeatures(tenon, { defaultValue: false });
    const widget = await needing(feature!);
    expect(await show(widget)).toMatchObject({ available: false });
    const bus = tenon.app.get(ChangeBus);
    proxy.refusing = true;
    proxy.cut();
    await expect.poll(() => bus.up).toBe(false);
    await insertOverride(tenon, organizationId, feature!, true);
    expect(await show(widget)).toMatchObject({ available: true });
    proxy.refusing = false;
    await expect.poll(() => bus.up).toBe(true);
    expect(await show(widget)).toMatchObject({ available: true });
  });

  it('is shown to API keys with the scope, of their own environment alone', async () => {
    const { serviceAccountId } = await insertServiceAccount(tenon.db, organizationId, { role: 'viewer' });
    const key = await insertApiKey(tenon.db, organizationId, { serviceAccountId }, { environment: 'staging' });
    expect((await api.get(`${path}/widgets`, key.auth).expect(200)).body.data.length).toBeGreaterThan(10);
    await api.get(`${path}/widgets`, key.auth).query({ environment: 'production' }).expect(403);
    const without = await insertApiKey(tenon.db, organizationId, { serviceAccountId }, { scopes: ['features:read'] });
    await api.get(`${path}/widgets`, without.auth).expect(403);
  });

  it('is of no environment that is not there, and of no organization of others', async () => {
    const { body } = await api.get(`${path}/widgets`, viewer.auth).query({ environment: 'nowhere' }).expect(400);
    expect(body.errors).toMatchObject([{ field: 'environment', code: 'environment_unknown' }]);
    const other = await insertOrganization(tenon.db);
    await api.get(`${other.path}/widgets`, viewer.auth).expect(404);
  });
});
