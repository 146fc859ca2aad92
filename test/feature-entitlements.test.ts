import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ChangeBus } from '../src/database/change-bus.js';
import { startApp, type TestApp } from './harness/app.js';
import { createDatabase, type TestDatabase } from './harness/database.js';
import { changeFeatures, insertFeatures, insertOverride, newFeatureKey } from './harness/features.js';
import { insertMember, insertOrganization, insertStranger, type Member } from './harness/organizations.js';
import { type Person, signInAdmin } from './harness/people.js';
import { PostgresProxy } from './harness/postgres-proxy.js';

/** One for both: tokens name it. */
const PUBLIC_URL = 'http://tenon.test';

let db: TestDatabase;
let proxy: PostgresProxy;
/** Two instances; the second one hears of changes through the proxy. */
let tenon: TestApp;
let other: TestApp;
let path: string;
let organizationId: string;
let viewer: Member;
let admin: Member;
let platformAdmin: Person;
beforeAll(async () => {
  db = await createDatabase();
  proxy = await PostgresProxy.start(db.appUrl);
  tenon = await startApp({ db, env: { PUBLIC_URL } });
  other = await startApp({ db, env: { PUBLIC_URL, DATABASE_DIRECT_URL: proxy.url } });
  ({ path, organizationId } = await insertOrganization(db));
  viewer = await insertMember(tenon, organizationId, 'viewer');
  admin = await insertMember(tenon, organizationId, 'admin');
  platformAdmin = await signInAdmin(tenon);
});
afterAll(async () => {
  await Promise.all([tenon.close(), other.close()]);
  await proxy.close();
  await db.drop();
});

const list = (query: object = {}, who: Pick<Member, 'auth'> = viewer, at = path) =>
  tenon.http.get(`${at}/features`).query(query).set(who.auth);
const show = async (key: string, query: object = {}, instance = tenon) =>
  (await instance.http.get(`${path}/features/${key}`).query(query).set(viewer.auth).expect(200)).body;
const put = (key: string, body: object, who: Pick<Member, 'auth'> = admin) =>
  tenon.http
    .put(`${path}/features/${key}`)
    .set(who.auth)
    .send({ reason: 'For a test', ...body });
const putOnPlan = (plan: string) => tenon.http.put(`${path}/plan`).set(platformAdmin.auth).send({ plan }).expect(200);
async function newPlan(): Promise<string> {
  const key = newFeatureKey('plan');
  await db.sql.query('insert into plans (key, name, created_at, updated_at) values ($1, $1, now(), now())', [key]);
  return key;
}

describe('F5 what an organization has of a feature', () => {
  it('is its default, what the plan says, what was overridden, what comes of it, and why', async () => {
    const [key] = await insertFeatures(tenon, {
      type: 'number',
      defaultValue: 5,
      category: 'projects',
      description: 'Seats in a project',
      plans: { standard: 50 },
    });
    const row = {
      key,
      name: key,
      description: 'Seats in a project',
      type: 'number',
      category: 'projects',
      lifecycle: 'active',
      environment: 'production',
      defaultValue: 5,
      planValue: 50,
      overrideValue: null,
      override: null,
      value: 50,
      variant: null,
      reason: 'entitlement',
      details: { plan: 'standard', planValue: 50 },
      explanation: `${key} is 50 because that is what the plan standard says.`,
      dependsOnContext: false,
      metering: null,
      usage: null,
    };
    expect(await show(key!)).toEqual(row);
    const { body } = await put(key!, { value: 25, reason: 'Agreed with sales' }).expect(200);
    expect(body).toEqual({
      ...row,
      overrideValue: 25,
      override: {
        value: 25,
        reason: 'Agreed with sales',
        expiresAt: null,
        environment: null,
        setBy: admin.userId,
        setAt: expect.stringMatching(/Z$/),
      },
      value: 25,
      reason: 'override',
      details: { scope: 'everywhere', expiresAt: null, note: 'Agreed with sales' },
      explanation: `${key} is 25 by an override for every environment.`,
    });
    expect(await show(key!)).toEqual(body);
  });

  it('says by each stage why it is so, and what of it hangs on who asks', async () => {
    const [parent, child, killed, ruled, one, two] = [1, 2, 3, 4, 5, 6].map(() => newFeatureKey('stage'));
    await insertFeatures(
      tenon,
      { key: parent!, defaultValue: false },
      { key: child!, defaultValue: true, dependencies: [parent!] },
      { key: killed!, defaultValue: true, configurations: { production: { enabled: false } } },
      {
        key: ruled!,
        configurations: { production: { rollout: { by: 'targetingKey', percentage: 50 } } },
      },
      { key: one!, defaultValue: true, conflicts: [two!] },
      { key: two!, defaultValue: true },
    );
    expect(await show(child!)).toMatchObject({
      value: false,
      reason: 'dependency',
      details: { parent, parentReason: 'default' },
      explanation: expect.stringContaining(`it needs ${parent}`),
    });
    expect(await show(killed!)).toMatchObject({ value: false, reason: 'kill_switch' });
    expect(await show(killed!, { environment: 'staging' })).toMatchObject({ value: true, environment: 'staging' });
    expect(await show(one!)).toMatchObject({ value: false, reason: 'conflict', details: { with: two } });
    expect(await show(ruled!)).toMatchObject({ value: false, reason: 'default', dependsOnContext: true });
    expect(await show(ruled!, { environment: 'staging' })).toMatchObject({ dependsOnContext: false });
    await put(ruled!, { value: true }).expect(200);
    expect(await show(ruled!)).toMatchObject({ value: true, reason: 'override', dependsOnContext: false });
  });

  it('is listed by key, by page, and by category, type and text', async () => {
    const category = newFeatureKey('category');
    const keys = ['b-two', 'a_one', 'c.three'].map((name) => newFeatureKey(name));
    await insertFeatures(
      tenon,
      { key: keys[0]!, category, type: 'string', defaultValue: 'x' },
      { key: keys[1]!, category, description: 'Draws % charts', lifecycle: 'deprecated' },
      { key: keys[2]!, category },
      { key: newFeatureKey('draft'), category, lifecycle: 'draft' },
      { key: newFeatureKey('archived'), category, lifecycle: 'archived' },
    );
    const found = async (query: object): Promise<string[]> =>
      (await list({ category, ...query }).expect(200)).body.data.map(({ key }: { key: string }) => key);
    expect(await found({})).toEqual([keys[1], keys[0], keys[2]]);
    expect(await found({ type: 'string' })).toEqual([keys[0]]);
    expect(await found({ q: 'DRAWS % c' })).toEqual([keys[1]]);
    expect(await found({ q: keys[2]!.toUpperCase() })).toEqual([keys[2]]);
    expect(await found({ q: '_' })).toEqual([keys[1]]);
    expect((await list({ category, page: 2, perPage: 2 }).expect(200)).body).toMatchObject({
      data: [{ key: keys[2] }],
      meta: { total: 3, totalPages: 2, hasNext: false },
    });
    expect((await list({ category, page: 9 }).expect(200)).body).toMatchObject({ data: [], meta: { total: 3 } });
    for (const query of [{ type: 'text' }, { category: 'a;b' }, { sort: 'key' }, { environment: 'A b' }])
      expect((await list(query).expect(400)).body.code).toBe('validation_failed');
  });

  it('is of the environment that is asked for, and of none that is not there', async () => {
    const [key] = await insertFeatures(tenon, {});
    expect((await show(key!)).environment).toBe('production');
    for (const at of ['', `/${key}`, '/never-heard-of']) {
      const { body } = await tenon.http
        .get(`${path}/features${at}`)
        .query({ environment: 'nowhere' })
        .set(viewer.auth)
        .expect(400);
      expect(body.errors).toMatchObject([{ field: 'environment', code: 'environment_unknown' }]);
    }
  });

  it('is not found where there is nothing to evaluate', async () => {
    const [draft, archived] = await insertFeatures(tenon, { lifecycle: 'draft' }, { lifecycle: 'archived' });
    for (const key of [draft, archived, 'never-heard-of'])
      await tenon.http.get(`${path}/features/${key}`).set(viewer.auth).expect(404);
    await tenon.http.get(`${path}/features/A%20b`).set(viewer.auth).expect(400);
  });

  it('case 2: is for members alone, and of their own organization', async () => {
    const [key] = await insertFeatures(tenon, { type: 'string', defaultValue: 'x' });
    await put(key!, { value: 'a secret of theirs' }).expect(200);
    const theirs = await insertOrganization(db);
    const they = await insertMember(tenon, theirs.organizationId, 'owner');
    const seen = await list({ q: key }, they, theirs.path).expect(200);
    expect(seen.body.data).toMatchObject([{ key, value: 'x', override: null }]);
    for (const who of [they, await insertStranger(tenon)]) {
      await list({}, who).expect(404);
      await tenon.http.get(`${path}/features/${key}`).set(who.auth).expect(404);
    }
    await tenon.http.get(`${path}/features`).expect(401);
    expect((await list({ q: key }, platformAdmin).expect(200)).body.data).toHaveLength(1);
  });
});

describe('F5 the plan is the ceiling', () => {
  it('also of an override that was within it when it was set', async () => {
    const [high, low] = [await newPlan(), await newPlan()];
    const [seats, reports, theme] = await insertFeatures(
      tenon,
      { type: 'number', defaultValue: 1, plans: { [high]: 100, [low]: 10 } },
      { plans: { [high]: true, [low]: false } },
      { type: 'string', defaultValue: 'light', plans: { [low]: 'plain' } },
    );
    await putOnPlan(high);
    await put(seats!, { value: 60 }).expect(200);
    await put(reports!, { value: true }).expect(200);
    await put(theme!, { value: 'dark' }).expect(200);
    await putOnPlan(low);
    expect(await show(seats!)).toMatchObject({
      planValue: 10,
      overrideValue: 60,
      value: 10,
      reason: 'entitlement',
      details: { plan: low, planValue: 10, wished: 60, wishedBy: 'override' },
    });
    expect(await show(reports!)).toMatchObject({ planValue: false, overrideValue: true, value: false });
    expect(await show(theme!)).toMatchObject({ planValue: 'plain', overrideValue: 'dark', value: 'plain' });
    await putOnPlan(high);
    expect(await show(seats!)).toMatchObject({ value: 60, reason: 'override' });
    await putOnPlan('standard');
    expect(await show(reports!)).toMatchObject({ planValue: null, value: true });
  });
});

describe('F5 case 35: on every instance', () => {
  it('an override that one has set is what the other shows, at once', async () => {
    const [key] = await insertFeatures(tenon, {});
    for (const value of [true, false, true]) {
      await put(key!, { value }).expect(200);
      expect(await show(key!, {}, other)).toMatchObject({ value, overrideValue: value });
    }
  });

  it('a feature that one has made is what the other shows, before it has heard of it', async () => {
    for (let n = 0; n < 10; n += 1) {
      const [key] = await insertFeatures(tenon, { type: 'number', defaultValue: n });
      expect(await show(key!, {}, other)).toMatchObject({ value: n });
    }
  });

  it('while the bus is cut', async () => {
    const [key, unmade] = await insertFeatures(tenon, {}, { type: 'string', defaultValue: 'before' });
    await show(key!, {}, other);
    proxy.refusing = true;
    proxy.cut();
    await put(key!, { value: true }).expect(200);
    expect(await show(key!, {}, other)).toMatchObject({ value: true, reason: 'override' });
    await changeFeatures(tenon, [unmade!], (em) =>
      em.execute(`update feature_definitions set default_value = '"after"' where key = ?`, [unmade]),
    );
    expect(await show(unmade!, {}, other)).toMatchObject({ value: 'after' });
    proxy.refusing = false;
    await expect.poll(() => other.app.get(ChangeBus).up).toBe(true);
    expect(await show(key!, {}, other)).toMatchObject({ value: true });
  });

  it('an override that has expired is none any more, for whoever asks', async () => {
    const [key] = await insertFeatures(tenon, { defaultValue: false });
    await insertOverride(tenon, organizationId, key!, true, { expiresAt: new Date(Date.now() + 1_500) });
    expect(await show(key!)).toMatchObject({ value: true, override: { reason: 'For a test' } });
    await expect.poll(async () => (await show(key!)).value).toBe(false);
    expect(await show(key!)).toMatchObject({ override: null, overrideValue: null, reason: 'default' });
  });
});
