import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expiredApplicationChanges } from '../src/features/templates/templates.cleanup.js';
import { newId } from '../src/kernel/ids.js';
import { atOnce, countStatuses } from './harness/accounts.js';
import { startApp, type TestApp } from './harness/app.js';
import { removeExpired } from './harness/cleanup.js';
import { createDatabase, type TestDatabase } from './harness/database.js';
import { type FeatureAdmin, featureAdmin } from './harness/feature-admin.js';
import { changeFeatures, insertFeatures, insertOverride, newFeatureKey } from './harness/features.js';
import { insertMember, insertOrganization } from './harness/organizations.js';

const TEMPLATES = '/api/v1/feature-templates';
/** One for both instances: tokens name it. */
const PUBLIC_URL = 'http://tenon.test';

let db: TestDatabase;
let tenon: TestApp;
let other: TestApp;
let api: FeatureAdmin;
beforeAll(async () => {
  db = await createDatabase();
  [tenon, other] = [await startApp({ db, env: { PUBLIC_URL } }), await startApp({ db, env: { PUBLIC_URL } })];
  api = await featureAdmin(tenon);
});
afterAll(async () => {
  await Promise.all([tenon.close(), other.close()]);
  await db.drop();
});

type Value = { feature: string; value: unknown };
interface Application {
  id: string;
  status: string;
  progress: { done: number; total: number };
  failure: { code: string; detail: string; organizationId: string | null; feature: string | null } | null;
  [field: string]: unknown;
}

const template = async (values: Value[], more: object = {}): Promise<string> => {
  const key = newFeatureKey('template');
  await api.post(TEMPLATES, { key, name: `Template ${key}`, values, ...more }).expect(201);
  return key;
};
const organizations = async (count: number, plan = 'standard'): Promise<string[]> =>
  (await atOnce(count, () => insertOrganization(db, { plan }))).map(({ organizationId }) => organizationId).toSorted();
const apply = (key: string, selection: object) =>
  api.post(`${TEMPLATES}/${key}/applications`, { reason: 'For a test', ...selection });
const show = async (key: string, id: string): Promise<Application> =>
  (await api.get(`${TEMPLATES}/${key}/applications/${id}`).expect(200)).body;
/** Asks the database: many who wait over HTTP would take what they wait for its time. */
const running = async (...keys: string[]): Promise<number> => {
  const [row] = await api.rows<{ count: number }>(
    `select count(*)::int from template_application_logs
      where template_key = any($1) and status in ('queued', 'running')`,
    keys,
  );
  return row!.count;
};
const ended = async (key: string, id: string): Promise<Application> => {
  await expect.poll(() => running(key)).toBe(0);
  return show(key, id);
};
const applied = async (key: string, selection: object): Promise<Application> =>
  ended(key, (await apply(key, selection).expect(202)).body.id);
const rollBack = (id: string, more: object = {}) =>
  api.post(`${TEMPLATES}/applications/${id}/rollback`, { reason: 'Called off', ...more });
const organizationsOf = async (key: string, id: string, query = '') =>
  (await api.get(`${TEMPLATES}/${key}/applications/${id}/organizations${query}`).expect(200)).body;
const valueOf = async (organizationId: string, key: string, at = tenon): Promise<unknown> =>
  (await at.http.get(`/api/v1/organizations/${organizationId}/features/${key}`).set(api.admin).expect(200)).body.value;
const overridesOf = (organizationId: string) =>
  api.rows<{ feature_key: string; value: unknown; environment_key: string | null; reason: string; set_by: string }>(
    `select feature_key, value, environment_key, reason, set_by from organization_feature_settings
      where organization_id = $1 order by feature_key, environment_key`,
    organizationId,
  );
const put = (organizationId: string, key: string, value: unknown, more: object = {}) =>
  api.put(`/api/v1/organizations/${organizationId}/features/${key}`, { value, reason: 'By hand', ...more });
const trailOf = (organizationId: string) =>
  api.rows(
    `select action, target_id, actor_role, before, after, reason from audit_log
      where organization_id = $1 and action like 'feature.%' order by id`,
    organizationId,
  );

describe('F9 templates', () => {
  it('are made, listed, shown, changed and removed, and the trail tells of it', async () => {
    const [flag, number] = await insertFeatures(tenon, {}, { type: 'number', defaultValue: 1 });
    const values = [
      { feature: number, value: 5 },
      { feature: flag, value: true },
    ];
    const key = newFeatureKey('pilot');
    const body = { key, name: 'Pilot', description: 'For some', values, targetPlans: ['standard'] };
    const made = (await api.post(TEMPLATES, body).expect(201)).body;
    const sorted = values.toSorted((a, b) => (a.feature! < b.feature! ? -1 : 1));
    expect(made).toMatchObject({ ...body, values: sorted, version: 1 });
    expect((await api.get(`${TEMPLATES}/${key}`).expect(200)).body).toEqual(made);
    expect((await api.get(`${TEMPLATES}?perPage=200`).expect(200)).body.data).toContainEqual(made);
    const changed = (await api.patch(`${TEMPLATES}/${key}`, { description: null, targetPlans: [] }).expect(200)).body;
    expect(changed).toMatchObject({ name: 'Pilot', description: null, targetPlans: [], version: 2 });
    expect((await api.patch(`${TEMPLATES}/${key}`, { name: 'Pilot' }).expect(200)).body.version).toBe(2);
    await api.remove(`${TEMPLATES}/${key}`).expect(204);
    await api.get(`${TEMPLATES}/${key}`).expect(404);
    expect(await api.changesOf('template.updated', key)).toEqual([
      { before: { description: 'For some', targetPlans: ['standard'] }, after: { description: null, targetPlans: [] } },
    ]);
    const trail = (await api.get(`/api/v1/admin/audit-log?targetId=${key}`).expect(200)).body.data;
    expect(trail.map(({ sentence }: { sentence: string }) => sentence)).toEqual([
      expect.stringContaining(`removed the template ${key}`),
      expect.stringContaining(`changed the template ${key} (description, targetPlans)`),
      expect.stringContaining(`made the template ${key}`),
    ]);
  });

  it('hold values that fit their features when they are written, and names what does not', async () => {
    const schema = { type: 'object', required: ['size'], properties: { size: { type: 'integer', maximum: 3 } } };
    const [flag, json, archived] = await insertFeatures(
      tenon,
      {},
      { type: 'json', defaultValue: { size: 1 }, schema },
      { lifecycle: 'archived' },
    );
    const refused = async (values: Value[], more: object = {}): Promise<string[]> => {
      const body = { key: newFeatureKey('template'), name: 'Wrong', values, ...more };
      const answer = (await api.post(TEMPLATES, body).expect(400)).body;
      return answer.errors.map(({ field, code }: { field: string; code: string }) => `${field} ${code}`);
    };
    const good = { feature: flag!, value: true };
    expect(await refused([{ feature: flag!, value: 'true' }])).toEqual(['values.0.value value_type_mismatch']);
    expect(await refused([{ feature: json!, value: { size: 4 } }])).toEqual([
      'values.0.value.size value_schema_mismatch',
    ]);
    expect(await refused([{ feature: archived!, value: true }])).toEqual(['values.0.feature feature_archived']);
    expect(await refused([{ feature: 'nothing', value: true }])).toEqual(['values.0.feature feature_unknown']);
    // By the place at which it was sent; they are kept by key.
    expect(await refused([{ feature: 'zz', value: true }, good, { feature: 'aa', value: true }])).toEqual([
      'values.0.feature feature_unknown',
      'values.2.feature feature_unknown',
    ]);
    expect(await refused([good, { feature: 'nothing', value: true }, { feature: json!, value: 1 }, good])).toEqual([
      'values.1.feature feature_unknown',
      'values.2.value value_schema_mismatch',
      'values.3.feature feature_duplicate',
    ]);
    expect(await refused([good], { targetPlans: ['nothing'] })).toEqual(['targetPlans plan_unknown']);
    for (const values of [[], [good, good], [{ feature: flag }], [{ feature: flag, value: null }], [null], ['a'], {}])
      await api.post(TEMPLATES, { key: newFeatureKey('template'), name: 'Wrong', values }).expect(400);
    await api.post(TEMPLATES, { key: 'applications', name: 'An address', values: [good] }).expect(400);
    const key = await template([good]);
    await api.patch(`${TEMPLATES}/${key}`, { values: [{ feature: flag, value: 3 }] }).expect(400);
  });

  it('one of 50 at once gets a key', async () => {
    const [flag] = await insertFeatures(tenon, {});
    const body = { key: newFeatureKey('template'), name: 'One', values: [{ feature: flag, value: true }] };
    expect(countStatuses(await atOnce(50, () => api.post(TEMPLATES, body)))).toEqual({ 201: 1, 409: 49 });
  });

  it('keep the features that they give from being archived or removed', async () => {
    const path = await api.feature(newFeatureKey('kept'));
    const feature = path.split('/').at(-1)!;
    const key = await template([{ feature, value: true }]);
    for (const request of [api.remove(path), api.patch(path, { lifecycle: 'archived' })]) {
      const { body } = await request.expect(409);
      expect(body).toMatchObject({ code: 'feature_in_use', detail: `${feature} is given by the templates ${key}` });
    }
    await api.remove(`${TEMPLATES}/${key}`).expect(204);
    await api.remove(path).expect(204);
  });

  it('are for platform admins alone', async () => {
    const [flag] = await insertFeatures(tenon, {});
    const key = await template([{ feature: flag!, value: true }]);
    const [organizationId] = await organizations(1);
    const { id } = await applied(key, { organizationIds: [organizationId] });
    const owner = await insertMember(tenon, organizationId!, 'owner');
    const path = `${TEMPLATES}/${key}`;
    for (const who of [owner.auth, api.person.auth]) {
      const shown = `${path}/applications/${id}`;
      for (const one of [TEMPLATES, path, `${path}/applications`, shown, `${shown}/organizations`])
        await api.get(one, who).expect(403);
      const selection = { organizationIds: [organizationId], reason: 'My own' };
      await api.post(TEMPLATES, { key: 'mine', name: 'Mine', values: [] }, who).expect(403);
      await api.patch(path, { name: 'Mine' }, who).expect(403);
      await api.remove(path, who).expect(403);
      await api.post(`${path}/preview`, { organizationIds: [organizationId] }, who).expect(403);
      await api.post(`${path}/applications`, selection, who).expect(403);
      await api.post(`${TEMPLATES}/applications/${id}/rollback`, { reason: 'My own' }, who).expect(403);
    }
  });
});

describe('F9 a preview', () => {
  it('shows each feature before and after, whether it changes, and why one cannot have it, with totals', async () => {
    await api.rows(
      `insert into plans (key, name, created_at, updated_at) values ('small', 'Small', now(), now()) on conflict do nothing`,
    );
    const [base, needing, seats] = await insertFeatures(
      tenon,
      {},
      {},
      { type: 'number', defaultValue: 5, plans: { small: 10 } },
    );
    const [needed] = await insertFeatures(tenon, { dependencies: [base!] });
    const key = await template([
      { feature: needed!, value: true },
      { feature: seats!, value: 25 },
      { feature: needing!, value: false },
    ]);
    const [fine, off] = await organizations(2);
    const [small] = await organizations(1, 'small');
    await insertOverride(tenon, fine!, base!, true);
    const ids = [fine!, off!, small!];
    const { body } = await api.post(`${TEMPLATES}/${key}/preview`, { organizationIds: ids }).expect(200);
    expect(body.totals).toEqual({ organizations: 3, changing: 2, changes: 3, ineffective: 3, refused: 2, refusals: 3 });
    const names = ['development', 'production', 'staging'];
    expect(body.environments).toEqual(names);
    const of = (id: string) =>
      body.data.find(({ organizationId }: { organizationId: string }) => organizationId === id);
    const change = (feature: string, before: unknown, after: unknown, refusal: unknown = null) =>
      expect.objectContaining({
        feature,
        changes: before !== after,
        ineffective: refusal !== null,
        environments: names.map((environment) =>
          expect.objectContaining({ environment, before, after, changes: before !== after }),
        ),
        refusal,
      });
    expect(of(fine!)).toMatchObject({ plan: 'standard', refusal: null });
    expect(of(fine!).features).toEqual(
      expect.arrayContaining([change(needed!, false, true), change(seats!, 5, 25), change(needing!, false, false)]),
    );
    // With the words of the override itself.
    const unmet = (await put(off!, needed!, true).expect(409)).body;
    expect(of(off!).features).toContainEqual(
      change(needed!, false, false, { feature: needed, code: 'feature_dependency_unmet', detail: unmet.detail }),
    );
    const beyond = (await put(small!, seats!, 25).expect(403)).body;
    expect(of(small!).features).toContainEqual(
      change(seats!, 10, 10, { feature: seats, code: 'plan_does_not_include', detail: beyond.detail }),
    );
    expect(body.refusals).toHaveLength(3);
    expect(body.refusals[0]).toMatchObject({ organizationId: off, feature: needed, code: 'feature_dependency_unmet' });
    const second = await api.post(`${TEMPLATES}/${key}/preview?page=2&perPage=2`, { organizationIds: ids }).expect(200);
    expect(second.body.data.map(({ organizationId }: { organizationId: string }) => organizationId)).toEqual(
      ids.toSorted().slice(2),
    );
    expect(second.body.totals).toEqual(body.totals);
    for (const id of [off!, small!]) expect(await overridesOf(id)).toEqual([]);
  });

  it('looks at the environment that is asked for, or at each, and says where and why a value has no effect', async () => {
    const [killed, set] = await insertFeatures(
      tenon,
      { configurations: { production: { enabled: false } } },
      { type: 'number', defaultValue: 1 },
    );
    const key = await template([
      { feature: killed!, value: true },
      { feature: set!, value: 5 },
    ]);
    const ids = await organizations(3);
    await insertOverride(tenon, ids[0]!, set!, 3, { environment: 'production' });
    const preview = async (body: object, query = '') =>
      (await api.post(`${TEMPLATES}/${key}/preview${query}`, { organizationIds: ids, ...body }).expect(200)).body;
    const rowOf = ({ data }: { data: { features: { feature: string }[] }[] }, feature: string, at = 0) =>
      data[at]!.features.find((row) => row.feature === feature);
    const off = `${killed} is false because it is switched off in production.`;
    const own = `${set} is 3 by an override for production.`;
    const value = (environment: string, before: unknown, after: unknown, ineffective: string | null = null) => ({
      environment,
      before,
      after,
      changes: before !== after,
      ineffective,
    });

    const everywhere = await preview({});
    expect(everywhere.environments).toEqual(['development', 'production', 'staging']);
    expect(rowOf(everywhere, killed!)).toEqual({
      feature: killed,
      value: true,
      changes: true,
      ineffective: false,
      environments: [
        value('development', false, true),
        value('production', false, false, off),
        value('staging', false, true),
      ],
      refusal: null,
    });
    expect(rowOf(everywhere, set!)).toMatchObject({
      changes: true,
      environments: [value('development', 1, 5), value('production', 3, 3, own), value('staging', 1, 5)],
    });

    const production = await preview({ environment: 'production' });
    expect(production.environments).toEqual(['production']);
    expect(rowOf(production, killed!)).toMatchObject({
      changes: false,
      ineffective: true,
      environments: [value('production', false, false, off)],
    });
    expect(rowOf(production, set!)).toMatchObject({ changes: true, environments: [value('production', 3, 5)] });
    expect(production.totals).toMatchObject({ changing: 3, changes: 3, ineffective: 3, refused: 0, refusals: 0 });
    expect((await preview({ environment: 'staging' })).totals).toMatchObject({ changes: 6, ineffective: 0 });
    // Totals are the rows of all pages, whichever page it is.
    const pages = [await preview({}, '?perPage=2'), await preview({}, '?perPage=2&page=2')];
    const rows = pages.flatMap(({ data }) => data.flatMap(({ features }: { features: object[] }) => features));
    expect(pages[0].totals).toEqual(pages[1].totals);
    expect(pages[0].totals.changes).toBe(rows.filter(({ changes }) => changes).length);
    expect(pages[0].totals.ineffective).toBe(rows.filter(({ ineffective }) => ineffective).length);
  });

  it('counts the features of the template as being there together, and names conflicts among them', async () => {
    const [base] = await insertFeatures(tenon, {});
    const [leaf] = await insertFeatures(tenon, { dependencies: [base!] });
    const [top] = await insertFeatures(tenon, { dependencies: [leaf!] });
    const [enemy] = await insertFeatures(tenon, { conflicts: [base!] });
    const [id] = await organizations(1);
    const all = [top!, leaf!, base!].map((feature) => ({ feature, value: true }));
    const preview = async (values: Value[]) =>
      (await api.post(`${TEMPLATES}/${await template(values)}/preview`, { organizationIds: [id] }).expect(200)).body;
    expect(await preview(all)).toMatchObject({ refusals: [], totals: { changes: 3, refused: 0 } });
    const { refusals } = await preview([...all, { feature: enemy!, value: true }]);
    expect(refusals.map(({ code }: { code: string }) => code)).toContain('feature_conflict');
  });

  it('says who is not on a target plan, and leaves them out where all are meant', async () => {
    await api.rows(
      `insert into plans (key, name, created_at, updated_at) values ('rare', 'Rare', now(), now()) on conflict do nothing`,
    );
    const [flag] = await insertFeatures(tenon, {});
    const key = await template([{ feature: flag!, value: true }], { targetPlans: ['rare'] });
    const [rare] = await organizations(1, 'rare');
    const [standard] = await organizations(1);
    const preview = async (selection: object) =>
      (await api.post(`${TEMPLATES}/${key}/preview`, selection).expect(200)).body;
    expect(await preview({ organizationIds: [rare, standard] })).toMatchObject({
      totals: { organizations: 2, refused: 1 },
      refusals: [{ organizationId: standard, feature: null, code: 'plan_does_not_include' }],
    });
    expect(
      (await preview({ all: true })).data.map(({ organizationId }: { organizationId: string }) => organizationId),
    ).toEqual([rare]);
    expect((await preview({ plan: 'rare' })).totals).toMatchObject({ organizations: 1, refused: 0 });
    expect(await applied(key, { organizationIds: [rare, standard] })).toMatchObject({
      status: 'failed',
      failure: { code: 'plan_does_not_include', organizationId: standard, feature: null },
    });
  });

  it('refuses a selection that nobody is in, as the application does', async () => {
    await api.rows(
      `insert into plans (key, name, created_at, updated_at) values ('deserted', 'Deserted', now(), now())`,
    );
    const [flag] = await insertFeatures(tenon, {});
    const key = await template([{ feature: flag!, value: true }], { targetPlans: ['deserted'] });
    const detail = 'No active organization is on a plan that the template is for: deserted';
    for (const [selection, field, message] of [
      [{ all: true }, 'all', detail],
      [{ plan: 'deserted' }, 'plan', 'No active organization is on the plan deserted'],
    ] as const) {
      const errors = [{ field, code: 'no_organization', message }];
      expect((await api.post(`${TEMPLATES}/${key}/preview`, selection).expect(400)).body.errors).toEqual(errors);
      expect((await apply(key, selection).expect(400)).body.errors).toEqual(errors);
    }
    // The only one goes before its turn comes.
    const [only] = await organizations(1, 'deserted');
    const blocker = await db.sql.connect();
    await blocker.query('begin');
    await blocker.query(`update organizations set status = 'deactivated' where id = $1`, [only]);
    const { id } = (await apply(key, { all: true }).expect(202)).body;
    await expect.poll(async () => (await show(key, id)).status).toBe('running');
    await blocker.query('commit');
    blocker.release();
    expect(await ended(key, id)).toMatchObject({
      status: 'failed',
      failure: { code: 'validation_failed', detail, organizationId: null },
    });
  });

  it('refuses a selection that is none, or is too large', async () => {
    const [flag] = await insertFeatures(tenon, {});
    const key = await template([{ feature: flag!, value: true }]);
    const [id] = await organizations(1);
    const { organizationId: left } = await insertOrganization(db, { status: 'deactivated' });
    const wrong = [
      {},
      { organizationIds: [id], all: true },
      { plan: 'standard', all: true },
      { organizationIds: [] },
      { organizationIds: [id, id] },
      { organizationIds: [id, id!.toUpperCase()] },
      { organizationIds: ['x'] },
      { organizationIds: [newId()] },
      { organizationIds: [left] },
      { organizationIds: Array.from({ length: 10_001 }, () => newId()) },
      { plan: 'nothing' },
      { plan: null },
      { all: false },
      { organizationIds: [id], environment: 'nowhere' },
    ];
    for (const selection of wrong) {
      await api.post(`${TEMPLATES}/${key}/preview`, selection).expect(400);
      await apply(key, selection).expect(400);
    }
    await apply(key, { organizationIds: [id], reason: 'x' }).expect(400);
    await api.post(`${TEMPLATES}/nothing/preview`, { all: true }).expect(404);
    await apply('nothing', { all: true }).expect(404);
  });
});

describe('F9 an application', () => {
  it('gives all organizations all values, told in each one’s trail, and every instance hears of it', async () => {
    const [flag, number] = await insertFeatures(tenon, {}, { type: 'number', defaultValue: 1 });
    const ids = await organizations(5);
    await put(ids[0]!, number!, 3, { expiresAt: '2099-01-01T00:00:00Z' }).expect(200);
    await put(ids[1]!, number!, 7).expect(200);
    await put(ids[2]!, number!, 4, { environment: 'staging' }).expect(200);
    for (const id of ids) expect(await valueOf(id, flag!, other)).toBe(false);
    const key = await template([
      { feature: flag!, value: true },
      { feature: number!, value: 7 },
    ]);
    const { id } = (await apply(key, { organizationIds: ids, reason: 'The pilot begins' }).expect(202)).body;
    const application = await ended(key, id);
    expect(application).toMatchObject({
      templateKey: key,
      template: { version: 1, targetPlans: [], values: expect.arrayContaining([{ feature: flag, value: true }]) },
      scope: 'organizations',
      plan: null,
      environment: null,
      reason: 'The pilot begins',
      status: 'completed',
      progress: { done: 5, total: 5 },
      failure: null,
      requestedBy: { id: expect.any(String), fullName: 'Ada Lovelace' },
      startedAt: expect.stringMatching(/Z$/),
      finishedAt: expect.stringMatching(/Z$/),
      rollback: null,
    });
    for (const organizationId of ids)
      for (const [feature, value] of [
        [flag, true],
        [number, 7],
      ] as const)
        await expect.poll(() => valueOf(organizationId, feature!, other)).toBe(value);
    const reason = `Template ${key}: The pilot begins`;
    const after = { environment: null, expiresAt: null, reason };
    const told = { actor_role: 'platform-admin', action: 'feature.overridden', reason };
    expect((await trailOf(ids[0]!)).slice(1)).toEqual(
      expect.arrayContaining([
        { ...told, target_id: flag, before: null, after: { ...after, value: true } },
        {
          ...told,
          target_id: number,
          before: { value: 3, environment: null, expiresAt: '2099-01-01T00:00:00.000Z', reason: 'By hand' },
          after: { ...after, value: 7 },
        },
      ]),
    );
    // It had that already.
    expect((await overridesOf(ids[1]!)).find(({ feature_key }) => feature_key === number)?.reason).toBe('By hand');
    expect(await trailOf(ids[1]!)).toHaveLength(2);
    expect(await overridesOf(ids[2]!)).toHaveLength(3);
    const [entry] = await api.changesOf('template.applied', key);
    expect(entry).toEqual({
      before: null,
      after: { application: id, organizations: 5, overrides: 9, environment: null },
    });
    const list = await organizationsOf(key, id);
    expect(list.data.map(({ organizationId }: { organizationId: string }) => organizationId)).toEqual(ids);
    expect(list.data[0]).toEqual({
      organizationId: ids[0],
      name: expect.any(String),
      features: expect.arrayContaining([
        { feature: flag, before: null, state: 'applied' },
        { feature: number, before: 3, state: 'applied' },
      ]),
    });
    expect(list.data[1].features).toEqual([{ feature: flag, before: null, state: 'applied' }]);
    const { body } = await api.get(`${TEMPLATES}/${key}/applications`).expect(200);
    expect(body).toEqual({ data: [application], meta: { nextCursor: null, hasNext: false } });
  });

  it('holds in one environment where one is named', async () => {
    const [flag] = await insertFeatures(tenon, {});
    const [id] = await organizations(1);
    const key = await template([{ feature: flag!, value: true }]);
    expect(await applied(key, { organizationIds: [id], environment: 'staging' })).toMatchObject({
      status: 'completed',
      environment: 'staging',
    });
    expect(await overridesOf(id!)).toMatchObject([{ environment_key: 'staging' }]);
    expect(await valueOf(id!, flag!)).toBe(false);
  });

  it('case: one of many would lack a dependency: nothing is applied, and it is named', async () => {
    const [base] = await insertFeatures(tenon, { defaultValue: true });
    const [needing, beside] = await insertFeatures(tenon, { dependencies: [base!] }, {});
    const ids = await organizations(120);
    const broken = ids[97]!;
    await put(broken, base!, false).expect(200);
    const key = await template([
      { feature: needing!, value: true },
      { feature: beside!, value: true },
    ]);
    const { failure, status, progress } = await applied(key, { organizationIds: ids });
    expect({ status, progress }).toEqual({ status: 'failed', progress: { done: 0, total: 120 } });
    expect(failure).toMatchObject({
      code: 'feature_dependency_unmet',
      organizationId: broken,
      feature: needing,
      detail: (await put(broken, needing!, true).expect(409)).body.detail,
    });
    const [{ count }] = (await api.rows(
      'select count(*)::int from organization_feature_settings where feature_key = any($1)',
      [needing, beside],
    )) as [{ count: number }];
    expect(count).toBe(0);
    const trail = (await api.get(`/api/v1/admin/audit-log?targetId=${key}`).expect(200)).body.data;
    expect(trail[0]).toMatchObject({
      outcome: 'failure',
      sentence: expect.stringMatching(/ could not apply the template .+: .+ \(.+\)$/),
    });
    await put(broken, base!, true).expect(200);
    expect((await applied(key, { organizationIds: ids })).status).toBe('completed');
    expect(await valueOf(broken, needing!)).toBe(true);
  });

  it('names what does not fit any more, of a feature or of the selection', async () => {
    const [json, draft] = await insertFeatures(tenon, { type: 'json', defaultValue: { size: 1 } }, {});
    const [id] = await organizations(1);
    const key = await template([{ feature: json!, value: { size: 9 } }]);
    const second = await template([{ feature: draft!, value: true }]);
    const schema = { type: 'object', properties: { size: { type: 'integer', maximum: 3 } } };
    await api.patch(`/api/v1/features/${json}`, { schema }).expect(200);
    await api.patch(`/api/v1/features/${draft}`, { lifecycle: 'draft' }).expect(200);
    expect((await applied(key, { organizationIds: [id] })).failure).toMatchObject({
      code: 'validation_failed',
      feature: json,
    });
    expect((await applied(second, { organizationIds: [id] })).failure).toMatchObject({
      code: 'not_found',
      feature: draft,
      detail: `The feature ${draft} is draft`,
    });
    const { body } = await api.post(`${TEMPLATES}/${second}/preview`, { organizationIds: [id] }).expect(200);
    expect(body.data[0].features).toEqual([
      expect.objectContaining({
        ineffective: true,
        environments: expect.arrayContaining([
          expect.objectContaining({ before: null, after: null, ineffective: `${draft} is not evaluated.` }),
        ]),
        refusal: expect.objectContaining({ code: 'not_found' }),
      }),
    ]);
  });

  it('leaves its log when the template is removed, which goes on by its cursor', async () => {
    const [flag] = await insertFeatures(tenon, {});
    const [id] = await organizations(1);
    const key = await template([{ feature: flag!, value: true }]);
    for (let round = 0; round < 3; round += 1) await applied(key, { organizationIds: [id] });
    await api.remove(`${TEMPLATES}/${key}`).expect(204);
    const path = `${TEMPLATES}/${key}/applications`;
    const all = (await api.get(path).expect(200)).body.data;
    expect(all).toHaveLength(3);
    const first = (await api.get(`${path}?limit=2`).expect(200)).body;
    const rest = (await api.get(`${path}?limit=2&cursor=${first.meta.nextCursor}`).expect(200)).body;
    expect([...first.data, ...rest.data]).toEqual(all);
    await api.get(`${path}?cursor=x`).expect(400);
    await api.get(`${path}/${newId()}`).expect(404);
    await api.get(`${TEMPLATES}/nothing/applications`).expect(404);
    await api.get(`${TEMPLATES}/other/applications/${all[0].id}`).expect(404);
  });

  it('lists whom it was for by a cursor, also who had all of it, and nobody while it is not completed', async () => {
    const [flag, base] = await insertFeatures(tenon, {}, {});
    const [needing] = await insertFeatures(tenon, { dependencies: [base!] });
    const ids = await organizations(3);
    await put(ids[1]!, flag!, true).expect(200);
    const key = await template([{ feature: flag!, value: true }]);
    const { id } = await applied(key, { organizationIds: ids });
    const first = await organizationsOf(key, id, '?limit=2');
    const rest = await organizationsOf(key, id, `?limit=2&cursor=${first.meta.nextCursor}`);
    expect(rest.meta).toEqual({ nextCursor: null, hasNext: false });
    const rows = [...first.data, ...rest.data] as { organizationId: string; features: unknown[] }[];
    expect(rows.map(({ organizationId, features }) => [organizationId, features.length])).toEqual([
      [ids[0], 1],
      [ids[1], 0],
      [ids[2], 1],
    ]);
    const failing = await template([{ feature: needing!, value: true }]);
    const failed = await applied(failing, { organizationIds: ids });
    expect(failed.status).toBe('failed');
    expect((await organizationsOf(failing, failed.id)).data).toEqual([]);
    await api.get(`${TEMPLATES}/${failing}/applications/${id}/organizations`).expect(404);
    await api.get(`${TEMPLATES}/${key}/applications/${id}/organizations?cursor=x`).expect(400);
  });

  it('shows how far it is while nothing of it is to be seen', async () => {
    const [flag] = await insertFeatures(tenon, {});
    const [id] = await organizations(1);
    const key = await template([{ feature: flag!, value: true }]);
    const blocker = await db.sql.connect();
    await blocker.query('begin');
    await blocker.query('select from organizations where id = $1 for update', [id]);
    const { id: application } = (await apply(key, { organizationIds: [id] }).expect(202)).body;
    await expect.poll(async () => (await show(key, application)).status).toBe('running');
    expect(await show(key, application)).toMatchObject({ progress: { done: 0, total: 1 }, finishedAt: null });
    expect((await rollBack(application).expect(409)).body.code).toBe('conflict');
    await blocker.query('commit');
    blocker.release();
    expect((await ended(key, application)).status).toBe('completed');
  });
});

describe('F9 at once', () => {
  it('50 applications to the same organizations: each ends, and the last one is what they have', async () => {
    const [number] = await insertFeatures(tenon, { type: 'number', defaultValue: 0 });
    const ids = await organizations(20);
    const keys = await atOnce(10, (n) => template([{ feature: number!, value: n + 1 }]));
    const answers = await atOnce(50, (n) =>
      apply(keys[n % 10]!, { organizationIds: n % 2 ? ids : ids.toReversed() }).expect(202),
    );
    await expect.poll(() => running(...keys)).toBe(0);
    const results = await atOnce(50, (n) => show(keys[n % 10]!, answers[n]!.body.id));
    expect(new Set(results.map(({ status }) => status))).toEqual(new Set(['completed']));
    const values = await Promise.all(ids.map(async (id) => (await overridesOf(id))[0]!.value));
    expect(new Set(values).size).toBe(1);
    // Each entry begins where the one before has ended: nothing was lost.
    const chains = await Promise.all(ids.map((id) => trailOf(id)));
    for (const chain of chains)
      for (const [at, entry] of chain.entries())
        expect((entry.before as { value: number } | null)?.value).toBe(
          at === 0 ? undefined : (chain[at - 1]!.after as { value: number }).value,
        );
  });

  it('applications beside single overrides and changes of features: none is lost, none waits in a ring', async () => {
    const [number, flag] = await insertFeatures(tenon, { type: 'number', defaultValue: 0 }, {});
    const ids = await organizations(10);
    const key = await template([{ feature: number!, value: 1_000 }]);
    const answers = await atOnce(48, async (n) => {
      if (n % 8 === 0) return apply(key, { organizationIds: ids });
      if (n % 8 === 1) return api.patch(`/api/v1/features/${flag}`, { description: `Number ${n}` });
      return put(ids[n % 10]!, number!, n);
    });
    expect(countStatuses(answers)).toEqual({ 200: 42, 202: 6 });
    for (const { body, status } of answers)
      if (status === 202) expect((await ended(key, body.id)).status).toBe('completed');
    for (const id of ids) {
      const chain = await trailOf(id);
      for (const [at, entry] of chain.entries()) if (at > 0) expect(entry.before).toEqual(chain[at - 1]!.after);
      expect((await overridesOf(id))[0]!.value).toEqual((chain.at(-1)!.after as { value: number }).value);
    }
  });
});

describe('F9 rolling an application back', () => {
  it('puts back what each organization had, whoever set it and until when, and tells every instance', async () => {
    const [flag, number] = await insertFeatures(tenon, {}, { type: 'number', defaultValue: 1 });
    const [bare, set, same] = await organizations(3);
    await put(set!, number!, 3, { expiresAt: '2099-01-01T00:00:00Z' }).expect(200);
    await put(same!, number!, 7).expect(200);
    const rowsOf = (id: string) =>
      api.rows(
        `select feature_key, environment_key, value, reason, expires_at, set_by, updated_at
           from organization_feature_settings where organization_id = $1 order by feature_key`,
        id,
      );
    const before = await Promise.all([bare!, set!, same!].map(rowsOf));
    const key = await template([
      { feature: flag!, value: true },
      { feature: number!, value: 7 },
    ]);
    const { id } = await applied(key, { organizationIds: [bare, set, same] });
    await expect.poll(() => valueOf(bare!, flag!, other)).toBe(true);
    const { body } = await rollBack(id).expect(200);
    expect(body).toMatchObject({
      id,
      status: 'rolled_back',
      rollback: { reason: 'Called off', by: { fullName: 'Ada Lovelace' }, at: expect.stringMatching(/Z$/) },
    });
    expect(await Promise.all([bare!, set!, same!].map(rowsOf))).toEqual(before);
    await expect.poll(() => valueOf(bare!, flag!, other)).toBe(false);
    expect(await valueOf(set!, number!)).toBe(3);
    const reason = `Rollback of template ${key}: Called off`;
    expect((await trailOf(set!)).slice(3)).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ action: 'feature.override_removed', target_id: flag, after: null, reason }),
        expect.objectContaining({
          action: 'feature.overridden',
          target_id: number,
          before: expect.objectContaining({ value: 7 }),
          after: { value: 3, environment: null, expiresAt: '2099-01-01T00:00:00.000Z', reason: 'By hand' },
          reason,
        }),
      ]),
    );
    expect(await api.changesOf('template.rolled_back', key)).toEqual([
      { before: { application: id, organizations: 3, overrides: 5, environment: null }, after: null },
    ]);
    expect((await rollBack(id).expect(409)).body.detail).toBe('The application is rolled back, and not completed');
    await rollBack(newId()).expect(404);
    await rollBack('x').expect(400);
    await api.post(`${TEMPLATES}/applications/${id}/rollback`, {}).expect(400);
  });

  it('is refused when somebody changed or removed some of its overrides since, names them, and nothing is lost', async () => {
    const [flag, number] = await insertFeatures(tenon, {}, { type: 'number', defaultValue: 1 });
    const ids = await organizations(3);
    const key = await template([
      { feature: flag!, value: true },
      { feature: number!, value: 7 },
    ]);
    const { id } = await applied(key, { organizationIds: ids });
    await put(ids[1]!, number!, 8).expect(200);
    const named = `1 override was changed since: ${number} of organization ${ids[1]}; nothing was rolled back`;
    expect((await rollBack(id).expect(409)).body).toMatchObject({ code: 'conflict', detail: named });
    expect((await overridesOf(ids[0]!)).map(({ value }) => value).toSorted()).toEqual([7, true]);
    // Back to the same value: it is another decision.
    await put(ids[1]!, number!, 7).expect(200);
    await rollBack(id, { keepChanged: false }).expect(409);
    await api.remove(`/api/v1/organizations/${ids[0]}/features/${flag}`).expect(204);
    expect((await rollBack(id).expect(409)).body.detail).toBe(
      `2 overrides were changed since: ${flag} of organization ${ids[0]}, ${number} of organization ${ids[1]}; nothing was rolled back`,
    );
    expect((await show(key, id)).status).toBe('completed');
    const states = (await organizationsOf(key, id)).data.map(
      ({ features }: { features: { feature: string; state: string }[] }) =>
        Object.fromEntries(features.map(({ feature, state }) => [feature, state])),
    );
    expect(states).toEqual([
      { [flag!]: 'changed_since', [number!]: 'applied' },
      { [flag!]: 'applied', [number!]: 'changed_since' },
      { [flag!]: 'applied', [number!]: 'applied' },
    ]);
    for (const keepChanged of [null, 'true', 1]) await rollBack(id, { keepChanged }).expect(400);
  });

  it('keeps what was changed since where that is asked for, names it, and puts the rest back', async () => {
    const [flag, number] = await insertFeatures(tenon, {}, { type: 'number', defaultValue: 1 });
    const ids = await organizations(30);
    await put(ids[1]!, number!, 3).expect(200);
    const key = await template([
      { feature: flag!, value: true },
      { feature: number!, value: 7 },
    ]);
    const { id } = await applied(key, { organizationIds: ids });
    await put(ids[1]!, number!, 8).expect(200);
    await api.remove(`/api/v1/organizations/${ids[0]}/features/${flag}`).expect(204);
    for (const one of ids.slice(5, 27)) await put(one, flag!, true).expect(200);
    expect((await rollBack(id).expect(409)).body.detail).toMatch(/^24 overrides .*, 4 more; nothing was rolled back$/);
    const { body } = await rollBack(id, { keepChanged: true }).expect(200);
    const kept = [[ids[0], flag], [ids[1], number], ...ids.slice(5, 23).map((one) => [one, flag])];
    expect(body).toMatchObject({
      status: 'rolled_back',
      rollback: { kept: { total: 24, first: kept.map(([organizationId, feature]) => ({ organizationId, feature })) } },
    });
    expect(await show(key, id)).toEqual(body);
    const valuesOf = async (one: string) =>
      (await overridesOf(one)).map(({ feature_key, value }) => [feature_key, value]);
    expect(await valuesOf(ids[0]!)).toEqual([]);
    expect(await valuesOf(ids[1]!)).toEqual([[number, 8]]);
    expect(await valuesOf(ids[2]!)).toEqual([]);
    expect(await valuesOf(ids[26]!)).toEqual([[flag, true]]);
    const { data } = await organizationsOf(key, id);
    const stateOf = (at: number, feature: string) =>
      data[at].features.find((one: { feature: string }) => one.feature === feature).state;
    expect([stateOf(0, flag!), stateOf(0, number!), stateOf(1, number!), stateOf(26, flag!)]).toEqual([
      'kept',
      'rolled_back',
      'kept',
      'kept',
    ]);
    const trail = (await api.get(`/api/v1/admin/audit-log?targetId=${key}`).expect(200)).body.data;
    expect(trail[0].sentence).toMatch(
      /rolled the template .* back for 30 organizations, except for 24 overrides that had been changed since$/,
    );
  });

  it('what was changed since may hold what fits its feature no more: it does not come back', async () => {
    const [json] = await insertFeatures(tenon, { type: 'json', defaultValue: { size: 1 } });
    const [id] = await organizations(1);
    await put(id!, json!, { size: 9 }).expect(200);
    const key = await template([{ feature: json!, value: { size: 2 } }]);
    const application = await applied(key, { organizationIds: [id] });
    await put(id!, json!, { size: 3 }).expect(200);
    const schema = { type: 'object', properties: { size: { type: 'integer', maximum: 3 } } };
    await api.patch(`/api/v1/features/${json}`, { schema }).expect(200);
    await rollBack(application.id, { keepChanged: true }).expect(200);
    expect(await valueOf(id!, json!)).toEqual({ size: 3 });
  });

  it('is refused after 90 days, and what was there leaves; the overrides and the log stay', async () => {
    const [number] = await insertFeatures(tenon, { type: 'number', defaultValue: 1 });
    const [old, young] = await organizations(2);
    const key = await template([{ feature: number!, value: 7 }]);
    const { id } = await applied(key, { organizationIds: [old] });
    const { id: later } = await applied(key, { organizationIds: [young] });
    const age = async (by: string): Promise<void> => {
      await api.rows(`update template_application_logs set applied_at = now() - $2::interval where id = $1`, id, by);
      await api.rows(
        `update template_application_changes set applied_at = now() - $2::interval where application_id = $1`,
        id,
        by,
      );
    };
    const kept = (one: string) => api.rows(`select from template_application_changes where application_id = $1`, one);
    await age('90 days 1 minute');
    expect((await rollBack(id).expect(409)).body.code).toBe('template_rollback_expired');
    await removeExpired(tenon.app, expiredApplicationChanges);
    // One that began a minute ago is still at work.
    expect(await kept(id)).toHaveLength(1);
    await age('91 days');
    await removeExpired(tenon.app, expiredApplicationChanges);
    expect(await kept(id)).toEqual([]);
    expect((await rollBack(id).expect(409)).body.code).toBe('template_rollback_expired');
    expect(await valueOf(old!, number!)).toBe(7);
    await rollBack(later).expect(200);
    expect(await valueOf(young!, number!)).toBe(1);
  });

  it('undoes applications in the order in which they came, the last one first', async () => {
    const [number] = await insertFeatures(tenon, { type: 'number', defaultValue: 0 });
    const [id] = await organizations(1);
    const [one, two] = [
      await template([{ feature: number!, value: 1 }]),
      await template([{ feature: number!, value: 2 }]),
    ];
    const first = await applied(one, { organizationIds: [id] });
    const second = await applied(two, { organizationIds: [id] });
    await rollBack(first.id).expect(409);
    await rollBack(second.id).expect(200);
    expect(await valueOf(id!, number!)).toBe(1);
    await rollBack(first.id).expect(200);
    expect(await overridesOf(id!)).toEqual([]);
  });

  it('is refused when what was there does not fit its feature any more', async () => {
    const [json] = await insertFeatures(tenon, { type: 'json', defaultValue: { size: 1 } });
    const [id] = await organizations(1);
    await put(id!, json!, { size: 9 }).expect(200);
    const key = await template([{ feature: json!, value: { size: 2 } }]);
    const application = await applied(key, { organizationIds: [id] });
    const schema = { type: 'object', properties: { size: { type: 'integer', maximum: 3 } } };
    await api.patch(`/api/v1/features/${json}`, { schema }).expect(200);
    expect((await rollBack(application.id).expect(409)).body.detail).toContain(`organization ${id} had of ${json}`);
    expect(await valueOf(id!, json!)).toEqual({ size: 2 });
  });

  it('one of 50 at once does it', async () => {
    const [flag] = await insertFeatures(tenon, {});
    const ids = await organizations(5);
    const key = await template([{ feature: flag!, value: true }]);
    const { id } = await applied(key, { organizationIds: ids });
    expect(countStatuses(await atOnce(50, () => rollBack(id)))).toEqual({ 200: 1, 409: 49 });
    for (const one of ids) {
      expect(await overridesOf(one)).toEqual([]);
      expect(await trailOf(one)).toHaveLength(2);
    }
  });

  it('a feature that is gone since is something that was changed since', async () => {
    const [flag] = await insertFeatures(tenon, {});
    const [id] = await organizations(1);
    const key = await template([{ feature: flag!, value: true }]);
    const application = await applied(key, { organizationIds: [id] });
    await changeFeatures(tenon, [flag!], (em) => em.execute('delete from feature_definitions where key = ?', [flag]));
    expect((await rollBack(application.id).expect(409)).body.detail).toContain(flag);
  });
});
