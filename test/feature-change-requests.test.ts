import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { EntityManager, MikroORM, RequestContext } from '@mikro-orm/postgresql';
import { asSystem } from '../src/database/tenant-context.js';
import { changeRequestExamples } from '../src/features/change-requests/change-requests.examples.js';
import { APPLYING_TASK, readFollowedHashes } from '../src/features/change-requests/change-requests.queries.js';
import { contentHash as hashOf } from '../src/features/change-requests/content-hash.js';
import { EDIT_TYPES } from '../src/features/change-requests/edits.dto.js';
import {
  FeatureChangeRequest,
  FeatureChangeReview,
} from '../src/features/change-requests/feature-change-request.entity.js';
import { createExamples } from '../src/features/definitions/definitions.examples.js';
import { type Schedule, Schedules } from '../src/jobs/schedules.js';
import { newId } from '../src/kernel/ids.js';
import { servedAtOnce, countStatuses, insertPerson, openSession } from './harness/accounts.js';
import { startApp, type TestApp } from './harness/app.js';
import { type Auth, type FeatureAdmin, featureAdmin } from './harness/feature-admin.js';

const openapi = JSON.parse(readFileSync(new URL('../openapi.json', import.meta.url), 'utf8'));
const FEATURES = '/api/v1/features';
const REQUESTS = '/api/v1/feature-changes';
const POLICIES = `${REQUESTS}/policies`;
const OFF = { enabled: false, rules: [] };
const QUARTER = { enabled: true, rules: [], rollout: { by: 'targetingKey', percentage: 25 } };
const HALF = { ...QUARTER, rollout: { by: 'targetingKey', percentage: 50 } };
/** Comes when {@link letPass} says so, however long a test takes until then. */
const LATER = '2098-01-01T00:00:00.000Z';

let tenon: TestApp;
let api: FeatureAdmin;
/** Two more platform admins. */
let second: Auth & { userId: string };
let third: Auth & { userId: string };
/** What the schedule runs. */
let applying: Schedule['run'];
beforeAll(async () => {
  tenon = await startApp();
  api = await featureAdmin(tenon);
  // The next minute may begin in the midst of a test: what is due is made only when one says so.
  const schedule = tenon.app
    .get(Schedules)
    .list()
    .find(({ id }) => id === APPLYING_TASK)!;
  applying = schedule.run;
  schedule.run = async () => undefined;
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
  RequestContext.create(tenon.app.get(MikroORM).em, () => applying(new AbortController().signal, new Date()));

/** Lets the time of a request pass, as if it had been asked for, and approved, long ago. @returns it as it is now. */
async function letPass({ id }: { id: string }) {
  await asSystem(tenon.app.get(EntityManager), async (em) => {
    const request = await em.findOneOrFail(FeatureChangeRequest, { id });
    request.applyAt = new Date(Date.now() - 3_600_000);
    await hashAnew(em, request);
  });
  return read({ id });
}

/** The time is a part of what is asked for: of the request, of its approvals, and of what follows it. */
async function hashAnew(em: EntityManager, request: FeatureChangeRequest): Promise<void> {
  const { id, contentHash: before } = request;
  request.contentHash = hashOf(request, await readFollowedHashes(em, request.follows));
  await em.flush();
  const { contentHash } = request;
  await em.nativeUpdate(FeatureChangeReview, { request: id, contentHash: before }, { contentHash });
  for (const follower of await em.find(FeatureChangeRequest, { follows: { $contains: [id] } }))
    await hashAnew(em, follower);
}

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

  it('keep counting when they ask for nothing any more, so that nobody overwrites what they have not read', async () => {
    await api.post('/api/v1/environments', { key: 'counted' }).expect(201);
    const path = `${POLICIES}/counted`;
    const { headers: read } = await policy('counted', { approvals: 0, reasonRequired: true }).expect(200);
    expect(read.etag).toBe('"1"');
    const { body, headers } = await policy('counted', { approvals: 0, reason: 'A test' }).expect(200);
    expect(body).toMatchObject({ approvals: 0, reasonRequired: false, version: 2 });
    expect(headers.etag).toBe('"2"');
    expect((await api.get(path).expect(200)).body).toEqual(body);
    // It asks for nothing, and so it is nobody's concern.
    await api.feature('counted');
    await api.put(`${FEATURES}/counted/environments/counted`, OFF).expect(200);
    await policy('counted', { approvals: 0, reasonRequired: true, kinds: ['segment'] }, second).expect(200);
    expect(await codeOf(api.put(path, { approvals: 1, reason: 'Mine' }).set('if-match', read.etag!), 412)).toBe(
      'precondition_failed',
    );
    expect((await api.get(path).expect(200)).body).toMatchObject({ kinds: ['segment'], version: 3 });
    // One that asks for something keeps its environment, one that asks for nothing goes with it.
    expect((await api.remove('/api/v1/environments/counted').expect(409)).body).toMatchObject({
      code: 'environment_in_use',
      detail: 'The policy of counted asks for approvals or reasons: let it ask for neither first',
    });
    await policy('counted', { approvals: 0, reason: 'A test' }).expect(200);
    await api.remove('/api/v1/environments/counted').expect(204);
  });

  it.each([{ approvals: 1 }, { approvals: 0, reasonRequired: true }])(
    'that would hold up nothing but themselves are refused: %j',
    async (asked) => {
      const idle = { ...asked, kinds: [] };
      const message = 'A policy that asks for something has to name at least one kind';
      const refusal = (field: string) => [{ field, code: 'kinds_missing', message }];
      expect((await policy('staging', idle).expect(400)).body.errors).toEqual(refusal('kinds'));
      const edit = { type: 'policy.put', environment: 'staging', policy: idle };
      expect((await ask([edit]).expect(400)).body.errors).toEqual(refusal('changes.0.policy.kinds'));
    },
  );

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

  it('that are loosened let go what waited for no more than that', async () => {
    for (const key of ['let-go', 'let-go-staging']) await api.feature(key);
    await policy('production', { approvals: 2 }).expect(200);
    await policy('staging', { approvals: 1 }).expect(200);
    const changes = [configure('let-go', QUARTER)];
    const later = '2099-01-01T00:00:00.000Z';
    const waiting = async (more: object = {}, edits = changes) => (await ask(edits, more).expect(201)).body;
    const halfApproved = await waiting({ applyAt: later });
    await approve(halfApproved, second).expect(200);
    const byHand = await waiting();
    await approve(byHand, second).expect(200);
    const untouched = await waiting({ applyAt: later });
    const late = await waiting({ applyAt: later });
    await approve(late, second).expect(200);
    await letPass(late);
    const elsewhere = await waiting({ applyAt: later }, [configure('let-go-staging', QUARTER, 'staging')]);
    const statuses = async () =>
      Promise.all(
        [halfApproved, byHand, untouched, late, elsewhere].map(async (request) => (await read(request)).status),
      );
    expect(await statuses()).toEqual(['pending', 'pending', 'pending', 'pending', 'pending']);

    const { body: loosens } = await ask([
      { type: 'policy.put', environment: 'production', policy: { approvals: 1 } },
    ]).expect(201);
    for (const who of [second, third]) await approve(loosens, who).expect(200);
    await apply(loosens).expect(200);
    // One whose time has passed is not made by surprise.
    expect(await statuses()).toEqual(['scheduled', 'approved', 'pending', 'pending', 'pending']);
    const { rows } = await tenon.db.sql.query(
      `select target_id as id, before->>'status' as before, after->>'status' as after from audit_log
        where action = 'feature_change_request.settled' and target_id = any($1)`,
      [[halfApproved, byHand, untouched, late, elsewhere].map(({ id }) => id)],
    );
    expect(rows).toHaveLength(2);
    expect(rows).toContainEqual({ id: halfApproved.id, before: 'pending', after: 'scheduled' });
    expect(rows).toContainEqual({ id: byHand.id, before: 'pending', after: 'approved' });
  });

  it('that are loosened let nothing go that is outdated, as nobody could approve it', async () => {
    await api.feature('moved-on');
    await policy('staging', { approvals: 1 }).expect(200);
    const { body: asked } = await ask([configure('moved-on', QUARTER, 'staging')]).expect(201);
    await api.patch(`${FEATURES}/moved-on/environments/staging`, { enabled: false }, auth(api.admin)).expect(200);
    expect((await read(asked)).outdatedBy).toHaveLength(1);
    const { body: loosens } = await ask([{ type: 'policy.put', environment: 'staging', policy: { approvals: 0 } }]);
    await approve(loosens, second).expect(200);
    await apply(loosens).expect(200);
    expect(await read(asked)).toMatchObject({ status: 'pending', approvals: [] });
  });

  it('that are loosened while others ask leave nobody waiting for what no policy asks for', async () => {
    await api.feature('meanwhile');
    const later = '2099-01-01T00:00:00.000Z';
    for (let round = 0; round < 3; round += 1) {
      await policy('staging', { approvals: 1 }).expect(200);
      const { body: loosens } = await ask([{ type: 'policy.put', environment: 'staging', policy: { approvals: 0 } }]);
      await approve(loosens, second).expect(200);
      const asked = Array.from({ length: 6 }, async () => {
        const { body } = await ask([configure('meanwhile', QUARTER, 'staging')], { applyAt: later }).expect(201);
        return body;
      });
      const [, ...requests] = await Promise.all([apply(loosens).expect(200), ...asked]);
      for (const request of requests) expect((await read(request)).status).toBe('scheduled');
    }
  });

  it.each([
    ['set', () => policy('staging', { approvals: 1 }).expect(200)],
    [
      'set by a request',
      async () => {
        const put = { type: 'policy.put', environment: 'staging', policy: { approvals: 1 } };
        await apply((await ask([put]).expect(201)).body).expect(200);
      },
    ],
    [
      'rolled back to',
      async () => {
        const [{ id }] = (await api.get(`${FEATURES}/changes?kind=policy&environment=staging`).expect(200)).body.data;
        await api.post(`${FEATURES}/changes/${id}/rollback`, { to: 'after' }).expect(200);
      },
    ],
  ])('that get stricter hold up again what is not approved enough any more: %s', async (way, tighten) => {
    const key = `stricter-${way.replaceAll(' ', '-')}`;
    await api.feature(key);
    const later = '2099-01-01T00:00:00.000Z';
    const change = async (more: object = {}, environment = 'staging') =>
      (await ask([configure(key, QUARTER, environment)], more).expect(201)).body;
    const byHand = await change();
    const timed = await change({ applyAt: later });
    const agreed = await change({ applyAt: later });
    await approve(agreed, second).expect(200);
    const elsewhere = await change({}, 'production');
    const due = await change({ applyAt: later });
    await letPass(due);
    const all = [byHand, timed, agreed, due, elsewhere];
    const statuses = async () => Promise.all(all.map(async (request) => (await read(request)).status));
    expect(await statuses()).toEqual(['approved', 'scheduled', 'scheduled', 'scheduled', 'approved']);

    await tighten();
    // Of what is due its author hears that it was not made.
    expect(await statuses()).toEqual(['pending', 'pending', 'scheduled', 'scheduled', 'approved']);
    expect(await read(timed)).toMatchObject({ approvals: [{ environment: 'staging', required: 1, given: 0 }] });
    await applyDue();
    expect(await read(due)).toMatchObject({ status: 'failed', failure: { code: 'feature_change_needs_approval' } });
    expect((await approve(timed, second).expect(200)).body.status).toBe('scheduled');
    await approve(byHand, second).expect(200);
    await apply(byHand).expect(200);
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

  it.each([0, 1])('that ask for a reason, and %i approvals, ask whoever asks for a change', async (approvals) => {
    const key = `explained-${approvals}`;
    await api.feature(key);
    await policy('production', { approvals, reasonRequired: true, reason: 'A test' }).expect(200);
    const missing = [{ field: 'reason', code: 'reason_required', message: 'Changes in production have to say why' }];
    for (const applyAt of [null, '2099-01-01'])
      expect((await ask([configure(key, OFF)], { applyAt }).expect(400)).body.errors).toEqual(missing);
    // One that says why by itself has said it, and what another environment does asks for none.
    await ask([configure(key, { ...OFF, reason: 'A pilot' })]).expect(201);
    await ask([configure(key, QUARTER, 'staging')]).expect(201);
    const { body: asked } = await ask([configure(key, QUARTER)], { reason: 'A pilot' }).expect(201);
    await approve(asked, second).expect(200);
    const path = `${REQUESTS}/${asked.id}`;
    expect((await api.patch(path, { reason: null }).expect(400)).body.errors).toEqual(missing);
    // What was refused took no approval away.
    expect((await apply(asked).expect(200)).body).toMatchObject({ status: 'applied', reason: 'A pilot' });
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

  it('is the kill switch of a feature with rules and a roll-out, which stay as they are', async () => {
    const rules = [{ name: 'Pilot', when: [{ attribute: 'plan', operator: 'in', values: ['gold'] }], value: true }];
    const whole = { enabled: true, rules, rollout: { by: 'targetingKey', percentage: 25 } };
    await tenon.db.sql.query('delete from feature_change_policies');
    const path = `${await api.feature('killed')}/environments/production`;
    await api.put(path, whole).expect(200);
    await policy('production', { approvals: 1, reasonRequired: true }).expect(200);
    const { body: refusal } = await api.put(path, { enabled: false, reason: 'Fire' }).expect(409);
    expect(refusal.detail).toContain(`PATCH ${path} with {"enabled": false}`);
    // It waits for nobody, and still says why.
    expect((await api.patch(path, { enabled: false }).expect(400)).body.errors[0].code).toBe('reason_required');
    const { body, headers } = await api.patch(path, { enabled: false, reason: 'Fire' }).expect(200);
    expect(body).toMatchObject({ ...whole, enabled: false, version: 2 });
    expect(headers.etag).toBe('"2"');
    expect((await api.get(`${FEATURES}/killed/changes`)).body.data[0]).toMatchObject({
      kind: 'configuration',
      reason: 'Fire',
      differences: [{ path: 'enabled', before: true, after: false }],
    });
    expect((await api.changesOf('feature.configured', 'killed')).at(-1)).toEqual({
      before: { environment: 'production', enabled: true },
      after: { environment: 'production', enabled: false },
    });
    // Once more changes nothing.
    expect((await api.patch(path, { enabled: false }).expect(200)).body.version).toBe(2);
    // On again is a change like any other.
    const back = { enabled: true, reason: 'Out' };
    expect(await codeOf(api.patch(path, back), 409)).toBe('feature_change_needs_approval');
    const { reason } = back;
    const edit = { type: 'feature.switch', key: 'killed', environment: 'production', enabled: true };
    const { body: asked } = await ask([edit], { reason }).expect(201);
    await approve(asked, second).expect(200);
    await apply(asked).expect(200);
    expect(await stateOf('killed')).toMatchObject({ ...whole, version: 3 });
  });

  it('never is more than the switch: what it could carry is refused', async () => {
    const path = `${await api.feature('alone', { lifecycle: 'draft' })}/environments/production`;
    for (const body of [{}, { enabled: 'false' }, { enabled: false, rules: [] }, { enabled: false, rollout: null }, []])
      await api.patch(path, body).expect(400);
    await api.patch(path, { enabled: false }).set('if-match', '"1"').expect(412);
    await api.patch(path, { enabled: false }).set('if-match', '"0"').expect(200);
    await api.patch(`${FEATURES}/nothing/environments/production`, { enabled: false }).expect(404);
    await api.patch(`${FEATURES}/alone/environments/nowhere`, { enabled: false }).expect(404);
    await api.patch(path, { enabled: true }, auth(api.person.auth as Auth)).expect(403);
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
    expect((await apply(body).expect(409)).body).toMatchObject({
      code: 'feature_change_needs_approval',
      detail: 'It waits for approvals: production has 0 of 1',
    });
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
    expect((await apply(body).expect(409)).body).toMatchObject({
      code: 'feature_change_applied',
      detail: `It was applied at ${applied.appliedAt}`,
    });
    expect(await codeOf(api.post(`${REQUESTS}/${body.id}/cancel`, {}), 409)).toBe('feature_change_applied');
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
    const { body: known } = await ask([configure('sound', OFF)]).expect(201);
    const unknown = newId();
    const follower = await ask([configure('sound', HALF)], { follows: [known.id, unknown] }).expect(400);
    expect(follower.body.errors).toEqual([
      { field: 'follows.1', code: 'change_request_unknown', message: `There is no change request "${unknown}"` },
    ]);
  });

  it('name the place in the request of what is not there, or does not fit', async () => {
    const path = await api.feature('placed');
    const fits = { type: 'feature.update', key: 'placed', feature: { description: 'x' } };
    const rule = { name: 'x', when: [], value: 'text' };
    const nobodys = newId();
    for (const [edit, field, message] of [
      [configure('nothing', OFF), 'key', 'There is no feature "nothing"'],
      [configure('placed', OFF, 'mars'), 'environment', 'There is no environment "mars"'],
      [
        { type: 'feature.switch', key: 'nothing', environment: 'production', enabled: false },
        'key',
        'There is no feature "nothing"',
      ],
      [{ type: 'feature.delete', key: 'nothing' }, 'key', 'There is no feature "nothing"'],
      [{ type: 'segment.update', key: 'nothing', segment: { name: 'x' } }, 'key', 'There is no segment "nothing"'],
      [{ type: 'segment.delete', key: 'nothing' }, 'key', 'There is no segment "nothing"'],
      [
        { type: 'policy.put', environment: 'mars', policy: { approvals: 0 } },
        'environment',
        'There is no environment "mars"',
      ],
      [{ type: 'change.rollback', id: nobodys }, 'id', `There is no change "${nobodys}" in the change log`],
      [configure('placed', { enabled: true, rules: [rule] }), 'configuration.rules.0.value', expect.any(String)],
      [
        { type: 'features.import', import: { format: 'tenon', document: {} } },
        'import.document.format',
        expect.any(String),
      ],
    ] as const) {
      const { body } = await ask([fits, edit]).expect(400);
      expect(body.code).toBe('validation_failed');
      expect(body.errors[0]).toMatchObject({ field: `changes.1.${field}`, message });
    }
    await api.remove(path).expect(204);
  });

  it('P3: the examples of Swagger UI can be sent as they are, after those of features and segments', async () => {
    for (const { value } of Object.values(createExamples)) await api.post(FEATURES, value).expect(201);
    const when = [{ attribute: 'email', operator: 'ends_with', values: ['@example.com'] }];
    await api.post('/api/v1/segments', { key: 'beta-testers', when }).expect(201);
    for (const [type, { value }] of Object.entries(changeRequestExamples))
      if (type === 'change.rollback')
        expect((await api.post(REQUESTS, value).expect(400)).body.errors[0].field).toBe('changes.0.id');
      else expect((await api.post(REQUESTS, value).expect(201)).body.changes[0].type).toBe(type);
    expect(Object.keys(changeRequestExamples).toSorted()).toEqual(EDIT_TYPES.toSorted());
    const values = openapi.components.schemas.CreateTemplateRequest.properties.values.example;
    await api.post('/api/v1/feature-templates', { key: 'pilot', name: 'Pilot', values }).expect(201);
  });

  it('P3: each edit has a schema with a type of its own', () => {
    const { discriminator } = openapi.components.schemas.CreateChangeRequest.properties.changes.items;
    const schemas: Record<string, { properties: { type: object } }> = openapi.components.schemas;
    for (const type of EDIT_TYPES)
      expect(schemas[discriminator.mapping[type].split('/').at(-1)!]!.properties.type).toMatchObject({ enum: [type] });
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
      expect(await codeOf(api.post(`${REQUESTS}/${body.id}/${path}`, {}), 409)).toBe('feature_change_cancelled');
    expect(await codeOf(api.patch(`${REQUESTS}/${body.id}`, {}), 409)).toBe('feature_change_cancelled');
    expect(await codeOf(approve(body, second), 409)).toBe('feature_change_cancelled');
  });
});

describe('F12 imports under a policy', () => {
  const document = (percentage: number) => ({
    format: 'tenon',
    formatVersion: 1,
    environments: [{ key: 'production' }],
    features: [
      {
        definition: { key: 'imported', name: 'Imported', type: 'boolean', defaultValue: false },
        configurations: [
          { environment: 'production', enabled: true, rules: [], rollout: { by: 'targetingKey', percentage } },
        ],
      },
    ],
  });

  it('are announced by the dry run, asked for, approved and applied as a whole', async () => {
    const run = (dryRun: boolean, reason?: string) =>
      api.post(`${FEATURES}/import?dryRun=${dryRun}`, { format: 'tenon', document: document(25), reason });
    expect((await run(true).expect(200)).body.policies).toEqual([]);
    await policy('production', { approvals: 1 }).expect(200);
    await policy('staging', { approvals: 0, reasonRequired: true, kinds: ['feature'] }).expect(200);
    const tried = (await run(true).expect(200)).body;
    expect(tried.policies).toEqual([
      { environment: 'production', approvals: 1, reasonRequired: false },
      { environment: 'staging', approvals: 0, reasonRequired: true },
    ]);
    expect(tried.refused).toEqual([
      { path: 'reason', code: 'reason_required', message: 'Changes in staging have to say why' },
    ]);
    expect(await run(true, 'A test').expect(200)).toMatchObject({ body: { refused: [] } });
    await policy('staging', { approvals: 0, reason: 'A test' }).expect(200);
    expect(await codeOf(run(false), 409)).toBe('feature_change_needs_approval');
    const edit = { type: 'features.import', import: { format: 'tenon', document: document(25) } };
    const { body: asked } = await ask([edit]).expect(201);
    expect(asked).toMatchObject({ status: 'pending', subjects: ['feature:imported'] });
    await approve(asked, second).expect(200);
    expect((await apply(asked).expect(200)).body.status).toBe('applied');
    expect(await stateOf('imported')).toMatchObject(QUARTER);
    expect(await codeOf(apply(asked), 409)).toBe('feature_change_applied');
    expect((await ask([edit]).expect(400)).body.errors[0].code).toBe('nothing_changes');
  });

  it('tell approvers what they do not take over, as the dry run does', async () => {
    await api.feature('switched');
    await policy('production', { approvals: 1 }).expect(200);
    const [entry] = document(25).features;
    const importing = (definition: object) => ({
      format: 'tenon',
      document: { ...document(25), features: [{ ...entry!, definition: { ...entry!.definition, ...definition } }] },
    });
    const [known, unknown] = [{ key: 'partly' }, { key: 'partly', plans: { gold: true }, conflicts: ['nobody'] }];
    const { notCarriedOver } = (await api.post(`${FEATURES}/import?dryRun=true`, importing(unknown)).expect(200)).body;
    expect(notCarriedOver).toHaveLength(2);
    const switching = configure('switched', OFF);
    const { body } = await ask([switching, { type: 'features.import', import: importing(unknown) }]).expect(201);
    const inRequest = notCarriedOver.map(({ path, ...left }: { path: string }) => ({
      path: `changes.1.import.${path}`,
      ...left,
    }));
    expect(body.notCarriedOver).toEqual(inRequest);
    expect((await read(body)).notCarriedOver).toEqual(inRequest);
    const edit = { changes: [{ type: 'features.import', import: importing(known) }] };
    const changed = await api.patch(`${REQUESTS}/${body.id}`, edit).expect(200);
    expect(changed.body.notCarriedOver).toEqual([]);
  });

  it('are refused where the import would be, and carry nothing else', async () => {
    const wrong = document(200);
    for (const body of [{ format: 'tenon', document: wrong }, { format: 'other', document: {} }, {}, null])
      await ask([{ type: 'features.import', import: body }]).expect(400);
    const more = { format: 'tenon', document: document(1), reason: 'x' };
    await ask([{ type: 'features.import', import: more }]).expect(400);
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
    const { body } = await api.patch(path, { changes: [configure('edited', HALF)] }).expect(200);
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

  it.each([
    ['its title', { title: 'Half of the people' }],
    ['its reason', { reason: 'Another one' }],
    ['nothing of it', {}],
  ])('an edit of %s resets what was approved, too', async (what, change) => {
    const asked = await draft(`edited-${what.split(' ').at(-1)}`);
    await approve(asked, second).expect(200);
    const path = `${REQUESTS}/${asked.id}`;
    const { body } = await api.patch(path, change).expect(200);
    expect(body).toMatchObject({ status: 'pending', approvals: [{ given: 0 }], reviews: [{ current: false }] });
    expect(await codeOf(approve(asked, second), 412)).toBe('precondition_failed');
    // Nor does what was said of the old text count when it is there again.
    const { body: back } = await api.patch(path, { title: asked.title, reason: asked.reason }).expect(200);
    expect(back).toMatchObject({ status: 'pending', approvals: [{ given: 0 }] });
    await approve(back, second).expect(200);
    await apply(back).expect(200);
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
    expect(countStatuses(await servedAtOnce(20, () => approve(asked, second)))).toEqual({ 200: 20 });
    expect(await read(asked)).toMatchObject({ status: 'pending', approvals: [{ required: 2, given: 1 }] });
    expect(countStatuses(await servedAtOnce(20, (n) => approve(asked, n % 2 ? third : second)))).toEqual({ 200: 20 });
    expect(await read(asked)).toMatchObject({ status: 'approved', approvals: [{ given: 2 }] });
  });

  it('of 50 who apply it at once one does', async () => {
    const asked = await draft('raced');
    await approve(asked, second).expect(200);
    expect(countStatuses(await servedAtOnce(50, () => apply(asked)))).toEqual({ 200: 1, 409: 49 });
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
    expect(await codeOf(approve(asked, third), 409)).toBe('feature_change_rejected');
    expect((await apply(asked).expect(409)).body).toMatchObject({
      code: 'feature_change_rejected',
      detail: 'It was rejected; reviews say by whom and why. Its author can ask for it anew by PATCH, also with {}',
    });
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
      detail:
        'Changed since: configuration moving in production (was added). Its author can ask for it anew by PATCH, also with {}',
    });
    // Somebody switched it off meanwhile: it does not come back by an old request.
    expect((await stateOf('moving')).enabled).toBe(false);
    const { body: anew } = await api.patch(`${REQUESTS}/${asked.id}`, {}).expect(200);
    expect(anew).toMatchObject({ status: 'approved', outdatedBy: [] });
    await apply(anew).expect(200);
  });

  it('is not approved any more, until its author starts it from now', async () => {
    await api.feature('approvable');
    await policy('production', { approvals: 1 }).expect(200);
    const { body: asked } = await ask([configure('approvable', QUARTER)]).expect(201);
    const { body: follower } = await ask([configure('approvable', HALF)], { follows: [asked.id] }).expect(201);
    await api.patch(`${FEATURES}/approvable/environments/production`, { enabled: false }).expect(200);
    expect((await approve(asked, second).expect(409)).body).toMatchObject({
      code: 'feature_change_outdated',
      detail:
        'Changed since: configuration approvable in production (was added). Its author can ask for it anew by PATCH, also with {}',
    });
    expect(await read(asked)).toMatchObject({
      status: 'pending',
      approvals: [{ given: 0 }],
      reviews: [],
      outdatedBy: [{ feature: 'approvable', environment: 'production', differences: [{ text: 'was added' }] }],
    });
    const { body: anew } = await api.patch(`${REQUESTS}/${asked.id}`, {}).expect(200);
    await approve(anew, second).expect(200);
    await apply(anew).expect(200);
    // What it follows was edited, and so it is not what its author asked for, either.
    expect((await approve(follower, second).expect(409)).body).toMatchObject({
      code: 'feature_change_outdated',
      detail: expect.stringContaining('It, or what it follows, is not any more what it was'),
    });
    const reject = { contentHash: follower.contentHash };
    await api.post(`${REQUESTS}/${follower.id}/reject`, reject, auth(second)).expect(200);
  });

  it('does not move by the conflicts of a draft, which anybody makes alone', async () => {
    for (const key of ['agreed', 'listing', 'rival']) await api.feature(key, { defaultValue: false });
    const asked = async (key: string, feature: object) => {
      const { body } = await ask([{ type: 'feature.update', key, feature }]).expect(201);
      await approve(body, second).expect(200);
      return body;
    };
    const conflictsOf = async (key: string) => (await api.get(`${FEATURES}/${key}`).expect(200)).body.conflicts;
    await policy('production', { approvals: 1 }).expect(200);
    const requests = [
      await asked('agreed', { description: 'Agreed' }),
      await asked('listing', { conflicts: ['rival'] }),
    ];
    const sketch = await api.feature('sketch', { lifecycle: 'draft', conflicts: ['agreed', 'listing'] });
    for (const request of requests) {
      expect((await read(request)).outdatedBy).toEqual([]);
      await apply(request).expect(200);
    }
    expect(await conflictsOf('agreed')).toEqual(['sketch']);
    // It says which there are.
    expect(await conflictsOf('listing')).toEqual(['rival']);
    const again = await asked('agreed', { description: 'Agreed again' });
    await api.remove(sketch).expect(204);
    await apply(again).expect(200);
    expect(await conflictsOf('agreed')).toEqual([]);

    const late = await asked('agreed', { description: 'Too late' });
    const active = { key: 'active', name: 'Active', type: 'boolean', defaultValue: false, conflicts: ['agreed'] };
    const { body: making } = await ask([{ type: 'feature.create', feature: active }]).expect(201);
    await approve(making, second).expect(200);
    await apply(making).expect(200);
    expect((await read(late)).outdatedBy).toMatchObject([{ kind: 'feature', feature: 'agreed' }]);
    expect(await codeOf(apply(late), 409)).toBe('feature_change_outdated');
  });

  it('is told at once when two requests touch the same flag; the later one follows where it says so', async () => {
    await api.feature('shared');
    const { body: first } = await ask([configure('shared', QUARTER)], { applyAt: LATER }).expect(201);
    const { body: other } = await ask([configure('shared', OFF)], { applyAt: '2099-01-01' }).expect(201);
    expect(other.overlaps).toEqual([
      { id: first.id, title: 'A change', status: 'scheduled', applyAt: first.applyAt, subjects: ['feature:shared'] },
    ]);
    expect((await read(first)).overlaps).toMatchObject([{ id: other.id }]);
    for (const request of [first, other]) await approve(request, second).expect(200);
    // Nobody has agreed to a third one, which has no time either, and so it warns nobody.
    await policy('production', { approvals: 1 }).expect(200);
    const { body: waiting } = await ask([configure('shared', QUARTER)]).expect(201);
    expect(waiting.overlaps.map(({ id }: { id: string }) => id)).toEqual([first.id, other.id]);
    expect((await read(first)).overlaps).toMatchObject([{ id: other.id }]);
    await approve(waiting, second).expect(200);
    expect((await read(first)).overlaps).toMatchObject([{ id: other.id }, { id: waiting.id }]);
    await tenon.db.sql.query('delete from feature_change_policies');
    const { body: follower } = await ask([configure('shared', OFF)], { follows: [first.id] }).expect(201);
    await letPass(first);
    await applyDue();
    expect((await read(other)).outdatedBy).toHaveLength(1);
    expect((await read(follower)).outdatedBy).toEqual([]);
    await apply(follower).expect(200);
    expect(await stateOf('shared')).toMatchObject(OFF);
  });
});

describe('F12 requests with a time', () => {
  it('tell each other of the same flag while they wait for approvals, until their time has passed', async () => {
    await api.feature('booked');
    await policy('production', { approvals: 1 }).expect(200);
    const [morning, evening] = ['2099-01-01T09:00:00.000Z', '2099-01-01T18:00:00.000Z'];
    const { body: first } = await ask([configure('booked', QUARTER)], { applyAt: morning }).expect(201);
    expect(first).toMatchObject({ status: 'pending', overlaps: [] });
    const { body: other } = await ask([configure('booked', HALF)], { applyAt: evening }).expect(201);
    expect(other.overlaps).toEqual([
      { id: first.id, title: 'A change', status: 'pending', applyAt: morning, subjects: ['feature:booked'] },
    ]);
    const { body: passing } = await ask([configure('booked', HALF)], { applyAt: evening }).expect(201);
    const seen = async () => (await read(first)).overlaps.map(({ id }: { id: string }) => id);
    expect(await seen()).toEqual([other.id, passing.id]);
    await letPass(passing);
    expect(await seen()).toEqual([other.id]);

    const path = `${REQUESTS}/${passing.id}`;
    expect((await api.patch(path, { applyAt: null }).expect(200)).body.overlaps).toHaveLength(2);
    expect(await seen()).toEqual([other.id]);
    await api.patch(path, { applyAt: evening }).expect(200);
    expect(await seen()).toEqual([other.id, passing.id]);
    await api.post(`${path}/cancel`, {}).expect(200);
    expect(await seen()).toEqual([other.id]);
  });
});

describe('F12 a request that follows another', () => {
  const update = (key: string, feature: object) => ({ type: 'feature.update', key, feature });
  beforeEach(() => policy('production', { approvals: 1 }).expect(200));

  it('is tried after it: what is a draft only until then has to be approved', async () => {
    await api.feature('budding', { lifecycle: 'draft', defaultValue: false });
    const { body: opens } = await ask([update('budding', { lifecycle: 'active' })]).expect(201);
    const { body: rides } = await ask([update('budding', { defaultValue: true })], { follows: [opens.id] }).expect(201);
    expect(rides).toMatchObject({
      status: 'pending',
      approvals: [{ environment: 'production', required: 1, given: 0 }],
    });
    await approve(opens, second).expect(200);
    await apply(opens).expect(200);
    expect(await codeOf(apply(rides), 409)).toBe('feature_change_needs_approval');
    expect((await api.get(`${FEATURES}/budding`)).body.defaultValue).toBe(false);
    await approve(await read(rides), second).expect(200);
    await apply(rides).expect(200);
    expect((await api.get(`${FEATURES}/budding`)).body.defaultValue).toBe(true);
  });

  it('cannot take away a policy that the other sets, planted before there was one', async () => {
    const put = (rules: object) => ({ type: 'policy.put', environment: 'staging', policy: rules });
    const { body: sets } = await ask([put({ approvals: 1 })]).expect(201);
    const { body: loosens } = await ask([put({ approvals: 0 })], { follows: [sets.id] }).expect(201);
    await apply(sets).expect(200);
    expect((await read(loosens)).status).toBe('pending');
    await apply(loosens).expect(409);
    expect((await api.get(`${POLICIES}/staging`)).body.approvals).toBe(1);
  });

  it('is outdated by an edit of the other after its approval', async () => {
    await api.feature('swapped', { lifecycle: 'draft', defaultValue: false });
    const { body: harmless } = await ask([update('swapped', { name: 'Harmless' })]).expect(201);
    const { body: opens } = await ask([update('swapped', { lifecycle: 'active' })], { follows: [harmless.id] }).expect(
      201,
    );
    await approve(opens, second).expect(200);
    const smuggled = { changes: [update('swapped', { name: 'Smuggled', defaultValue: true })] };
    await api.patch(`${REQUESTS}/${harmless.id}`, smuggled).expect(200);
    await apply(harmless).expect(200);
    expect(await codeOf(apply(opens), 409)).toBe('feature_change_outdated');
    expect((await api.get(`${FEATURES}/swapped`)).body.lifecycle).toBe('draft');
    // Asked for anew it shows what it would really make active.
    const { body: anew } = await api.patch(`${REQUESTS}/${opens.id}`, {}).expect(200);
    expect(anew).toMatchObject({ status: 'pending', effects: [{ after: { defaultValue: true, name: 'Smuggled' } }] });
  });

  it('is never its own', async () => {
    const { body: alone } = await ask([update('budding', { name: 'Alone' })]).expect(201);
    const { errors } = (await api.patch(`${REQUESTS}/${alone.id}`, { follows: [alone.id] }).expect(400)).body;
    expect(errors).toMatchObject([{ field: 'follows', code: 'follows_itself' }]);
  });

  it('is outdated where the other was taken back, and refused where that cannot be made', async () => {
    await api.feature('led', { lifecycle: 'draft' });
    const { body: opened } = await ask([update('led', { lifecycle: 'active' })]).expect(201);
    await approve(opened, second).expect(200);
    await apply(opened).expect(200);
    const { body: first } = await ask([configure('led', QUARTER)]).expect(201);
    const { body: last } = await ask([configure('led', OFF)], { follows: [first.id] }).expect(201);
    await approve(last, second).expect(200);
    await api.post(`${REQUESTS}/${first.id}/cancel`, {}).expect(200);
    expect((await apply(last).expect(409)).body).toMatchObject({
      code: 'feature_change_outdated',
      detail: 'It would not have the effects any more that were approved: configuration led in production',
    });
    const { body: gone } = await ask([update('led', { name: 'Led' })]).expect(201);
    await tenon.db.sql.query(
      `update feature_change_requests set changes = replace(changes::text, '"led"', '"lost"')::jsonb where id = $1`,
      [gone.id],
    );
    const { errors } = (await ask([configure('led', OFF)], { follows: [gone.id] }).expect(400)).body;
    expect(errors).toMatchObject([{ field: 'follows', code: 'change_not_possible' }]);
  });
});

describe('F12 what gets around a policy', () => {
  it('is no removal of what is off, to make it anew: it asks those who ask of configurations', async () => {
    await api.feature('remade');
    await policy('production', { approvals: 1, kinds: ['configuration'] }).expect(200);
    await api.patch(`${FEATURES}/remade/environments/production`, { enabled: false }).expect(200);
    expect(await codeOf(api.remove(`${FEATURES}/remade`), 409)).toBe('feature_change_needs_approval');
  });

  it('is no draft that gets its rules while it is one: what it is in an environment waits, and says why', async () => {
    await api.feature('sketched');
    await policy('production', { approvals: 1, kinds: ['configuration'], reasonRequired: true }).expect(200);
    const draft = (lifecycle: string) => api.patch(`${FEATURES}/sketched`, { lifecycle }).expect(200);
    const path = `${FEATURES}/sketched/environments/production`;
    await draft('draft');
    expect((await api.put(path, QUARTER).expect(400)).body.errors[0].code).toBe('reason_required');
    expect(await codeOf(api.put(path, { ...QUARTER, reason: 'A test' }), 409)).toBe('feature_change_needs_approval');
    await draft('active');
    expect((await stateOf('sketched')).version).toBe(0);
    expect(openapi.paths[`${POLICIES}/{environment}`].put.description).toContain(
      'draft is in an environment does wait, and says why',
    );
  });

  it('is no edit of what was rejected: the approvals before it count no more', async () => {
    await api.feature('revived');
    await policy('production', { approvals: 1 }).expect(200);
    const { body: asked } = await ask([configure('revived', QUARTER)]).expect(201);
    await approve(asked, second).expect(200);
    await api.post(`${REQUESTS}/${asked.id}/reject`, { contentHash: asked.contentHash }, auth(third)).expect(200);
    expect((await api.patch(`${REQUESTS}/${asked.id}`, {}).expect(200)).body.status).toBe('pending');
    await apply(asked).expect(409);
  });
});

describe('F12 large requests', () => {
  it('are refused where before and after of all are more than a megabyte; a list shows none of it', async () => {
    await api.feature('large', { lifecycle: 'draft', type: 'json', defaultValue: { text: 'x'.repeat(9_000) } });
    const edits = (count: number) =>
      Array.from({ length: count }, (_, at) => ({
        type: 'feature.update',
        key: 'large',
        feature: { description: `${at}` },
      }));
    await ask(edits(2)).expect(201);
    const { errors } = (await ask(edits(100)).expect(400)).body;
    expect(errors).toMatchObject([{ field: 'changes', code: 'changes_too_large' }]);
    const { data } = (await api.get(`${REQUESTS}?feature=large`).expect(200)).body;
    expect(data).toHaveLength(1);
    expect(JSON.stringify(data)).not.toContain('xxx');
  });
});

describe('F12 schedules', () => {
  it('are made at their time, once, by two instances too', async () => {
    await api.feature('timed');
    const { body } = await ask([configure('timed', QUARTER)], { applyAt: LATER }).expect(201);
    expect(body.status).toBe('scheduled');
    expect((await apply(body).expect(409)).body).toMatchObject({
      code: 'feature_change_scheduled',
      detail: `It is made at ${body.applyAt}; its author can take the time away by PATCH with {"applyAt": null}`,
    });
    await applyDue();
    expect((await read(body)).status).toBe('scheduled');
    await letPass(body);
    await Promise.all([applyDue(), applyDue(), applyDue()]);
    expect(await read(body)).toMatchObject({ status: 'applied', failure: null });
    const { data } = (await api.get(`${FEATURES}/changes?changeRequestId=${body.id}`)).body;
    expect(data).toMatchObject([{ actor: { kind: 'system', id: null } }]);
  });

  it('wait for their approval, which cannot come after their time', async () => {
    await api.feature('late', { lifecycle: 'draft' });
    await policy('production', { approvals: 1 }).expect(200);
    const { body } = await ask([configure('late', QUARTER)], { applyAt: LATER }).expect(201);
    expect(body.status).toBe('pending');
    const late = await letPass(body);
    await applyDue();
    expect((await read(body)).status).toBe('pending');
    expect(await codeOf(approve(late, second), 409)).toBe('feature_change_outdated');
  });

  it('say that they are held up while the task that makes them is paused, and so do the task and the health check', async () => {
    const tasks = '/api/v1/admin/cleanup/scheduled-tasks';
    const taskOf = async () =>
      (await api.get(tasks).expect(200)).body.find(({ id }: { id: string }) => id === 'feature-changes-apply');
    const paused = async () =>
      (await api.post('/api/v1/admin/cleanup/health-check', {}).expect(200)).body.checks.find(
        ({ name }: { name: string }) => name === 'paused',
      );
    const pause = (enabled: boolean | null) => api.patch(`${tasks}/feature-changes-apply`, { enabled }).expect(200);
    await tenon.db.sql.query(`update feature_change_requests set status = 'cancelled' where status = 'scheduled'`);
    await pause(false);
    // Nobody waits for it.
    expect(await taskOf()).toMatchObject({ enabled: false, heldUp: 0 });
    expect((await paused()).status).toBe('ok');
    await api.feature('held-up');
    const { body } = await ask([configure('held-up', QUARTER)], { applyAt: '2099-01-01' }).expect(201);
    expect(body).toMatchObject({ status: 'scheduled', heldUpBy: 'feature-changes-apply' });
    const { body: byHand } = await ask([configure('held-up', OFF)]).expect(201);
    expect(byHand.heldUpBy).toBeNull();
    expect((await taskOf()).heldUp).toBe(1);
    expect(await paused()).toEqual({
      name: 'paused',
      status: 'warning',
      detail: 'feature-changes-apply, with 1 waiting for it',
    });
    await pause(null);
    expect((await read(body)).heldUpBy).toBeNull();
    expect(await taskOf()).toMatchObject({ enabled: true, heldUp: 0 });
    expect((await paused()).status).toBe('ok');
  });

  it('are checked anew: one whose flag was archived fails with the reason, and leaves the others alone', async () => {
    for (const key of ['archived', 'fine', 'needs-it']) await api.feature(key);
    const { body: archived } = await ask([configure('archived', QUARTER)], { applyAt: LATER }).expect(201);
    const needs = { type: 'feature.update', key: 'needs-it', feature: { dependencies: ['archived'] } };
    const { body: unmet } = await ask([needs], { applyAt: LATER }).expect(201);
    const { body: fine } = await ask([configure('fine', QUARTER)], { applyAt: LATER }).expect(201);
    await api.patch(`${FEATURES}/archived`, { lifecycle: 'archived' }).expect(200);
    const [archiving] = (await api.get(`${FEATURES}/archived/changes`).expect(200)).body.data;
    for (const request of [archived, unmet, fine]) await letPass(request);
    await applyDue();
    expect(await read(archived)).toMatchObject({
      status: 'failed',
      failure: { code: 'feature_change_outdated', detail: 'Changed since: feature archived (lifecycle)' },
      // Which change it was, and what it changed, stays readable.
      outdatedBy: [{ id: archiving.id, kind: 'feature', feature: 'archived', differences: [{ path: 'lifecycle' }] }],
    });
    expect((await apply(archived).expect(409)).body).toMatchObject({
      code: 'feature_change_failed',
      detail:
        'It could not be made at its time: Changed since: feature archived (lifecycle). Its time has passed: its author can ask for it anew by PATCH with another `applyAt`, or with {"applyAt": null}',
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

  it.each([
    ['failed', 'feature_change_failed'],
    ['rejected', 'feature_change_rejected'],
    ['outdated', 'feature_change_outdated'],
  ])('say, once their time has passed and they are %s, that they need another one', async (state, code) => {
    const key = `overdue-${state}`;
    await api.feature(key);
    await policy('production', { approvals: 1 }).expect(200);
    const { body } = await ask([configure(key, QUARTER)], { applyAt: LATER }).expect(201);
    if (state === 'failed') await approve(body, second).expect(200);
    if (state === 'rejected')
      await api.post(`${REQUESTS}/${body.id}/reject`, { contentHash: body.contentHash }, auth(second)).expect(200);
    else await api.patch(`${FEATURES}/${key}/environments/production`, { enabled: false }).expect(200);
    const overdue = await letPass(body);
    await applyDue();
    for (const refused of [apply(overdue), approve(overdue, second)])
      expect((await refused.expect(409)).body).toMatchObject({
        code,
        detail: expect.stringContaining('PATCH with another `applyAt`, or with {"applyAt": null}'),
      });
    const path = `${REQUESTS}/${body.id}`;
    expect((await api.patch(path, {}).expect(400)).body.errors).toEqual([
      {
        field: 'applyAt',
        code: 'time_not_in_future',
        message: 'The time has to be in the future; null is for no time',
      },
    ]);
    expect((await api.patch(path, { applyAt: null }).expect(200)).body).toMatchObject({
      status: 'pending',
      failure: null,
    });
  });

  it('are not made when they were taken back', async () => {
    await api.feature('stopped');
    const { body } = await ask([configure('stopped', OFF)], { applyAt: LATER }).expect(201);
    await api.post(`${REQUESTS}/${body.id}/cancel`, {}).expect(200);
    await letPass(body);
    await applyDue();
    expect((await stateOf('stopped')).enabled).toBe(true);
  });
});

describe('F12 mails', () => {
  /** What people were written of a request, by their ids; delivered, so that what is told twice has shown itself. */
  async function mailsOf(id: string, template: string): Promise<{ to: string; text: string; html: string }[]> {
    const list = async () =>
      (await api.get(`/api/v1/admin/mails?template=${template}&limit=200`).expect(200)).body.data;
    await expect
      .poll(async () => (await list()).some(({ status }: { status: string }) => status === 'pending'))
      .toBe(false);
    const people = await api.rows<{ id: string; email: string }>(`select id, email from users`);
    return (await list())
      .filter(({ status, text }: { status: string; text: string }) => status === 'kept' && text.includes(id))
      .map(({ to, text, html }: { to: string; text: string; html: string }) => ({
        to: people.find(({ email }) => email === to)!.id,
        text,
        html,
      }))
      .toSorted((a: { to: string }, b: { to: string }) => a.to.localeCompare(b.to));
  }
  const asked = async (id: string): Promise<string[]> =>
    (await mailsOf(id, 'change-request-waits')).map(({ to }) => to);

  it('ask those who may approve, and not the author, once for each content', async () => {
    await api.feature('asking');
    await policy('production', { approvals: 1, approvers: [second.userId] }).expect(200);
    await policy('staging', { approvals: 1 }).expect(200);
    const changes = [configure('asking', QUARTER), configure('asking', QUARTER, 'staging')];
    const title = '<b>A quarter</b> evil.example';
    const { body } = await ask(changes, { title, applyAt: '2099-01-01T00:00:00Z' }).expect(201);
    const mails = await mailsOf(body.id, 'change-request-waits');
    const admins = await api.rows<{ id: string }>(
      `select id from users where platform_role = 'admin' and status = 'active' and id <> $1 order by id::text`,
      body.author.id,
    );
    expect(mails.map(({ to }) => to)).toEqual(admins.map(({ id }) => id));
    const ofSecond = mails.find(({ to }) => to === second.userId)!;
    expect(ofSecond.text).toContain('Where you may approve it: production, staging');
    expect(ofSecond.text).toContain('It is to be made on 2099-01-01 00:00 UTC');
    expect(ofSecond.html).not.toContain('<b>');
    const ofThird = mails.find(({ to }) => to === third.userId)!;
    expect(ofThird.text).toContain('Where you may approve it: staging\n');

    // Another title is another content: all are asked again.
    await api.patch(`${REQUESTS}/${body.id}`, { title: 'A quarter' }).expect(200);
    const twice = admins.flatMap(({ id }) => [id, id]);
    expect(await asked(body.id)).toEqual(twice.toSorted());
    await api.patch(`${REQUESTS}/${body.id}`, { changes: [changes[0]!] }).expect(200);
    expect(await asked(body.id)).toEqual([...twice, second.userId].toSorted());
  });

  it('ask those who have not approved yet again where a policy gets stricter', async () => {
    await api.feature('tightened');
    const { body } = await ask([configure('tightened', QUARTER)]).expect(201);
    expect(await asked(body.id)).toEqual([]);
    await policy('production', { approvals: 1, approvers: [second.userId] }).expect(200);
    expect(await asked(body.id)).toEqual([second.userId]);
    await approve(body, second).expect(200);
    const stricter = { approvals: 2, approvers: [second.userId, third.userId] };
    const { body: put } = await ask([{ type: 'policy.put', environment: 'production', policy: stricter }]).expect(201);
    // What is only asked for holds nothing up.
    expect((await read(body)).status).toBe('approved');
    await approve(put, second).expect(200);
    await apply(put).expect(200);
    expect(await read(body)).toMatchObject({ status: 'pending', approvals: [{ required: 2, given: 1 }] });
    expect(await asked(body.id)).toEqual([second.userId, third.userId].toSorted());
    // A change of something else asks nobody once more.
    await policy('staging', { approvals: 1 }).expect(200);
    expect(await asked(body.id)).toHaveLength(2);
  });

  it('ask nobody where nothing has to be approved, nor for what was refused', async () => {
    await api.feature('quiet');
    const { body } = await ask([configure('quiet', QUARTER)]).expect(201);
    expect(body.status).toBe('approved');
    expect(await asked(body.id)).toEqual([]);
    await policy('production', { approvals: 1 }).expect(200);
    const before = await api.rows(`select from outbox where topic = 'mail'`);
    await ask([configure('nowhere', QUARTER)]).expect(400);
    expect(await api.rows(`select from outbox where topic = 'mail'`)).toHaveLength(before.length);
  });

  it('tell the author of a rejection with its comment, and of a scheduled change that could not be made', async () => {
    await api.feature('returned');
    const { body: failing } = await ask([configure('returned', QUARTER)], { applyAt: LATER }).expect(201);
    await api.put(`${FEATURES}/returned/environments/production`, OFF).expect(200);
    await letPass(failing);
    await Promise.all([applyDue(), applyDue()]);
    const [failed, ...others] = await mailsOf(failing.id, 'change-request-returned');
    expect(others).toEqual([]);
    expect(failed!.to).toBe(failing.author.id);
    expect(failed!.text).toContain(
      'Nothing of it was made: Changed since: configuration returned in production (was added)',
    );

    await policy('production', { approvals: 1 }).expect(200);
    const { body } = await ask([configure('returned', QUARTER)]).expect(201);
    const { contentHash } = body;
    await api
      .post(`${REQUESTS}/${body.id}/reject`, { contentHash, comment: 'Not on a Friday' }, auth(second))
      .expect(200);
    const [rejected, ...more] = await mailsOf(body.id, 'change-request-returned');
    expect(more).toEqual([]);
    expect(rejected!.to).toBe(body.author.id);
    expect(rejected!.text).toContain('Their comment: Not on a Friday');
  });
});
