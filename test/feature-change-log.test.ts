import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../src/kernel/ids.js';
import { atOnce, countStatuses } from './harness/accounts.js';
import { startApp, type TestApp } from './harness/app.js';
import { type FeatureAdmin, featureAdmin } from './harness/feature-admin.js';

const FEATURES = '/api/v1/features';
const CHANGES = `${FEATURES}/changes`;

interface Change {
  id: string;
  kind: string;
  feature: string;
  environment: string | null;
  before: Record<string, unknown> | null;
  after: Record<string, unknown> | null;
  reason: string | null;
  derived: boolean;
  rolledBackId: string | null;
  differences: { path: string; text: string }[];
}

let tenon: TestApp;
let api: FeatureAdmin;
beforeAll(async () => {
  tenon = await startApp();
  api = await featureAdmin(tenon);
});
afterAll(() => tenon.close());

const changesOf = async (path: string): Promise<Change[]> => (await api.get(path).expect(200)).body.data;
const rollBack = (id: string, body: object = {}) => api.post(`${CHANGES}/${id}/rollback`, body);
/** What of a feature a rollback has to bring back. */
const comparable = (body: object): object => ({ ...body, version: 0, createdAt: '', updatedAt: '' });

describe('F11 the change log', () => {
  it('keeps who changed what, when and why, whole before and after, newest first', async () => {
    const path = await api.feature('logged', { reason: 'For a pilot' });
    await api.patch(path, { name: 'Renamed', reason: 'A better name' }).expect(200);
    const rule = { name: 'Pilot', when: [{ attribute: 'country', operator: 'in', values: ['DE'] }], value: true };
    await api.put(`${path}/environments/production`, { enabled: true, rules: [rule] }).expect(200);
    await api.put(`${path}/environments/production`, { enabled: false, rules: [rule], reason: 'Burning' }).expect(200);
    const changes = await changesOf(`${path}/changes`);
    expect(changes.map(({ kind, reason, differences }) => [kind, reason, differences.map(({ text }) => text)])).toEqual(
      [
        ['configuration', 'Burning', ['enabled: true → false']],
        ['configuration', null, ['was added']],
        ['feature', 'A better name', ['name: "Feature logged" → "Renamed"']],
        ['feature', 'For a pilot', ['was added']],
      ],
    );
    expect(changes[0]).toMatchObject({
      feature: 'logged',
      environment: 'production',
      segment: null,
      actor: { kind: 'user', fullName: expect.any(String) },
      before: { enabled: true, rules: [rule], rollout: null },
      after: { enabled: false, rules: [rule], rollout: null },
      derived: false,
      changeRequestId: null,
      rolledBackId: null,
      at: expect.stringMatching(/Z$/),
    });
    expect((await api.get(`${CHANGES}/${changes[0]!.id}`).expect(200)).body).toEqual(changes[0]);
    expect(changes[2]!.after).toMatchObject({ type: 'boolean', name: 'Renamed', defaultValue: true, plans: {} });
  });

  it('notes nothing for a change that was refused, or changed nothing', async () => {
    const path = await api.feature('quiet');
    await api.patch(path, { name: 'Feature quiet' }).expect(200);
    await api.patch(path, { dependencies: ['nothing'] }).expect(400);
    await api.put(`${path}/environments/production`, { enabled: true, rules: [{ name: 'x', when: [] }] }).expect(400);
    await api.post(`${path}/impact`, { definition: { name: 'Tried' } }).expect(200);
    expect(await changesOf(`${path}/changes`)).toHaveLength(1);
  });

  it('tells of the other side of a conflict as of something derived', async () => {
    await api.feature('cat');
    await api.feature('dog', { conflicts: ['cat'] });
    expect((await changesOf(`${FEATURES}/cat/changes`))[0]).toMatchObject({
      derived: true,
      differences: [{ path: 'conflicts', text: 'conflicts: [] → ["dog"]' }],
    });
  });

  it('is filtered, and goes on by its cursor', async () => {
    await api
      .post('/api/v1/segments', { key: 'found', when: [{ attribute: 'a', operator: 'in', values: ['x'] }] })
      .expect(201);
    expect((await changesOf(`${CHANGES}?segment=found`)).map(({ kind }) => kind)).toEqual(['segment']);
    const all = await changesOf(`${CHANGES}?limit=200`);
    const first = (await api.get(`${CHANGES}?limit=2`).expect(200)).body;
    expect(first.meta.hasNext).toBe(true);
    const second = await changesOf(`${CHANGES}?limit=2&cursor=${first.meta.nextCursor}`);
    expect([...first.data, ...second]).toEqual(all.slice(0, 4));
    expect(await changesOf(`${CHANGES}?environment=staging`)).toEqual([]);
    expect(await changesOf(`${CHANGES}?kind=segment&from=2020-01-01`)).toHaveLength(1);
    expect(await changesOf(`${CHANGES}?to=2020-01-01`)).toEqual([]);
    expect(await changesOf(`${CHANGES}?actorId=${newId()}`)).toEqual([]);
    for (const bad of ['cursor=nonsense', 'kind=else', 'limit=0', 'from=yesterday', 'sort=at'])
      await api.get(`${CHANGES}?${bad}`).expect(400);
  });

  it('of an environment that never was, or of a range the wrong way around, is refused', async () => {
    const errorsOf = async (path: string) => (await api.get(path).expect(400)).body.errors;
    const unknown = [{ field: 'environment', code: 'environment_unknown', message: 'There is no such environment' }];
    for (const path of [CHANGES, `${FEATURES}/logged/changes`])
      expect(await errorsOf(`${path}?environment=mars`)).toEqual(unknown);
    // One that was removed has its changes still.
    await api.post('/api/v1/environments', { key: 'venus', name: 'Venus' }).expect(201);
    await api.feature('seen');
    await api.put(`${FEATURES}/seen/environments/venus`, { enabled: false, rules: [] }).expect(200);
    await api.remove('/api/v1/environments/venus').expect(204);
    expect(await changesOf(`${CHANGES}?environment=venus`)).toHaveLength(1);
    expect(await changesOf(`${CHANGES}?environment=venus&to=2020-01-01`)).toEqual([]);

    const reversed = [{ field: 'from', code: 'range_reversed', message: 'from has to be no later than to' }];
    for (const path of [CHANGES, `${FEATURES}/logged/changes`, `${FEATURES}/logged/usage`, '/api/v1/admin/audit-log']) {
      expect(await errorsOf(`${path}?from=2026-11-02&to=2026-11-01`), path).toEqual(reversed);
      await api.get(`${path}?from=2026-11-01&to=2026-11-01`).expect(200);
    }
    expect(await errorsOf(`${CHANGES}?from=2026-11-02T00:00:00%2B02:00&to=2026-11-01T21:59:59Z`)).toEqual(reversed);
    // What cannot be read is said, and nothing of the range.
    expect(await errorsOf(`${CHANGES}?from=2026-11-02&to=yesterday`)).toMatchObject([{ field: 'to' }]);
  });

  it('of a feature that never was is not found', async () => {
    await api.get(`${FEATURES}/never/changes`).expect(404);
    expect(await changesOf(`${FEATURES}/logged/changes?to=2020-01-01`)).toEqual([]);
  });

  it('is for platform admins alone', async () => {
    const [{ id }] = (await changesOf(CHANGES)) as [Change];
    for (const path of [CHANGES, `${CHANGES}/${id}`, `${FEATURES}/logged/changes`])
      await api.get(path, api.person.auth).expect(403);
    await api.post(`${CHANGES}/${id}/rollback`, {}, api.person.auth).expect(403);
  });

  it('can be added to and read, and neither changed nor emptied, also by the system role', async () => {
    for (const sql of ['update feature_change_logs set reason = null', 'delete from feature_change_logs'])
      await expect(tenon.db.sql.query(`set role tenon_system; ${sql}`)).rejects.toThrow('permission denied');
    await tenon.db.sql.query('reset role');
  });
});

describe('F11 rolling back', () => {
  it('undoes a change of a configuration, and can be undone itself', async () => {
    const path = await api.feature('undone');
    const environment = `${path}/environments/production`;
    const rule = { name: 'Pilot', when: [{ attribute: 'country', operator: 'in', values: ['DE'] }], value: true };
    await api.put(environment, { enabled: true, rules: [rule], rollout: { by: 'targetingKey', percentage: 10 } });
    const was = (await api.get(environment)).body;
    await api.put(environment, { enabled: false, rules: [] }).expect(200);
    const [{ id }] = (await changesOf(`${path}/changes`)) as [Change];
    const [back] = (await rollBack(id, { reason: 'It was wrong' }).expect(200)).body.data;
    expect(back).toMatchObject({ rolledBackId: id, reason: 'It was wrong', after: { enabled: true, rules: [rule] } });
    expect(comparable((await api.get(environment)).body)).toEqual(comparable(was));
    // Once more: it is so already, and the log gets no entry.
    expect((await rollBack(id).expect(200)).body.data).toEqual([]);
    expect((await changesOf(`${path}/changes`))[0]!.id).toBe(back.id);
    await rollBack(back.id).expect(200);
    expect((await api.get(environment)).body).toMatchObject({ enabled: false, rules: [] });
  });

  it('goes to what any entry left behind', async () => {
    const path = await api.feature('travels', {
      type: 'string',
      defaultValue: 'a',
      variants: [{ key: 'x', value: 'a' }],
    });
    await api.patch(path, { defaultValue: 'b', tags: ['beta'], variants: null }).expect(200);
    await api.patch(path, { defaultValue: 'c', description: 'Third' }).expect(200);
    const [, second, first] = (await changesOf(`${path}/changes`)) as [Change, Change, Change];
    await rollBack(second.id, { to: 'after' }).expect(200);
    expect((await api.get(path)).body).toMatchObject({ defaultValue: 'b', description: null, tags: ['beta'] });
    await rollBack(first.id, { to: 'after' }).expect(200);
    expect((await api.get(path)).body).toMatchObject({
      defaultValue: 'a',
      variants: [{ key: 'x', value: 'a' }],
      tags: [],
    });
  });

  it('brings back a feature that was removed, with its configurations, and removes one that was made', async () => {
    await api.feature('root');
    const path = await api.feature('leaf', { dependencies: ['root'], plans: { standard: true }, tags: ['kept'] });
    await api.put(`${path}/environments/staging`, { enabled: false }).expect(200);
    const was = (await api.get(path)).body;
    await api.remove(`${path}?reason=Not%20needed`).expect(204);
    const [removed, , made] = (await changesOf(`${path}/changes`)) as [Change, Change, Change];
    expect(removed).toMatchObject({ reason: 'Not needed', after: null });
    expect((await rollBack(removed.id).expect(200)).body.data).toHaveLength(2);
    expect(comparable((await api.get(path)).body)).toEqual(comparable(was));
    expect((await api.get(`${path}/environments/staging`)).body.enabled).toBe(false);
    await rollBack(made.id).expect(200);
    await api.get(path).expect(404);
  });

  it('undoes changes of segments', async () => {
    const when = [{ attribute: 'email', operator: 'ends_with', values: ['@example.com'] }];
    await api.post('/api/v1/segments', { key: 'turned', when }).expect(201);
    await api.patch('/api/v1/segments/turned', { name: 'Named', when: [{ ...when[0], values: ['@x.com'] }] });
    const [changed, made] = (await changesOf(`${CHANGES}?segment=turned`)) as [Change, Change];
    await rollBack(changed.id).expect(200);
    expect((await api.get('/api/v1/segments/turned')).body).toMatchObject({ name: null, when });
    await rollBack(made.id).expect(200);
    await api.get('/api/v1/segments/turned').expect(404);
    await rollBack(made.id, { to: 'after' }).expect(200);
    expect((await api.get('/api/v1/segments/turned')).body).toMatchObject({ when });
  });

  it('is checked like any change: what the graph or the rules refuse by now leaves everything as it is', async () => {
    await api.feature('base');
    const path = await api.feature('upper', { dependencies: ['base'] });
    await api.patch(path, { dependencies: [] }).expect(200);
    const [loosened, made] = (await changesOf(`${path}/changes`)) as [Change, Change];
    await api.patch(`${FEATURES}/base`, { dependencies: ['upper'] }).expect(200);
    expect((await rollBack(loosened.id).expect(409)).body.code).toBe('feature_dependency_cycle');
    expect((await rollBack(made.id).expect(409)).body.code).toBe('feature_in_use');
    expect((await api.get(path)).body.dependencies).toEqual([]);
    await rollBack(newId()).expect(404);
    await rollBack(made.id, { to: 'else' }).expect(400);
  });

  it('is refused where what it was names what is gone, and says what: whoever asks has named none of it', async () => {
    await api.post('/api/v1/plans', { key: 'fading', name: 'Fading', limits: {} }).expect(201);
    await api.post('/api/v1/environments', { key: 'fleeting', name: 'Fleeting' }).expect(201);
    const path = await api.feature('remembers', { plans: { fading: true } });
    await api.put(`${path}/environments/fleeting`, { enabled: false }).expect(200);
    await api.patch(path, { plans: {} }).expect(200);
    const [unplanned, configured] = (await changesOf(`${path}/changes`)) as [Change, Change];
    await api.remove('/api/v1/plans/fading').expect(204);
    const noPlan = {
      code: 'conflict',
      detail: 'It cannot be again what it was: There is no plan "fading"',
      errors: [{ field: 'plans.fading', code: 'plan_unknown', message: 'There is no plan "fading"' }],
    };
    expect((await rollBack(unplanned.id).expect(409)).body).toMatchObject(noPlan);
    // Nor is it asked for.
    const changes = [{ type: 'change.rollback', id: unplanned.id }];
    const asked = await api.post('/api/v1/feature-changes', { title: 'Plans', changes }).expect(409);
    expect(asked.body).toMatchObject({ ...noPlan, errors: [{ ...noPlan.errors[0], field: 'changes.0.plans.fading' }] });

    await api.remove(path).expect(204);
    const [removed] = (await changesOf(`${path}/changes`)) as [Change];
    await api.remove('/api/v1/environments/fleeting').expect(204);
    const detailOf = async (id: string) => (await rollBack(id).expect(409)).body.detail;
    expect(await detailOf(configured.id)).toBe('It cannot be again what it was: There is no feature "remembers"');
    expect(await detailOf(removed.id)).toBe('It cannot be again what it was: There is no environment "fleeting"');
    await api.get(path).expect(404);
  });

  it('names the segment that is gone', async () => {
    await api
      .post('/api/v1/segments', { key: 'dissolved', when: [{ attribute: 'plan', operator: 'exists', values: [] }] })
      .expect(201);
    const path = await api.feature('segmented');
    const configured = `${path}/environments/production`;
    const rules = [{ name: 'Them', when: [], segments: ['dissolved'], value: true }];
    await api.put(configured, { enabled: true, rules }).expect(200);
    await api.put(configured, { enabled: true, rules: [] }).expect(200);
    const [emptied] = (await changesOf(`${path}/changes`)) as [Change];
    await api.remove('/api/v1/segments/dissolved').expect(204);
    expect((await rollBack(emptied.id).expect(409)).body.detail).toBe(
      'It cannot be again what it was: There is no segment "dissolved"',
    );
  });

  it('refuses to give a feature that was made anew with another type what it was', async () => {
    const path = await api.feature('retyped');
    await api.remove(path).expect(204);
    await api.feature('retyped', { type: 'string', defaultValue: 'x' });
    const made = (await changesOf(`${path}/changes`)).at(-1)!;
    expect((await rollBack(made.id, { to: 'after' }).expect(409)).body.code).toBe('conflict');
  });

  it('brings what 50 at once take back to one state', async () => {
    const path = await api.feature('crowded');
    await api.put(`${path}/environments/production`, { enabled: false }).expect(200);
    const [{ id }] = (await changesOf(`${path}/changes`)) as [Change];
    expect(countStatuses(await atOnce(50, () => rollBack(id)))).toEqual({ 200: 50 });
    expect((await changesOf(`${path}/changes`)).filter(({ rolledBackId }) => rolledBackId === id)).toHaveLength(1);
  });
});
