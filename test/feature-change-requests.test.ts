import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { MikroORM, RequestContext } from '@mikro-orm/postgresql';
import { setTimeout as sleep } from 'node:timers/promises';
import { ApplyingService } from '../src/features/change-requests/applying.service.js';
import { newId } from '../src/kernel/ids.js';
import { atOnce, countStatuses, insertPerson, openSession } from './harness/accounts.js';
import { startApp, type TestApp } from './harness/app.js';
import { type Auth, type FeatureAdmin, featureAdmin } from './harness/feature-admin.js';

const FEATURES = '/api/v1/features';
const REQUESTS = '/api/v1/feature-changes';
const POLICIES = `${REQUESTS}/policies`;
const OFF = { enabled: false, rules: [] };
const QUARTER = { enabled: true, rules: [], rollout: { by: 'targetingKey', percentage: 25 } };

let tenon: TestApp;
let api: FeatureAdmin;
/** Two more platform admins. */
let second: Auth & { userId: string };
let third: Auth & { userId: string };
beforeAll(async () => {
  tenon = await startApp();
  api = await featureAdmin(tenon);
  [second, third] = [await signInAnotherAdmin(), await signInAnotherAdmin()];
});
afterAll(() => tenon.close());
/** Policies are loosened past the product: by itself that takes an approval. */
beforeEach(() => tenon.db.sql.query('delete from feature_change_policies'));

async function signInAnotherAdmin(): Promise<Auth & { userId: string }> {
  const { userId } = await insertPerson(tenon.db, { platformRole: 'admin' });
  return { ...(await openSession(tenon, userId)).auth, userId };
}

const auth = ({ authorization }: Auth): Auth => ({ authorization });
const policy = (environment: string, body: object, who = api.admin) =>
  api.put(`${POLICIES}/${environment}`, body, auth(who));
const configure = (key: string, configuration: object, environment = 'production') => ({
  type: 'feature.configure',
  key,
  environment,
  configuration,
});
const ask = (changes: object[], more: object = {}, who = api.admin) =>
  api.post(REQUESTS, { title: 'A change', changes, ...more }, auth(who));
const approve = ({ id, contentHash }: { id: string; contentHash: string }, who: Auth) =>
  api.post(`${REQUESTS}/${id}/approve`, { contentHash }, auth(who));
const apply = ({ id }: { id: string }, who: Auth = api.admin) => api.post(`${REQUESTS}/${id}/apply`, {}, auth(who));
const read = async ({ id }: { id: string }) => (await api.get(`${REQUESTS}/${id}`).expect(200)).body;
const stateOf = async (key: string, environment = 'production') =>
  (await api.get(`${FEATURES}/${key}/environments/${environment}`)).body;
const codeOf = async (request: ReturnType<typeof ask>, status: number): Promise<string> =>
  (await request.expect(status)).body.code;
/** Makes what is due, as the schedule would. */
const applyDue = () =>
  RequestContext.create(tenon.app.get(MikroORM).em, () => tenon.app.get(ApplyingService).applyDue());
const soon = () => new Date(Date.now() + 400).toISOString();

describe('F12 policies', () => {
  it('ask for nothing until they are set, and are versioned and logged', async () => {
    expect((await api.get(`${POLICIES}/production`).expect(200)).body).toEqual({
      environment: 'production',
      approvals: 0,
      approvers: [],
      kinds: ['configuration', 'feature', 'segment'],
      reasonRequired: false,
      version: 0,
    });
    const { body, headers } = await policy('production', { approvals: 1, kinds: ['configuration'] }).expect(200);
    expect(body).toMatchObject({ approvals: 1, kinds: ['configuration'], version: 1 });
    expect(headers.etag).toBe('"1"');
    const { data } = (await api.get(POLICIES).expect(200)).body;
    expect(data.map(({ environment, approvals }: typeof body) => [environment, approvals])).toEqual([
      ['development', 0],
      ['production', 1],
      ['staging', 0],
    ]);
    expect((await api.get(`${FEATURES}/changes?kind=policy`)).body.data[0]).toMatchObject({
      environment: 'production',
      before: null,
      after: { approvals: 1 },
    });
    expect(await api.changesOf('feature_change_policy.updated', 'production')).toHaveLength(1);
  });

  it('that nobody could meet, or name who is no platform admin, are refused', async () => {
    const { errors } = (await policy('production', { approvals: 10 }).expect(400)).body;
    expect(errors[0].code).toBe('approvals_out_of_reach');
    const stranger = { approvals: 1, approvers: [api.person.userId] };
    expect((await policy('production', stranger).expect(400)).body.errors[0].code).toBe('approver_unknown');
    await policy('nowhere', { approvals: 0 }).expect(404);
    for (const bad of [{}, { approvals: -1 }, { approvals: 1.5 }, { approvals: 1, kinds: ['all'] }, { approvals: '1' }])
      await policy('production', bad).expect(400);
  });

  it('are not loosened by whoever they bind: that takes an approval, too', async () => {
    await policy('production', { approvals: 1 }).expect(200);
    expect(await codeOf(policy('production', { approvals: 0 }), 409)).toBe('feature_change_needs_approval');
    expect(await codeOf(api.remove('/api/v1/environments/production'), 409)).toBe('environment_in_use');
    const asked = await ask([{ type: 'policy.put', environment: 'production', policy: { approvals: 0 } }]).expect(201);
    expect(asked.body).toMatchObject({
      status: 'pending',
      approvals: [{ environment: 'production', required: 1, given: 0 }],
    });
    await approve(asked.body, second).expect(200);
    await apply(asked.body).expect(200);
    expect((await api.get(`${POLICIES}/production`)).body.approvals).toBe(0);
  });

  it('may ask only for a reason', async () => {
    await policy('production', { approvals: 0, reasonRequired: true }).expect(200);
    await api.feature('reasoned', { lifecycle: 'draft' });
    const path = `${FEATURES}/reasoned/environments/production`;
    expect((await api.put(path, QUARTER).expect(400)).body.errors[0]).toMatchObject({ code: 'reason_required' });
    await api.put(path, { ...QUARTER, reason: ' ' }).expect(400);
    await api.put(path, { ...QUARTER, reason: 'A pilot' }).expect(200);
    await api.remove(`${FEATURES}/reasoned`).expect(204);
  });
});

describe('F12 what a policy lets pass', () => {
  beforeEach(() => policy('production', { approvals: 1 }).expect(200));

  it('is what another environment does, what is a draft, and what is switched off; nothing else', async () => {
    await api.post(FEATURES, { key: 'kept', name: 'Kept', type: 'boolean', defaultValue: true }).expect(409);
    await api.feature('kept', { lifecycle: 'draft' });
    await api.patch(`${FEATURES}/kept`, { description: 'Still a draft' }).expect(200);
    expect(await codeOf(api.patch(`${FEATURES}/kept`, { lifecycle: 'active' }), 409)).toBe(
      'feature_change_needs_approval',
    );
    await api.put(`${FEATURES}/kept/environments/staging`, QUARTER).expect(200);
    const production = `${FEATURES}/kept/environments/production`;
    await api.put(production, QUARTER).expect(409);
    await api.put(production, { ...QUARTER, enabled: false }).expect(409);
    // The kill switch never waits.
    await api.put(production, OFF).expect(200);
    await api.put(production, { ...OFF, enabled: true }).expect(409);
    await api
      .post('/api/v1/segments', { key: 'gated', when: [{ attribute: 'a', operator: 'in', values: ['b'] }] })
      .expect(409);
    expect((await stateOf('kept')).enabled).toBe(false);
  });

  it('never is a rollback of somebody alone, but where it switches off', async () => {
    await api.feature('turned', { lifecycle: 'draft' });
    await api.put(`${FEATURES}/turned/environments/production`, OFF).expect(200);
    const [{ id }] = (await api.get(`${FEATURES}/turned/changes`)).body.data;
    expect(await codeOf(api.post(`${FEATURES}/changes/${id}/rollback`, {}), 409)).toBe('feature_change_needs_approval');
    const asked = await ask([{ type: 'change.rollback', id }]).expect(201);
    await approve(asked.body, second).expect(200);
    await apply(asked.body).expect(200);
    expect((await stateOf('turned')).enabled).toBe(true);
  });
});

describe('F12 change requests', () => {
  it('are tried, approved by somebody else, and applied as a whole, with the trail and the change log telling of it', async () => {
    await api.feature('asked');
    await policy('production', { approvals: 1 }).expect(200);
    const { body } = await ask(
      [configure('asked', QUARTER), { type: 'feature.update', key: 'asked', feature: { tags: ['x'] } }],
      {
        reason: 'A pilot',
      },
    ).expect(201);
    expect(body).toMatchObject({
      status: 'pending',
      reason: 'A pilot',
      subjects: ['feature:asked'],
      approvals: [{ environment: 'production', required: 1, given: 0 }],
      effects: [
        { kind: 'configuration', feature: 'asked', environment: 'production', before: null, after: QUARTER },
        { kind: 'feature', feature: 'asked', differences: [{ path: 'tags', text: 'tags: [] → ["x"]' }] },
      ],
      overlaps: [],
      outdatedBy: [],
      version: 1,
    });
    expect((await stateOf('asked')).version).toBe(0);
    expect(await codeOf(apply(body), 409)).toBe('feature_change_closed');
    const approved = (await approve(body, second).expect(200)).body;
    expect(approved).toMatchObject({ status: 'approved', reviews: [{ verdict: 'approved', current: true }] });
    const applied = (await apply(body, third).expect(200)).body;
    expect(applied).toMatchObject({ status: 'applied', appliedAt: expect.stringMatching(/Z$/), failure: null });
    expect(await stateOf('asked')).toMatchObject(QUARTER);
    const { data } = (await api.get(`${FEATURES}/changes?changeRequestId=${body.id}`)).body;
    expect(data.map(({ kind, reason }: { kind: string; reason: string }) => [kind, reason])).toEqual([
      ['feature', 'A pilot'],
      ['configuration', 'A pilot'],
    ]);
    for (const action of ['created', 'approved', 'applied'])
      expect(await api.changesOf(`feature_change_request.${action}`, body.id)).toHaveLength(1);
    expect(await codeOf(apply(body), 409)).toBe('feature_change_closed');
  });

  it('need nobody where no policy asks', async () => {
    await api.feature('free');
    const { body } = await ask([configure('free', OFF)]).expect(201);
    expect(body).toMatchObject({ status: 'approved', approvals: [] });
    await apply(body).expect(200);
    expect((await stateOf('free')).enabled).toBe(false);
  });

  it('are refused when they could not be made, or would change nothing', async () => {
    await api.feature('sound');
    expect(
      (await ask([configure('sound', { enabled: true, rules: [{ name: 'x', when: [] }] })]).expect(400)).body.code,
    ).toBe('validation_failed');
    await ask([configure('nothing', OFF)]).expect(404);
    await ask([{ type: 'feature.update', key: 'sound', feature: { name: 'Feature sound' } }]).expect(400);
    expect(
      await codeOf(ask([{ type: 'feature.update', key: 'sound', feature: { dependencies: ['sound'] } }]), 409),
    ).toBe('feature_dependency_cycle');
    const bad = [
      [],
      {},
      [{}],
      [null],
      ['x'],
      [{ type: 'feature.explode', key: 'sound' }],
      [{ type: 'constructor' }],
      [{ ...configure('sound', OFF), more: 1 }],
      [{ ...configure('sound', OFF), configuration: 'off' }],
      [{ type: 'feature.delete' }],
      Array(101).fill(configure('sound', OFF)),
    ];
    for (const changes of bad) await ask(changes as object[]).expect(400);
    await ask([configure('sound', OFF)], { applyAt: '2020-01-01' }).expect(400);
    await ask([configure('sound', OFF)], { follows: [newId()] }).expect(400);
  });

  it('are made in order: a feature, what needs it, and its configuration in one', async () => {
    const make = (key: string, dependencies: string[]) => ({
      type: 'feature.create',
      feature: { key, name: key, type: 'boolean', defaultValue: false, dependencies },
    });
    const { body } = await ask([make('one', []), make('two', ['one']), configure('two', QUARTER, 'staging')]).expect(
      201,
    );
    await api.get(`${FEATURES}/one`).expect(404);
    await apply(body).expect(200);
    expect(await stateOf('two', 'staging')).toMatchObject(QUARTER);
  });

  it('are for platform admins alone', async () => {
    await api.feature('admins');
    const { body } = await ask([configure('admins', OFF)]).expect(201);
    for (const path of [REQUESTS, `${REQUESTS}/${body.id}`, POLICIES]) await api.get(path, api.person.auth).expect(403);
    await ask([configure('admins', OFF)], {}, api.person.auth).expect(403);
    await approve(body, api.person.auth).expect(403);
    await apply(body, api.person.auth).expect(403);
  });

  it('are listed by state and feature', async () => {
    await api.feature('listed');
    const { body } = await ask([configure('listed', OFF)]).expect(201);
    const listed = async (query: string) =>
      (await api.get(`${REQUESTS}?${query}`).expect(200)).body.data.map(({ id }: { id: string }) => id);
    expect(await listed('feature=listed')).toEqual([body.id]);
    expect(await listed('feature=listed&status=applied')).toEqual([]);
    expect(await listed('status=approved&limit=200')).toContain(body.id);
    await api.get(`${REQUESTS}?status=else`).expect(400);
    await api.get(`${REQUESTS}/${newId()}`).expect(404);
  });

  it('are taken back, and then stay so', async () => {
    await api.feature('withdrawn');
    const { body } = await ask([configure('withdrawn', OFF)]).expect(201);
    expect((await api.post(`${REQUESTS}/${body.id}/cancel`, {}).expect(200)).body.status).toBe('cancelled');
    for (const path of ['apply', 'cancel'])
      expect(await codeOf(api.post(`${REQUESTS}/${body.id}/${path}`, {}), 409)).toBe('feature_change_closed');
    expect(await codeOf(api.patch(`${REQUESTS}/${body.id}`, {}), 409)).toBe('feature_change_closed');
  });
});

describe('F12 four eyes', () => {
  beforeEach(() => policy('production', { approvals: 1 }).expect(200));
  const draft = async (key: string) => {
    await api.feature(key, { lifecycle: 'draft' });
    return (await ask([configure(key, QUARTER)]).expect(201)).body;
  };

  it('its author cannot approve it, whatever they sign in with', async () => {
    const asked = await draft('own');
    expect(await codeOf(approve(asked, api.admin), 403)).toBe('feature_change_self_approval');
    const { data } = (await api.get('/api/v1/admin/users?perPage=200')).body;
    const author = data.find(({ id }: { id: string }) => id === asked.author.id);
    const { auth: again } = await openSession(tenon, author.id);
    expect(await codeOf(approve(asked, again), 403)).toBe('feature_change_self_approval');
    expect((await read(asked)).status).toBe('pending');
  });

  it('its author cannot approve it through an API key: keys come to no such route', async () => {
    const asked = await draft('keyed');
    const { body: organization } = await api.post('/api/v1/organizations', { name: 'Keys' }).expect(201);
    const { body: key } = await api
      .post(`/api/v1/organizations/${organization.id}/api-keys`, {
        name: 'CI',
        environment: 'production',
        scopes: ['features:read'],
      })
      .expect(201);
    const bearer = { authorization: `Bearer ${key.key}` };
    expect((await approve(asked, bearer)).status).toBe(403);
    expect((await apply(asked, bearer)).status).toBe(403);
    expect((await read(asked)).status).toBe('pending');
  });

  it('an edit resets what was approved, and the old content cannot be approved any more', async () => {
    const asked = await draft('edited');
    await approve(asked, second).expect(200);
    const path = `${REQUESTS}/${asked.id}`;
    expect(await codeOf(api.patch(path, { title: 'Mine' }, auth(second)), 403)).toBe('permission_denied');
    const half = { ...QUARTER, rollout: { by: 'targetingKey', percentage: 50 } };
    const { body } = await api.patch(path, { changes: [configure('edited', half)] }).expect(200);
    expect(body).toMatchObject({
      status: 'pending',
      version: 2,
      approvals: [{ given: 0 }],
      reviews: [{ current: false }],
    });
    expect(body.contentHash).not.toBe(asked.contentHash);
    await apply(asked).expect(409);
    expect(await codeOf(approve(asked, second), 412)).toBe('precondition_failed');
    await approve(body, second).expect(200);
    await apply(body).expect(200);
    expect((await stateOf('edited')).rollout.percentage).toBe(50);
  });

  it('an edit of what an older one was read is refused', async () => {
    const asked = await draft('versions');
    await api.patch(`${REQUESTS}/${asked.id}`, { title: 'Second' }).set('if-match', '"1"').expect(200);
    await api.patch(`${REQUESTS}/${asked.id}`, { title: 'Third' }).set('if-match', '"1"').expect(412);
  });

  it('one person counts once, however often and at once they approve', async () => {
    await policy('staging', { approvals: 2 }).expect(200);
    await api.feature('twice', { lifecycle: 'draft' });
    const { body: asked } = await ask([configure('twice', QUARTER, 'staging')]).expect(201);
    expect(countStatuses(await atOnce(20, () => approve(asked, second)))).toEqual({ 200: 20 });
    expect(await read(asked)).toMatchObject({ status: 'pending', approvals: [{ required: 2, given: 1 }] });
    expect(countStatuses(await atOnce(20, (n) => approve(asked, n % 2 ? third : second)))).toEqual({ 200: 20 });
    expect(await read(asked)).toMatchObject({ status: 'approved', approvals: [{ given: 2 }] });
  });

  it('of 50 who apply it at once one does', async () => {
    const asked = await draft('raced');
    await approve(asked, second).expect(200);
    expect(countStatuses(await atOnce(50, () => apply(asked)))).toEqual({ 200: 1, 409: 49 });
    expect((await api.get(`${FEATURES}/changes?changeRequestId=${asked.id}`)).body.data).toHaveLength(1);
  });

  it('who is named by the policy may, nobody else', async () => {
    await tenon.db.sql.query('delete from feature_change_policies');
    await policy('production', { approvals: 1, approvers: [third.userId] }).expect(200);
    const asked = await draft('named');
    expect(await codeOf(approve(asked, second), 403)).toBe('permission_denied');
    await approve(asked, third).expect(200);
    await apply(asked).expect(200);
  });

  it('an approval of somebody who is no platform admin any more does not count', async () => {
    const fourth = await signInAnotherAdmin();
    const asked = await draft('demoted');
    await approve(asked, fourth).expect(200);
    await tenon.db.sql.query('update users set platform_role = null where id = $1', [fourth.userId]);
    expect(await codeOf(apply(asked), 409)).toBe('feature_change_needs_approval');
  });

  it('a policy that became stricter is met when it is applied', async () => {
    const asked = await draft('stricter');
    await approve(asked, second).expect(200);
    await tenon.db.sql.query('update feature_change_policies set approvals = 2');
    expect(await codeOf(apply(asked), 409)).toBe('feature_change_needs_approval');
    await approve(asked, third).expect(200);
    await apply(asked).expect(200);
  });

  it('what is rejected is not applied until it is asked for anew', async () => {
    const asked = await draft('rejected');
    const reject = { contentHash: asked.contentHash, comment: 'Too much' };
    await api.post(`${REQUESTS}/${asked.id}/reject`, reject, auth(second)).expect(200);
    expect(await read(asked)).toMatchObject({
      status: 'rejected',
      reviews: [{ verdict: 'rejected', comment: 'Too much' }],
    });
    expect(await codeOf(approve(asked, third), 409)).toBe('feature_change_closed');
    expect(await codeOf(apply(asked), 409)).toBe('feature_change_closed');
    expect((await api.patch(`${REQUESTS}/${asked.id}`, {}).expect(200)).body.status).toBe('pending');
  });

  it('what was changed past Tenon after its approval is not applied', async () => {
    const asked = await draft('forged');
    await approve(asked, second).expect(200);
    await tenon.db.sql.query(
      `update feature_change_requests set changes = replace(changes::text, '25', '100')::jsonb where id = $1`,
      [asked.id],
    );
    expect(await codeOf(apply(asked), 409)).toBe('feature_change_outdated');
  });
});

describe('F12 a base that moves', () => {
  it('makes a request outdated, which then starts anew', async () => {
    await api.feature('moving');
    const { body: asked } = await ask([configure('moving', QUARTER)]).expect(201);
    await api.put(`${FEATURES}/moving/environments/staging`, OFF).expect(200);
    await api.feature('beside');
    expect((await read(asked)).outdatedBy).toEqual([]);
    await api.put(`${FEATURES}/moving/environments/production`, OFF).expect(200);
    expect((await read(asked)).outdatedBy).toMatchObject([
      { kind: 'configuration', feature: 'moving', environment: 'production' },
    ]);
    const { body } = await apply(asked).expect(409);
    expect(body).toMatchObject({
      code: 'feature_change_outdated',
      detail: 'Changed since: configuration moving in production',
    });
    // Somebody switched it off meanwhile: it does not come back by an old request.
    expect((await stateOf('moving')).enabled).toBe(false);
    const { body: anew } = await api.patch(`${REQUESTS}/${asked.id}`, {}).expect(200);
    expect(anew).toMatchObject({ status: 'approved', outdatedBy: [] });
    await apply(anew).expect(200);
  });

  it('is told at once when two requests touch the same flag; the later one follows where it says so', async () => {
    await api.feature('shared');
    const { body: first } = await ask([configure('shared', QUARTER)], { applyAt: soon() }).expect(201);
    const { body: other } = await ask([configure('shared', OFF)], { applyAt: '2099-01-01' }).expect(201);
    expect(other.overlaps).toEqual([
      { id: first.id, title: 'A change', status: 'scheduled', applyAt: first.applyAt, subjects: ['feature:shared'] },
    ]);
    expect((await read(first)).overlaps).toMatchObject([{ id: other.id }]);
    const { body: follower } = await ask([configure('shared', OFF)], { follows: [first.id] }).expect(201);
    await sleep(500);
    await applyDue();
    expect((await read(other)).outdatedBy).toHaveLength(1);
    expect((await read(follower)).outdatedBy).toEqual([]);
    await apply(follower).expect(200);
    expect(await stateOf('shared')).toMatchObject(OFF);
  });
});

describe('F12 schedules', () => {
  it('are made at their time, once, by two instances too', async () => {
    await api.feature('timed');
    const { body } = await ask([configure('timed', QUARTER)], { applyAt: soon() }).expect(201);
    expect(body.status).toBe('scheduled');
    expect(await codeOf(apply(body), 409)).toBe('feature_change_closed');
    await applyDue();
    expect((await read(body)).status).toBe('scheduled');
    await sleep(500);
    await Promise.all([applyDue(), applyDue(), applyDue()]);
    expect(await read(body)).toMatchObject({ status: 'applied', failure: null });
    const { data } = (await api.get(`${FEATURES}/changes?changeRequestId=${body.id}`)).body;
    expect(data).toMatchObject([{ actor: { kind: 'system', id: null } }]);
  });

  it('wait for their approval, which cannot come after their time', async () => {
    await api.feature('late', { lifecycle: 'draft' });
    await policy('production', { approvals: 1 }).expect(200);
    const { body } = await ask([configure('late', QUARTER)], { applyAt: soon() }).expect(201);
    expect(body.status).toBe('pending');
    await sleep(500);
    await applyDue();
    expect((await read(body)).status).toBe('pending');
    expect(await codeOf(approve(body, second), 409)).toBe('feature_change_outdated');
  });

  it('are checked anew: one whose flag was archived fails with the reason, and leaves the others alone', async () => {
    for (const key of ['archived', 'fine', 'needs-it']) await api.feature(key);
    const { body: archived } = await ask([configure('archived', QUARTER)], { applyAt: soon() }).expect(201);
    const needs = { type: 'feature.update', key: 'needs-it', feature: { dependencies: ['archived'] } };
    const { body: unmet } = await ask([needs], { applyAt: soon() }).expect(201);
    const { body: fine } = await ask([configure('fine', QUARTER)], { applyAt: soon() }).expect(201);
    await api.patch(`${FEATURES}/archived`, { lifecycle: 'archived' }).expect(200);
    await sleep(600);
    await applyDue();
    expect(await read(archived)).toMatchObject({
      status: 'failed',
      failure: { code: 'feature_change_outdated', detail: 'Changed since: feature archived' },
    });
    expect((await read(unmet)).status).toBe('failed');
    expect((await read(fine)).status).toBe('applied');
    expect((await stateOf('archived')).version).toBe(0);
    const told = await api.rows<{ outcome: string; reason: string }>(
      `select outcome, reason from audit_log where action = 'feature_change_request.applied' and target_id = $1`,
      archived.id,
    );
    expect(told).toEqual([{ outcome: 'failure', reason: 'feature_change_outdated' }]);
  });

  it('are not made when they were taken back', async () => {
    await api.feature('stopped');
    const { body } = await ask([configure('stopped', OFF)], { applyAt: soon() }).expect(201);
    await api.post(`${REQUESTS}/${body.id}/cancel`, {}).expect(200);
    await sleep(500);
    await applyDue();
    expect((await stateOf('stopped')).enabled).toBe(true);
  });
});
