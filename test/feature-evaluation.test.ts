import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ChangeBus } from '../src/database/change-bus.js';
import { OrganizationFeatures } from '../src/features/snapshots/organization-features.js';
import { recordStatements } from './harness/accounts.js';
import { startApp, type TestApp } from './harness/app.js';
import { createDatabase, type TestDatabase } from './harness/database.js';
import { changeFeatures, insertFeatures, insertOverride, newFeatureKey } from './harness/features.js';
import { insertMember, insertOrganization, type Member } from './harness/organizations.js';
import { signInAdmin } from './harness/people.js';
import { PostgresProxy } from './harness/postgres-proxy.js';

/** Tokens of one instance are those of the other. */
const PUBLIC_URL = 'https://tenon.test';

let db: TestDatabase;
let proxy: PostgresProxy;
let tenon: TestApp;
/** Another instance, whose LISTEN goes through the proxy. */
let second: TestApp;
let path: string;
let organizationId: string;
let viewer: Member;
beforeAll(async () => {
  db = await createDatabase();
  proxy = await PostgresProxy.start(db.appUrl);
  [tenon, second] = [
    await startApp({ db, env: { PUBLIC_URL } }),
    await startApp({ db, env: { PUBLIC_URL, DATABASE_DIRECT_URL: proxy.url } }),
  ];
  await db.sql.query(`insert into plans (key, name, created_at, updated_at) values ('pro', 'Pro', now(), now())`);
  ({ path, organizationId } = await insertOrganization(db));
  viewer = await insertMember(tenon, organizationId, 'viewer');
});
afterEach(async () => {
  proxy.refusing = proxy.swallowing = false;
  await expect.poll(() => second.app.get(ChangeBus).up).toBe(true);
});
afterAll(async () => {
  await tenon.close();
  await second.close();
  await proxy.close();
  await db.drop();
});

const ask = (
  body: object = {},
  { at = tenon, on = path, who = viewer }: { at?: TestApp; on?: string; who?: Member } = {},
) => at.http.post(`${on}/features/evaluate`).set(who.auth).send(body);
interface Answered {
  key: string;
  value: unknown;
  variant?: string;
  reason: string;
  details: Record<string, unknown>;
  explanation: string;
}
async function decisionOf(key: string, context = {}, at = tenon): Promise<Answered> {
  const { body } = await ask({ keys: [key], context }, { at }).expect(200);
  return body.features[0] as Answered;
}
const setDefault = (key: string, value: boolean, at = tenon) =>
  changeFeatures(at, [key], (em) =>
    em.execute('update feature_definitions set default_value = ?::jsonb where key = ?', [String(value), key]),
  );

describe('F7 evaluating', () => {
  it('answers one, many and all, and names what is not evaluated', async () => {
    const [on, off, draft, archived] = await insertFeatures(
      tenon,
      { defaultValue: true },
      {},
      { lifecycle: 'draft' },
      { lifecycle: 'archived' },
    );
    const one = (await ask({ keys: [on] }).expect(200)).body;
    expect(one).toMatchObject({
      features: [{ key: on, value: true, reason: 'default', details: {}, explanation: `${on} is true by default.` }],
      unknownKeys: [],
    });
    const many = (await ask({ keys: [off, draft, on, archived, 'none'] }).expect(200)).body;
    expect(many.features.map(({ key }: Answered) => key)).toEqual([off, on]);
    expect(many.unknownKeys).toEqual([draft, archived, 'none']);
    expect(many.revision).toBe(one.revision);
    const all = (await ask().expect(200)).body.features.map(({ key }: Answered) => key);
    expect(all).toEqual(expect.arrayContaining([on, off]));
    expect(all).not.toContain(draft);
    expect(all).toEqual(all.toSorted());
  });

  it('says why, stage by stage in their order', async () => {
    const rule = {
      name: 'Germans',
      when: [{ attribute: 'country', operator: 'in' as const, values: ['DE'] }],
      value: true,
    };
    const everybody = { by: 'targetingKey', percentage: 100 };
    const parent = newFeatureKey('parent');
    const [, killed, excluded, needy] = await insertFeatures(
      tenon,
      { key: parent },
      { defaultValue: true, configurations: { production: { enabled: false } } },
      { defaultValue: true, plans: { standard: false } },
      { defaultValue: true, dependencies: [parent] },
    );
    const [one, other] = [newFeatureKey('conflict'), newFeatureKey('conflict')];
    await insertFeatures(tenon, { key: one, defaultValue: true }, { key: other, defaultValue: true, conflicts: [one] });
    const [overridden, ruled, rolled, plain] = await insertFeatures(
      tenon,
      {},
      { configurations: { production: { rules: [rule] } } },
      { configurations: { production: { rollout: everybody } } },
      {},
    );
    await insertOverride(tenon, organizationId, overridden!, true);
    tenon.app.get(OrganizationFeatures).changed([organizationId]);
    const context = { targetingKey: 'user-1', country: 'DE' };
    const reasonOf = async (key: string) => {
      const { value, reason } = await decisionOf(key, context);
      return [value, reason];
    };
    expect(await reasonOf(killed!)).toEqual([false, 'kill_switch']);
    expect(await reasonOf(excluded!)).toEqual([false, 'entitlement']);
    expect(await reasonOf(needy!)).toEqual([false, 'dependency']);
    expect(await reasonOf(one)).toEqual([false, 'conflict']);
    expect(await reasonOf(other)).toEqual([false, 'conflict']);
    expect(await reasonOf(overridden!)).toEqual([true, 'override']);
    expect(await reasonOf(ruled!)).toEqual([true, 'rule']);
    expect(await reasonOf(rolled!)).toEqual([true, 'rollout']);
    expect(await reasonOf(plain!)).toEqual([false, 'default']);
    const why = await decisionOf(needy!, context);
    expect(why.details).toMatchObject({ parent });
    expect(why.explanation).toContain(parent);
  });

  it('is for one environment, production unless said', async () => {
    const [key] = await insertFeatures(tenon, {
      defaultValue: true,
      configurations: { production: { enabled: false } },
    });
    expect((await decisionOf(key!)).value).toBe(false);
    const { body } = await ask({ keys: [key], environment: 'staging' }).expect(200);
    expect(body.features[0].value).toBe(true);
    const unknown = await ask({ environment: 'nowhere' }).expect(400);
    expect(unknown.body.errors).toEqual([
      { field: 'environment', code: 'environment_unknown', message: 'There is no such environment' },
    ]);
  });

  it('case 7: takes any context and believes nothing that Tenon says itself', async () => {
    const [key] = await insertFeatures(tenon, {
      configurations: {
        production: {
          rules: [{ name: 'pro', when: [{ attribute: 'plan', operator: 'in', values: ['pro'] }], value: true }],
        },
      },
    });
    for (const context of [
      { plan: 'pro', organizationId: 'x', environment: 'staging' },
      { targetingKey: 'x', plan: ['pro'] },
      { toString: 'pro', nested: { plan: 'pro', deep: [[[{}]]] } },
      { targetingKey: 'x'.repeat(2_048), tags: Array<string>(200).fill('pro') },
    ])
      expect((await decisionOf(key!, context)).value, JSON.stringify(context).slice(0, 80)).toBe(false);
    for (const context of [
      { targetingKey: 'x'.repeat(2_049) },
      { tags: ['x'.repeat(2_049)] },
      { tags: Array<number>(201).fill(1) },
      Object.fromEntries(Array.from({ length: 201 }, (_, at) => [`a${at}`, at])),
    ])
      expect((await ask({ context }).expect(400)).body.errors[0].code).toBe('context_too_large');
    for (const targetingKey of [7, true, null, ['x'], { toString: 'x' }])
      expect((await ask({ context: { targetingKey } }).expect(400)).body.errors).toEqual([
        { field: 'context.targetingKey', code: 'is_string', message: 'The targetingKey has to be a text' },
      ]);
    for (const context of [[], 'text', 7, null]) await ask({ context }).expect(400);
    await ask({ keys: ['__proto__'] }).expect(400);
    await ask({ keys: Array<string>(1_001).fill('a') }).expect(400);
    await tenon.http
      .post(`${path}/features/evaluate`)
      .set(viewer.auth)
      .set('content-type', 'application/json')
      .send('{"context":{"__proto__":{"plan":"pro"}}}')
      .expect(400);
  });

  it('case 2: is for members alone', async () => {
    const other = await insertOrganization(db);
    await ask({}, { on: other.path }).expect(404);
  });

  it('follows the plan of the organization at once, on every instance', async () => {
    const { path: on, organizationId: id } = await insertOrganization(db);
    const who = await insertMember(tenon, id, 'viewer');
    const [key] = await insertFeatures(tenon, { plans: { pro: true } });
    const valueAt = async (at: TestApp): Promise<unknown> =>
      (await ask({ keys: [key] }, { at, on, who }).expect(200)).body.features[0]?.value;
    expect(await valueAt(tenon)).toBe(false);
    // The other one hears of the feature itself by the change bus.
    await expect.poll(() => valueAt(second)).toBe(false);
    const admin = await signInAdmin(tenon);
    await tenon.http.put(`${on}/plan`).set(admin.auth).send({ plan: 'pro' }).expect(200);
    expect(await valueAt(tenon)).toBe(true);
    await expect.poll(() => valueAt(second)).toBe(true);
  });

  it('costs no statement while memory may be believed', async () => {
    await insertFeatures(tenon, { defaultValue: true });
    await ask().expect(200);
    const statements = recordStatements(tenon);
    for (let times = 0; times < 5; times += 1) await ask({ context: { targetingKey: `user-${times}` } }).expect(200);
    const lists = statements.take();
    statements.stop();
    expect(lists.flat()).toEqual([]);
  });
});

describe('F2 case 32: a cycle that was forced into the table', () => {
  it('is off, is named, and stops nothing else', async () => {
    const [a, b, c] = [newFeatureKey('cycle'), newFeatureKey('cycle'), newFeatureKey('cycle')];
    await insertFeatures(
      tenon,
      { key: a, defaultValue: true, dependencies: [] },
      { key: b, defaultValue: true, dependencies: [a] },
      { key: c, defaultValue: true, dependencies: [b] },
    );
    const [innocent] = await insertFeatures(tenon, { defaultValue: true });
    expect((await decisionOf(c)).value).toBe(true);
    await changeFeatures(tenon, [a], (em) => em.execute('insert into feature_dependencies values (?, ?)', [a, c]));
    for (const at of [tenon, second]) {
      await expect.poll(async () => (await decisionOf(c, {}, at)).value).toBe(false);
      const { reason, details } = await decisionOf(b, {}, at);
      expect([reason, (details.cycle as string[]).toSorted()]).toEqual(['dependency', [a, b, c]]);
      expect((await decisionOf(innocent!, {}, at)).value).toBe(true);
    }
  });
});

describe('F7 case 35: memory and the change bus', () => {
  it('the writer reads its own write, and a second instance follows', async () => {
    const [key] = await insertFeatures(tenon, {});
    await expect.poll(async () => (await decisionOf(key!, {}, second))?.value).toBe(false);
    for (const value of [true, false, true, false, true]) {
      await setDefault(key!, value);
      expect((await decisionOf(key!)).value).toBe(value);
      await expect.poll(async () => (await decisionOf(key!, {}, second)).value).toBe(value);
    }
  });

  it('many changes at once of both instances end alike on both', async () => {
    const keys = await insertFeatures(tenon, ...Array.from({ length: 30 }, () => ({})));
    await Promise.all(keys.map((key, at) => setDefault(key, true, at % 2 ? tenon : second)));
    for (const at of [tenon, second])
      await expect
        .poll(async () => {
          const { body } = await ask({ keys }, { at }).expect(200);
          return body.features.every(({ value }: Answered) => value === true);
        })
        .toBe(true);
    const revisions = await Promise.all(
      [tenon, second].map(async (at) => (await ask({ keys: [] }, { at })).body.revision),
    );
    expect(revisions[0]).toBe(revisions[1]);
  });

  it.each(['cut', 'swallowed'] as const)(
    'while the bus is %s the database answers, until it has caught up',
    async (how) => {
      const bus = second.app.get(ChangeBus);
      const [key] = await insertFeatures(tenon, {});
      const fresh = await insertOrganization(db);
      const who = await insertMember(tenon, fresh.organizationId, 'viewer');
      const valueOf = async (): Promise<unknown> =>
        (await ask({ keys: [key] }, { at: second, on: fresh.path, who }).expect(200)).body.features[0]?.value;
      await expect.poll(valueOf).toBe(false);
      if (how === 'cut') {
        proxy.refusing = true;
        proxy.cut();
      } else proxy.swallowing = true;
      await expect.poll(() => bus.up).toBe(false);
      for (const value of [true, false, true]) {
        await setDefault(key!, value);
        expect(await valueOf()).toBe(value);
      }
      await insertOverride(tenon, fresh.organizationId, key!, false);
      expect(await valueOf()).toBe(false);
      proxy.refusing = proxy.swallowing = false;
      await expect.poll(() => bus.up).toBe(true);
      expect(await valueOf()).toBe(false);
      await setDefault(key!, false);
    },
  );

  it('a segment, an environment and a feature that goes reach it as well', async () => {
    const [key] = await insertFeatures(tenon, {
      configurations: {
        production: { rules: [{ name: 'beta', when: [], segments: ['beta-testers'], value: true }] },
      },
    });
    const inBeta = async (at: TestApp): Promise<unknown> => (await decisionOf(key!, { group: 'beta' }, at))?.value;
    expect(await inBeta(tenon)).toBe(false);
    await changeFeatures(tenon, ['segment:beta-testers'], (em) =>
      em.execute(
        `insert into feature_segments (key, conditions, created_at, updated_at)
         values ('beta-testers', '[{"attribute":"group","operator":"equals","values":["beta"]}]', now(), now())`,
      ),
    );
    for (const at of [tenon, second]) await expect.poll(() => inBeta(at)).toBe(true);
    await changeFeatures(tenon, [key!], (em) => em.execute('delete from feature_definitions where key = ?', [key!]));
    for (const at of [tenon, second])
      await expect.poll(async () => (await ask({ keys: [key] }, { at })).body.unknownKeys).toEqual([key]);
  });
});
