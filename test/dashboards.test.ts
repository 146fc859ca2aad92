import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { atOnce, countStatuses, entriesOf, openSession } from './harness/accounts.js';
import { insertApiKey, insertServiceAccount } from './harness/api-keys.js';
import { startApp, type TestApp } from './harness/app.js';
import { type FeatureAdmin, featureAdmin } from './harness/feature-admin.js';
import { insertFeatures, newFeatureKey } from './harness/features.js';
import { insertMember, insertOrganization, type Member } from './harness/organizations.js';
import { insertWidget } from './harness/widgets.js';

let tenon: TestApp;
let api: FeatureAdmin;
let path: string;
let organizationId: string;
let owner: Member;
beforeAll(async () => {
  tenon = await startApp();
  api = await featureAdmin(tenon);
  ({ path, organizationId } = await insertOrganization(tenon.db));
  owner = await insertMember(tenon, organizationId, 'owner');
});
afterAll(() => tenon.close());

type Who = Pick<Member, 'auth'>;
const join = (role = 'viewer') => insertMember(tenon, organizationId, role);
const get = (who: Who, at = path) => api.get(`${at}/dashboards/me`, who.auth);
const put = (who: Who, body: object, at = path) => api.put(`${at}/dashboards/me`, body, who.auth);
const reset = (who: Who, at = path) => api.remove(`${at}/dashboards/me`, who.auth);
const seats = { id: 'seats', widget: 'seats-used', x: 0, y: 0, w: 3, h: 2 };
const news = { id: 'news', widget: 'recent-activity', x: 3, y: 0, w: 9, h: 4, settings: { rows: 20 } };
const dark = (...layout: object[]) => ({ layout, theme: 'dark' });

describe('F10 the dashboard of a member', () => {
  it('is made of available widgets until they save one, side by side on 12 columns', async () => {
    const viewer = await join();
    const [off] = await insertFeatures(tenon, { defaultValue: false });
    await insertWidget(tenon, { key: 'a-unavailable', requiredFeatures: [off!] });
    const { body, headers } = await get(viewer).expect(200);
    expect(body).toMatchObject({ isDefault: true, theme: 'system', version: 0, updatedAt: null });
    expect(headers.etag).toBe('"0"');
    expect(body.layout.length).toBeGreaterThanOrEqual(10);
    for (const placed of body.layout) expect(placed).toMatchObject({ available: true, reason: null, settings: {} });
    expect(body.layout.map(({ widget }: { widget: string }) => widget)).not.toContain('a-unavailable');
    // What is shown can be saved.
    const layout = body.layout.map(({ id, widget, x, y, w, h, settings }: typeof news) => ({
      id,
      widget,
      x,
      y,
      w,
      h,
      settings,
    }));
    expect((await put(viewer, { layout, theme: 'system' }).expect(200)).body).toMatchObject({
      isDefault: false,
      layout,
      version: 1,
    });
  });

  it('is saved as a whole, and given back', async () => {
    const viewer = await join();
    const { body, headers } = await put(viewer, dark(seats, news)).set('if-match', '"0"').expect(200);
    const told = { available: true, reason: null, explanation: null, requiredFeatures: [] };
    expect(body).toEqual({
      isDefault: false,
      layout: [
        { ...seats, settings: {}, name: 'Seats', type: 'metric', ...told },
        { ...news, name: 'Recent activity', type: 'list', ...told },
      ],
      theme: 'dark',
      version: 1,
      updatedAt: expect.stringMatching(/Z$/),
    });
    expect(headers.etag).toBe('"1"');
    expect((await get(viewer).expect(200)).body).toEqual(body);
    expect((await put(viewer, dark(seats, news)).expect(200)).body).toEqual(body);
    const moved = { ...seats, y: 4 };
    expect((await put(viewer, { layout: [moved], theme: 'light' }).expect(200)).body).toMatchObject({
      layout: [moved],
      theme: 'light',
      version: 2,
    });
    expect((await put(viewer, dark()).expect(200)).body).toMatchObject({ isDefault: false, layout: [], version: 3 });
  });

  it('goes back to the default, and no version comes twice', async () => {
    const viewer = await join();
    await reset(viewer).expect(204);
    expect((await get(viewer)).body).toMatchObject({ isDefault: true, version: 0, updatedAt: null });
    await put(viewer, dark(seats)).expect(200);
    await reset(viewer).set('if-match', '"0"').expect(412);
    await reset(viewer).set('if-match', '"1"').expect(204);
    expect((await get(viewer)).body).toMatchObject({ isDefault: true, theme: 'system', version: 2 });
    await reset(viewer).expect(204);
    expect((await put(viewer, dark(seats)).set('if-match', '"2"').expect(200)).body.version).toBe(3);
    await put(viewer, dark(news)).set('if-match', '"1"').expect(412);
  });

  it('of 50 who save at once what they read at the same version, one does', async () => {
    const viewer = await join();
    for (const version of [0, 1]) {
      const answers = await atOnce(50, (n) =>
        put(viewer, dark({ ...seats, y: n + 1 + 100 * version })).set('if-match', `"${version}"`),
      );
      expect(countStatuses(answers)).toEqual({ 200: 1, 412: 49 });
    }
    const answers = await atOnce(50, (n) => put(viewer, dark({ ...seats, y: 200 + n })));
    expect(countStatuses(answers)).toEqual({ 200: 50 });
    expect((await get(viewer)).body.version).toBe(52);
  });

  it('is told in the trail without what is on it: admins read that', async () => {
    const viewer = await join();
    await put(viewer, dark(seats, news)).expect(200);
    await put(viewer, dark(seats, news)).expect(200);
    await reset(viewer).expect(204);
    const entries = await api.rows(
      `select action, before, after, organization_id, user_id from audit_log where target_type = 'dashboard' and target_id = $1 order by id`,
      viewer.userId,
    );
    const about = { organization_id: organizationId, user_id: viewer.userId };
    expect(entries).toEqual([
      {
        action: 'dashboard.arranged',
        before: { widgets: null, theme: 'system', version: 0 },
        after: { widgets: 2, theme: 'dark', version: 1 },
        ...about,
      },
      {
        action: 'dashboard.reset',
        before: { widgets: 2, theme: 'dark', version: 1 },
        after: { widgets: null, theme: 'system', version: 2 },
        ...about,
      },
    ]);
  });

  it('case 6: when the trail cannot be written nothing is saved', async () => {
    const viewer = await join();
    await api.rows(`alter table audit_log add constraint broken check (action not like 'dashboard.%') not valid`);
    try {
      await put(viewer, dark(seats)).expect(500);
    } finally {
      await api.rows('alter table audit_log drop constraint broken');
    }
    expect((await get(viewer)).body).toMatchObject({ isDefault: true, version: 0 });
  });
});

describe('F10 what is placed', () => {
  let viewer: Member;
  beforeAll(async () => {
    viewer = await join();
  });
  const refusal = async (...layout: object[]) =>
    (await put(viewer, dark(...layout)).expect(400)).body.errors.map(
      ({ field, code, message }: Record<string, string>) => `${field} ${code}: ${message}`,
    );

  it('does not overlap: the two are named', async () => {
    expect(await refusal(seats, { ...news, x: 2 })).toEqual(['layout.1 widgets_overlap: "news" overlaps "seats"']);
    await put(viewer, dark(seats, news)).expect(200);
  });

  it('stands within 12 columns, and each id once', async () => {
    expect(await refusal({ ...news, x: 4 })).toEqual(['layout.0 out_of_bounds: "news" ends at column 13 of 12']);
    expect(await refusal(seats, { ...seats, y: 9 })).toEqual(['layout.1 id_taken: "seats" stands in the layout twice']);
    for (const wrong of [{ x: -1 }, { x: 12 }, { y: -1 }, { y: 1_001 }, { w: 0 }, { w: 13 }, { h: 0 }, { x: 0.5 }])
      await put(viewer, dark({ ...seats, ...wrong })).expect(400);
    for (const wrong of [{ x: '0' }, { x: null }, { w: [3] }, { h: {} }, { x: undefined }])
      await put(viewer, dark({ ...seats, ...wrong })).expect(400);
  });

  it('is in the library, and has settings that its schema takes', async () => {
    expect(await refusal({ ...seats, widget: 'never-heard-of' })).toEqual([
      'layout.0.widget widget_unknown: There is no widget "never-heard-of" in the library',
    ]);
    expect(await refusal(seats, { ...news, settings: { rows: 0 } })).toEqual([
      'layout.1.settings.rows settings_schema_mismatch: layout.1.settings.rows must be >= 1',
    ]);
    expect(await refusal({ ...news, settings: { colour: 'red' } })).toEqual([
      'layout.0.settings.colour settings_schema_mismatch: layout.0.settings.colour is not taken: there is "rows"',
    ]);
    // One without settings takes none.
    expect(await refusal({ ...seats, settings: { rows: 1 } })).toEqual([
      'layout.0.settings.rows settings_schema_mismatch: layout.0.settings.rows is not taken',
    ]);
    const twice = [
      seats,
      { ...news, y: 2, id: 'more', settings: { rows: 1 } },
      { ...news, y: 9, settings: { rows: 'x' } },
    ];
    expect(await refusal(...twice)).toEqual([expect.stringContaining('layout.2.settings.rows')]);
  });

  it('is told all that is wrong with it at once', async () => {
    const wrong = [
      { ...seats, widget: 'never-heard-of' },
      { ...news, x: 2, w: 11, settings: { rows: 0, colour: 'red' } },
      { ...seats, id: 'more', x: 1, y: 1, settings: { rows: 1 } },
    ];
    expect(await refusal(...wrong)).toEqual([
      'layout.1 out_of_bounds: "news" ends at column 13 of 12',
      'layout.1 widgets_overlap: "news" overlaps "seats"',
      'layout.2 widgets_overlap: "more" overlaps "seats", "news"',
      'layout.0.widget widget_unknown: There is no widget "never-heard-of" in the library',
      'layout.1.settings.colour settings_schema_mismatch: layout.1.settings.colour is not taken: there is "rows"',
      'layout.1.settings.rows settings_schema_mismatch: layout.1.settings.rows must be >= 1',
      'layout.2.settings.rows settings_schema_mismatch: layout.2.settings.rows is not taken',
    ]);
    // Settings that were saved are not asked about again, and what else is wrong is still told.
    expect(await refusal(seats, { ...news, x: 2 }, { ...seats, id: 'last', y: 9, settings: { a: 1 } })).toEqual([
      'layout.1 widgets_overlap: "news" overlaps "seats"',
      'layout.2.settings.a settings_schema_mismatch: layout.2.settings.a is not taken',
    ]);
  });

  it.each<[schema: object, settings: object, message: string]>([
    [
      { properties: { size: { enum: ['small', 'large'] } } },
      { size: 'huge' },
      'size has to be one of "small", "large"',
    ],
    [{ properties: { version: { const: 2 } } }, { version: 1 }, 'version has to be 2'],
    [{ properties: { months: { type: 'integer' } } }, { months: 'x' }, 'months must be integer'],
    [
      { properties: { a: {}, b: {} }, additionalProperties: false },
      { 'c/d~': 1 },
      'c/d~ is not taken: there is "a", "b"',
    ],
    [{ properties: { a: {} }, unevaluatedProperties: false }, { c: 1 }, 'c is not taken: there is "a"'],
    [{ propertyNames: { maxLength: 2 } }, { abc: 1 }, 'abc as a name must NOT have more than 2 characters'],
    [{ propertyNames: { enum: ['a'] } }, { abc: 1 }, 'abc as a name has to be one of "a"'],
    [{ properties: { n: { anyOf: [{ const: 1 }, { type: 'string' }] } } }, { n: 2 }, 'n must match a schema in anyOf'],
    [
      JSON.parse('{"if":{"properties":{"a":{"const":1}}},"then":{"properties":{"b":{"type":"string"}}}}'),
      { a: 1, b: 2 },
      'b must be string',
    ],
    [{ properties: { list: { items: { type: 'number' } } } }, { list: [1, 'x'] }, 'list.1 must be number'],
    [
      { properties: { n: { enum: Array.from({ length: 12 }, (_, n) => n) } } },
      { n: 99 },
      'n has to be one of 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more',
    ],
  ])('has settings of which %j takes no %j, and says where and why', async (schema, settings, message) => {
    const key = newFeatureKey('picky');
    await insertWidget(tenon, { key, settingsSchema: { type: 'object', ...schema } });
    expect(await refusal({ ...seats, widget: key, settings })).toEqual([
      `layout.0.settings.${message.split(' ')[0]} settings_schema_mismatch: layout.0.settings.${message}`,
    ]);
  });

  it('case 7, case 8, case 27: is nothing else', async () => {
    for (const body of [
      {},
      { layout: [seats] },
      { theme: 'dark' },
      ...[null, {}, 'x', [null], ['x'], [[seats]], [seats, 5]].map((layout) => ({ layout, theme: 'dark' })),
      ...['blue', '', null, ['dark'], { in: ['dark'] }].map((theme) => ({ layout: [], theme })),
      ...['', 'a b', "'", '__proto__', 'x'.repeat(101), 5, null, ['a']].map((id) => dark({ ...seats, id })),
      ...['', 'A', "'", 5, null, {}].map((widget) => dark({ ...seats, widget })),
      ...[null, 5, 'x', [], { deep: [[[[[[[[1]]]]]]]] }, { text: 'x'.repeat(65_537) }].map((settings) =>
        dark({ ...news, settings }),
      ),
      dark({ ...seats, name: 'x' }),
      { ...dark(seats), version: 1 },
      { ...dark(seats), userId: owner.userId },
      { ...dark(seats), organizationId },
      dark(...Array.from({ length: 61 }, (_, n) => ({ ...seats, id: `s-${n}`, y: 2 * n }))),
    ])
      expect((await put(viewer, body)).body.code, JSON.stringify(body).slice(0, 200)).toBe('validation_failed');
    for (const text of [
      '{"layout":[],"layout":[],"theme":"dark"}',
      '{"__proto__":{},"layout":[],"theme":"dark"}',
      `{"layout":[${JSON.stringify(seats).replace('"x":0', '"x":1e400')}],"theme":"dark"}`,
      '[]',
    ])
      await tenon.http
        .put(`${path}/dashboards/me`)
        .set(viewer.auth)
        .set('content-type', 'application/json')
        .send(text)
        .expect(400);
    expect((await get(viewer)).body).toMatchObject({ version: 1, layout: [seats, news] });
  });

  it('is given back as it was, whatever texts are in its settings', async () => {
    const key = newFeatureKey('texts');
    await insertWidget(tenon, { key, settingsSchema: { type: 'object' } });
    const settings = { "'; drop table widget_library; -- ?": ['? \\ " \u2028 <b>', 0.1, null, true, { a: {} }] };
    const { body } = await put(viewer, dark({ ...seats, widget: key, settings })).expect(200);
    expect(body.layout[0].settings).toEqual(settings);
  });

  it('says when it is not available, stays, and comes back by itself', async () => {
    const plan = newFeatureKey('plan');
    await api.post('/api/v1/plans', { key: plan, name: plan, limits: {} }).expect(201);
    const [feature] = await insertFeatures(tenon, { defaultValue: false, plans: { [plan]: false } });
    const key = newFeatureKey('gone');
    await insertWidget(tenon, { key, requiredFeatures: [feature!], settingsSchema: { type: 'object' } });
    const mine = { ...seats, widget: key, settings: { since: 'yesterday' } };
    const off = {
      ...mine,
      available: false,
      reason: 'feature_off',
      explanation: `${key} needs ${feature}. ${feature} is false by default.`,
      requiredFeatures: [{ key: feature, on: false, reason: 'default' }],
    };
    const on = { ...mine, available: true, reason: null, requiredFeatures: [{ key: feature, on: true }] };
    const shown = async (query = {}) => (await get(viewer).query(query).expect(200)).body.layout;
    // Also what is not available can be placed.
    expect((await put(viewer, dark(mine)).expect(200)).body.layout).toMatchObject([off]);
    await api.put(`${path}/features/${feature}`, { value: true, reason: 'For a test' }).expect(200);
    expect(await shown()).toMatchObject([on]);
    await api.put(`${path}/plan`, { plan }).expect(200);
    expect(await shown()).toMatchObject([
      { ...mine, available: false, requiredFeatures: [{ reason: 'entitlement', details: { plan, planValue: false } }] },
    ]);
    await api.put(`${path}/plan`, { plan: 'standard' }).expect(200);
    expect(await shown()).toMatchObject([on]);
    await api.remove(`${path}/features/${feature}`).expect(204);
    expect(await shown()).toMatchObject([off]);
    await api
      .put(`${path}/features/${feature}`, { value: true, reason: 'For a test', environment: 'staging' })
      .expect(200);
    expect(await shown()).toMatchObject([off]);
    expect(await shown({ environment: 'staging' })).toMatchObject([on]);
    await get(viewer).query({ environment: 'nowhere' }).expect(400);
  });

  it('stays when its widget is removed from the library, until its person takes it off', async () => {
    const key = newFeatureKey('removed');
    const widget = {
      key,
      name: 'Going',
      type: 'chart',
      defaultSize: { w: 3, h: 2 },
      settingsSchema: { type: 'object' },
    };
    await api.post('/api/v1/widgets', widget).expect(201);
    const mine = { ...seats, widget: key, settings: { rows: 3 } };
    await put(viewer, dark(mine)).expect(200);
    await api.remove(`/api/v1/widgets/${key}`).expect(204);
    const told = { available: false, reason: 'widget_removed', name: null, type: null };
    expect((await get(viewer)).body.layout).toMatchObject([{ ...mine, ...told }]);
    // It can be moved, and others beside it; not given other settings, and not placed once more.
    const moved = { ...mine, y: 8 };
    expect((await put(viewer, dark(moved, news)).expect(200)).body.layout).toMatchObject([{ ...moved, ...told }, news]);
    expect(await refusal({ ...moved, settings: {} })).toEqual([expect.stringContaining('widget_unknown')]);
    expect(await refusal(moved, { ...moved, id: 'twin', y: 0 })).toEqual([
      expect.stringContaining('layout.1.widget widget_unknown'),
    ]);
    await api.post('/api/v1/widgets', widget).expect(201);
    expect((await get(viewer)).body.layout).toMatchObject([{ ...moved, available: true, name: 'Going' }, news]);
    // Its settings stay also where a new schema would not take them.
    const settingsSchema = { type: 'object', maxProperties: 0 };
    await api.patch(`/api/v1/widgets/${key}`, { settingsSchema }).expect(200);
    expect((await put(viewer, dark({ ...moved, y: 9 })).expect(200)).body.layout).toMatchObject([
      { settings: { rows: 3 } },
    ]);
    expect(await refusal({ ...moved, settings: { rows: 4 } })).toEqual([expect.stringContaining('layout.0.settings')]);
    await put(viewer, dark(news)).expect(200);
  });
});

describe('F10 whose it is', () => {
  it('case 2: each member has their own in each organization, and reads no other', async () => {
    const other = await insertOrganization(tenon.db);
    const [ada, grace] = [await join('member'), await join('admin')];
    await tenon.db.sql.query(
      `insert into user_organization_membership (organization_id, user_id, role, joined_at) values ($1, $2, 'viewer', now())`,
      [other.organizationId, ada.userId],
    );
    await put(ada, dark(seats)).expect(200);
    await put(ada, dark(news), other.path).expect(200);
    for (const who of [grace, owner]) expect((await get(who)).body).toMatchObject({ isDefault: true, version: 0 });
    await put(grace, dark({ ...seats, id: 'graces' })).expect(200);
    expect((await get(ada)).body.layout).toMatchObject([seats]);
    expect((await get(ada, other.path)).body.layout).toMatchObject([news]);
    for (const ask of [get(grace, other.path), put(grace, dark(), other.path), reset(grace, other.path)])
      expect((await ask.expect(404)).body.code).toBe('not_found');
    for (const at of ['', `/${ada.userId}`]) await api.get(`${path}/dashboards${at}`, owner.auth).expect(404);
    // Neither by the organization alone nor by the person alone does the database show a row, or take one.
    const seen = async (organization: string, person: string, statement: string): Promise<number | null> => {
      const client = await tenon.db.sql.connect();
      try {
        await client.query('begin; set local role tenon_app');
        await client.query(`select set_config('app.organization_id', $1, true), set_config('app.user_id', $2, true)`, [
          organization,
          person,
        ]);
        return (await client.query(statement)).rowCount;
      } finally {
        await client.query('rollback');
        client.release();
      }
    };
    const read = 'select from user_dashboard_preferences';
    expect(await seen(organizationId, ada.userId, read)).toBe(1);
    expect(await seen(organizationId, '', read)).toBe(0);
    expect(await seen('', ada.userId, read)).toBe(0);
    expect(await seen(organizationId, owner.userId, read)).toBe(0);
    expect(await seen(organizationId, owner.userId, `update user_dashboard_preferences set theme = 'light'`)).toBe(0);
    await expect(
      seen(
        organizationId,
        grace.userId,
        `insert into user_dashboard_preferences (organization_id, user_id, theme, updated_at)
         values ('${organizationId}', '${owner.userId}', 'dark', now())`,
      ),
    ).rejects.toThrow(/row-level security/);
  });

  it('goes with the membership: who comes back finds the default', async () => {
    const [leaver, removed] = [await join('member'), await join('member')];
    for (const who of [leaver, removed]) await put(who, dark(seats)).expect(200);
    await api.remove(`${path}/members/${leaver.userId}`, leaver.auth).expect(204);
    await api.remove(`${path}/members/${removed.userId}`, owner.auth).expect(204);
    for (const who of [leaver, removed]) {
      await get(who).expect(404);
      expect(await api.rows('select from user_dashboard_preferences where user_id = $1', who.userId)).toEqual([]);
    }
    await tenon.db.sql.query(
      `insert into user_organization_membership (organization_id, user_id, role, joined_at) values ($1, $2, 'viewer', now())`,
      [organizationId, leaver.userId],
    );
    const back = { ...leaver, ...(await openSession(tenon, leaver.userId)) };
    expect((await get(back).expect(200)).body).toMatchObject({ isDefault: true, version: 0 });
  });

  it('whoever saves while they are removed: neither fails', async () => {
    for (let round = 0; round < 5; round += 1) {
      const member = await join('member');
      const answers = await atOnce(6, (n) =>
        n === 0 ? api.remove(`${path}/members/${member.userId}`, owner.auth) : put(member, dark({ ...seats, y: n })),
      );
      expect(answers[0]!.status).toBe(204);
      for (const { status } of answers.slice(1)) expect(status).toBeOneOf([200, 404]);
      expect(await api.rows('select from user_dashboard_preferences where user_id = $1', member.userId)).toEqual([]);
    }
  });

  it('is nothing for API keys, of people or of service accounts', async () => {
    const { serviceAccountId } = await insertServiceAccount(tenon.db, organizationId, { role: 'admin' });
    for (const of of [{ serviceAccountId }, { userId: owner.userId }]) {
      const key = await insertApiKey(tenon.db, organizationId, of);
      for (const ask of [get(key), put(key, dark(seats)), reset(key)])
        expect((await ask.expect(403)).body).toMatchObject({
          code: 'permission_denied',
          detail: 'It takes a session: an API key cannot do this',
        });
    }
  });

  it('is nothing for a platform admin who is no member, and the attempt is remembered', async () => {
    const admin = { auth: api.admin as Member['auth'] };
    for (const ask of [get(admin), put(admin, dark(seats)), reset(admin)])
      expect((await ask.expect(403)).body).toMatchObject({
        code: 'permission_denied',
        detail: 'Only members of the organization have a dashboard in it',
      });
    const denied = await entriesOf(tenon.db, 'permission.denied');
    expect(
      denied.filter(({ reason }) => reason === 'Only members of the organization have a dashboard in it'),
    ).toHaveLength(3);
  });

  it('is refused to a custom role without dashboards:update', async () => {
    await api
      .post(`${path}/roles`, { key: 'reader', name: 'Reader', permissions: ['members:read'] }, owner.auth)
      .expect(201);
    const reader = await join('reader');
    for (const ask of [get(reader), put(reader, dark()), reset(reader)]) await ask.expect(403);
    await tenon.http.get(`${path}/dashboards/me`).expect(401);
  });
});
