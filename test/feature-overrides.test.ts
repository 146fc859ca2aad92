import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { expiredOverrides } from '../src/features/overrides/overrides.cleanup.js';
import { atOnce, countStatuses, entriesOf } from './harness/accounts.js';
import { removeExpired } from './harness/cleanup.js';
import { insertApiKey, insertServiceAccount } from './harness/api-keys.js';
import { startApp, type TestApp } from './harness/app.js';
import { createDatabase, type TestDatabase } from './harness/database.js';
import { changeFeatures, insertFeatures, insertOverride, newFeatureKey } from './harness/features.js';
import { insertMember, insertOrganization, type Member } from './harness/organizations.js';
import { type Person, signInAdmin } from './harness/people.js';

/** One for both instances: tokens name it. */
const PUBLIC_URL = 'http://tenon.test';

let db: TestDatabase;
let tenon: TestApp;
let other: TestApp;
let path: string;
let organizationId: string;
let admin: Member;
let platformAdmin: Person;
beforeAll(async () => {
  db = await createDatabase();
  [tenon, other] = [await startApp({ db, env: { PUBLIC_URL } }), await startApp({ db, env: { PUBLIC_URL } })];
  platformAdmin = await signInAdmin(tenon);
});
beforeEach(async () => {
  ({ path, organizationId } = await insertOrganization(db));
  admin = await insertMember(tenon, organizationId, 'admin');
});
afterAll(async () => {
  await Promise.all([tenon.close(), other.close()]);
  await db.drop();
});

type Who = Pick<Member, 'auth'>;
const put = (key: string, body: object, who: Who = admin, instance = tenon) =>
  instance.http
    .put(`${path}/features/${key}`)
    .set(who.auth)
    .send({ reason: 'For a test', ...body });
const remove = (key: string, environment?: string, who: Who = admin) =>
  tenon.http
    .delete(`${path}/features/${key}`)
    .query(environment === undefined ? {} : { environment })
    .set(who.auth);
const show = async (key: string, environment?: string) =>
  (
    await tenon.http
      .get(`${path}/features/${key}`)
      .query(environment ? { environment } : {})
      .set(admin.auth)
  ).body;
const stored = async (): Promise<Record<string, unknown>[]> =>
  (
    await db.sql.query(
      `select feature_key, environment_key, value from organization_feature_settings
        where organization_id = $1 order by feature_key, environment_key nulls first`,
      [organizationId],
    )
  ).rows;
const told = async (action: string) =>
  (await entriesOf(db, action))
    .filter((entry) => entry.organization_id === organizationId)
    .map(({ target_id, actor_id, actor_role, before, after, reason }) => ({
      target_id,
      actor_id,
      actor_role,
      before,
      after,
      reason,
    }));

describe('F4 an override', () => {
  it('holds everywhere, or in one environment before that; each is removed by itself', async () => {
    const [key] = await insertFeatures(tenon, { type: 'string', defaultValue: 'default' });
    await put(key!, { value: 'everywhere' }).expect(200);
    const { body } = await put(key!, { value: 'staging', environment: 'staging' }).expect(200);
    expect(body).toMatchObject({ environment: 'staging', value: 'staging', override: { environment: 'staging' } });
    expect(await show(key!)).toMatchObject({ value: 'everywhere', override: { environment: null } });
    await put(key!, { value: 'another' }).expect(200);
    expect(await show(key!, 'development')).toMatchObject({ value: 'another' });
    expect(await stored()).toHaveLength(2);
    await remove(key!, 'development').expect(404);
    await remove(key!).expect(204);
    expect(await show(key!)).toMatchObject({ value: 'default', override: null });
    expect(await show(key!, 'staging')).toMatchObject({ value: 'staging' });
    await remove(key!).expect(404);
    await remove(key!, 'staging').expect(204);
    expect(await stored()).toEqual([]);
  });

  it('is told in the trail with before and after, reason, environment and end', async () => {
    const [key] = await insertFeatures(tenon, { type: 'number', defaultValue: 1 });
    const expiresAt = '2099-12-31T23:00:00.000Z';
    await put(key!, { value: 5, reason: '  A first try ' }).expect(200);
    await put(key!, { value: 5, reason: 'A first try' }).expect(200);
    await put(key!, { value: 7, reason: 'More', expiresAt: '2100-01-01T00:00:00+01:00' }, platformAdmin).expect(200);
    await remove(key!).expect(204);
    const first = { value: 5, environment: null, expiresAt: null, reason: 'A first try' };
    const second = { value: 7, environment: null, expiresAt, reason: 'More' };
    const byAdmin = { target_id: key, actor_id: admin.userId, actor_role: 'admin' };
    expect(await told('feature.overridden')).toEqual([
      { ...byAdmin, before: null, after: first, reason: 'A first try' },
      {
        target_id: key,
        actor_id: platformAdmin.userId,
        actor_role: 'platform-admin',
        before: first,
        after: second,
        reason: 'More',
      },
    ]);
    expect(await told('feature.override_removed')).toEqual([{ ...byAdmin, before: second, after: null, reason: null }]);
    const { body } = await tenon.http.get(`${path}/audit-log`).set(admin.auth).expect(200);
    expect(body.data.map(({ sentence }: { sentence: string }) => sentence).slice(0, 3)).toEqual([
      `A admin removed the override of the feature ${key} in every environment`,
      `A platform admin overrode the feature ${key} in every environment from 5 to 7`,
      `A admin overrode the feature ${key} in every environment to 5`,
    ]);
  });

  it('case 6: when the trail cannot be written nothing is changed, and memory knows nothing of it', async () => {
    const [key] = await insertFeatures(tenon, {});
    await db.sql.query(`alter table audit_log add constraint broken check (action not like 'feature.%') not valid`);
    try {
      await put(key!, { value: true }).expect(500);
    } finally {
      await db.sql.query('alter table audit_log drop constraint broken');
    }
    expect(await stored()).toEqual([]);
    expect(await show(key!)).toMatchObject({ value: false, override: null });
  });

  it('case 34: is of the type of the feature, and fits its schema', async () => {
    const schema = { type: 'object', required: ['size'], properties: { size: { type: 'integer', maximum: 3 } } };
    const [flag, text, number, json] = await insertFeatures(
      tenon,
      {},
      { type: 'string', defaultValue: '' },
      { type: 'number', defaultValue: 0 },
      { type: 'json', defaultValue: { size: 1 }, schema },
    );
    const wrong: [string, unknown][] = [
      ...[1, 'true', {}, [], null].map((value): [string, unknown] => [flag!, value]),
      ...[1, true, { a: 1 }, ['a'], null].map((value): [string, unknown] => [text!, value]),
      ...['1', true, { a: 1 }, null].map((value): [string, unknown] => [number!, value]),
      ...[{ size: 4 }, {}, 'text', null, []].map((value): [string, unknown] => [json!, value]),
    ];
    for (const [key, value] of wrong) {
      const { body } = await put(key, { value }).expect(400);
      expect(body, JSON.stringify(value)).toMatchObject({ code: 'validation_failed' });
      expect(body.errors[0].field).toMatch(/^value/);
    }
    for (const [key, value] of [
      [flag, true],
      [text, ''],
      [number, -1.5],
      [json, { size: 2, more: [{ deep: null }] }],
    ] as const)
      expect((await put(key!, { value }).expect(200)).body).toMatchObject({ value, overrideValue: value });
  });

  it('case 7, case 27: takes nothing else', async () => {
    const [key] = await insertFeatures(tenon, {});
    const wrong: object[] = [
      { value: undefined },
      ...['', 'ab', ' ab ', 'a\nbc', 'x'.repeat(501), null, 5, ['abc'], {}].map((reason) => ({ value: true, reason })),
      ...['', 'tomorrow', 5, {}, '2026-02-30', '2020-01-01T00:00:00Z', 'infinity'].map((expiresAt) => ({
        value: true,
        expiresAt,
      })),
      ...['', 'A b', null, 5, ['staging'], 'nowhere'].map((environment) => ({ value: true, environment })),
      { value: true, setBy: admin.userId },
      { value: true, organizationId },
    ];
    for (const body of wrong)
      expect((await put(key!, body).expect(400)).body.code, JSON.stringify(body)).toBe('validation_failed');
    expect((await put(key!, { value: true, environment: 'nowhere' })).body.errors[0].code).toBe('environment_unknown');
    expect((await put(key!, { value: true, expiresAt: '2020-01-01' })).body.errors[0].code).toBe(
      'expiry_not_in_future',
    );
    expect((await remove(key!, 'nowhere').expect(400)).body.errors[0].code).toBe('environment_unknown');
    expect(await stored()).toEqual([]);
  });

  it('is of a feature that is evaluated; an archived one’s can be removed', async () => {
    const [draft, archived, gone] = await insertFeatures(
      tenon,
      { lifecycle: 'draft' },
      { lifecycle: 'archived' },
      { lifecycle: 'deprecated' },
    );
    for (const key of [draft!, archived!, 'never-heard-of']) {
      expect((await put(key, { value: true }).expect(404)).body.code).toBe('not_found');
      await remove(key).expect(404);
    }
    await put(gone!, { value: true }).expect(200);
    await changeFeatures(tenon, [gone!], (em) =>
      em.execute(`update feature_definitions set lifecycle = 'archived' where key = ?`, [gone]),
    );
    await put(gone!, { value: false }).expect(404);
    await remove(gone!).expect(204);
  });

  it('case 2: is for who may override, in their own organization', async () => {
    const [key] = await insertFeatures(tenon, {});
    for (const role of ['member', 'viewer']) {
      const who = await insertMember(tenon, organizationId, role);
      for (const answer of [await put(key!, { value: true }, who), await remove(key!, undefined, who)])
        expect([answer.status, answer.body.code]).toEqual([403, 'permission_denied']);
    }
    const theirs = await insertOrganization(db);
    const they = await insertMember(tenon, theirs.organizationId, 'owner');
    await put(key!, { value: true }, they).expect(404);
    await put(key!, { value: true }).expect(200);
    await remove(key!, undefined, they).expect(404);
    expect(await stored()).toHaveLength(1);
  });

  it('is given by an API key for its own environment alone, and the trail says by which', async () => {
    const [key] = await insertFeatures(tenon, {});
    const account = await insertServiceAccount(db, organizationId, { role: 'admin' });
    const ci = await insertApiKey(db, organizationId, account, {
      environment: 'staging',
      scopes: ['features:override'],
    });
    await put(key!, { value: true }, ci).expect(200);
    expect(await stored()).toEqual([{ feature_key: key, environment_key: 'staging', value: true }]);
    expect((await entriesOf(db, 'feature.overridden')).at(-1)).toMatchObject({
      organization_id: organizationId,
      target_id: key,
      actor_kind: 'service_account',
      actor_id: account.serviceAccountId,
      api_key_id: ci.id,
      after: { value: true, environment: 'staging' },
    });
    for (const refused of [put(key!, { value: true, environment: 'production' }, ci), remove(key!, 'production', ci)])
      expect((await refused.expect(403)).body).toMatchObject({
        code: 'permission_denied',
        detail: 'The API key is for staging',
      });
    const member = await insertServiceAccount(db, organizationId);
    for (const without of [
      await insertApiKey(db, organizationId, account, { scopes: ['features:read', 'features:evaluate'] }),
      await insertApiKey(db, organizationId, member, { scopes: ['features:override'] }),
    ])
      expect((await put(key!, { value: false }, without).expect(403)).body.code).toBe('permission_denied');
    const elsewhere = await insertOrganization(db);
    await tenon.http
      .put(`${elsewhere.path}/features/${key}`)
      .set(ci.auth)
      .send({ value: true, reason: 'x' })
      .expect(404);
    expect(await stored()).toHaveLength(1);
    await remove(key!, undefined, ci).expect(204);
    expect(await stored()).toEqual([]);
  });

  it('case 1: is there once, and removed once, when 50 do it at once', async () => {
    const [key] = await insertFeatures(tenon, { type: 'number', defaultValue: 0 });
    const answers = await atOnce(50, (n) => put(key!, { value: n + 1 }, admin, n % 2 ? tenon : other));
    expect(countStatuses(answers)).toEqual({ 200: 50 });
    expect(await stored()).toHaveLength(1);
    const entries = await told('feature.overridden');
    expect(entries).toHaveLength(50);
    // One after the other: each was there before the next.
    for (const [at, { before }] of entries.entries()) expect(before).toEqual(at === 0 ? null : entries[at - 1]!.after);
    expect((await show(key!)).value).toBe((entries.at(-1)!.after as { value: number }).value);
    expect(countStatuses(await atOnce(50, () => remove(key!)))).toEqual({ 204: 1, 404: 49 });
    expect(await told('feature.override_removed')).toHaveLength(1);
  });
});

describe('F5 the ceiling of the plan', () => {
  it('is told with the plan and what it allows', async () => {
    const [flag, number, text] = await insertFeatures(
      tenon,
      { plans: { standard: false } },
      { type: 'number', defaultValue: 1, plans: { standard: 10 } },
      { type: 'string', defaultValue: 'x', plans: { standard: 'plain' } },
    );
    for (const [key, value, detail] of [
      [flag, true, `The plan standard does not include ${flag}`],
      [number, 11, `The plan standard allows at most 10 of ${number}`],
      [text, 'fancy', `The plan standard says what ${text} is: "plain"`],
    ] as const) {
      const { body } = await put(key!, { value }).expect(403);
      expect(body).toMatchObject({ code: 'plan_does_not_include', detail });
      expect((await put(key!, { value }, platformAdmin).expect(403)).body.code).toBe('plan_does_not_include');
    }
    for (const [key, value] of [
      [flag, false],
      [number, 10],
      [number, -3],
      [text, 'plain'],
    ] as const)
      await put(key!, { value }).expect(200);
  });
});

describe('F4 what a feature needs', () => {
  it('is on before it is turned on: 409 names what is off, over any depth, and why', async () => {
    const [top, middle, bottom] = [1, 2, 3].map(() => newFeatureKey('need'));
    await insertFeatures(
      tenon,
      { key: top! },
      { key: middle!, defaultValue: true, dependencies: [top!] },
      { key: bottom!, dependencies: [middle!] },
    );
    const { body } = await put(bottom!, { value: true }).expect(409);
    expect(body.code).toBe('feature_dependency_unmet');
    expect(body.detail).toBe(
      `${bottom} would stay off: in development, production, staging it needs ${middle}, and ${middle} is false because it needs ${top}, which is off (its default).`,
    );
    await put(bottom!, { value: false }).expect(200);
    // On in one environment alone is enough for everywhere, and not for another one.
    await put(top!, { value: true, environment: 'staging' }).expect(200);
    await put(bottom!, { value: true, environment: 'production' }).expect(409);
    await put(bottom!, { value: true }).expect(200);
    expect(await show(bottom!, 'staging')).toMatchObject({ value: true, reason: 'override' });
    expect(await show(bottom!)).toMatchObject({ value: false, reason: 'dependency' });
  });

  it('may hang on who asks: what is not certain is not refused', async () => {
    const [top, bottom, far] = [1, 2, 3].map(() => newFeatureKey('need'));
    await insertFeatures(
      tenon,
      { key: top!, configurations: { production: { rollout: { by: 'targetingKey', percentage: 10 } } } },
      { key: bottom!, dependencies: [top!] },
      { key: far!, defaultValue: true, dependencies: [top!] },
    );
    await put(bottom!, { value: true, environment: 'staging' }).expect(409);
    await put(bottom!, { value: true, environment: 'production' }).expect(200);
    await put(top!, { value: false }).expect(200);
    await put(bottom!, { value: true, environment: 'production', reason: 'Once more' }).expect(409);
  });

  it('is off in doubt when it is archived, and for other types when it is its default', async () => {
    const [parent, child, size, sized] = [1, 2, 3, 4].map(() => newFeatureKey('need'));
    await insertFeatures(
      tenon,
      { key: parent!, lifecycle: 'archived' },
      { key: child!, dependencies: [parent!] },
      { key: size!, type: 'number', defaultValue: 3 },
      { key: sized!, type: 'string', defaultValue: 'no', dependencies: [size!] },
    );
    expect((await put(child!, { value: true }).expect(409)).body.detail).toContain('which is not there');
    await put(sized!, { value: 'no' }).expect(200);
    await put(sized!, { value: 'yes' }).expect(409);
    await put(size!, { value: 4 }).expect(200);
    await put(sized!, { value: 'yes' }).expect(200);
  });
});

describe('F4 what a feature is in conflict with', () => {
  it('is off before it is turned on: 409 names both', async () => {
    const [one, two] = [newFeatureKey('either'), newFeatureKey('or')];
    await insertFeatures(tenon, { key: one, conflicts: [two] }, { key: two });
    await put(two, { value: true, environment: 'staging' }).expect(200);
    await put(one, { value: true, environment: 'production' }).expect(200);
    const { body } = await put(one, { value: true }).expect(409);
    expect(body).toMatchObject({
      code: 'feature_conflict',
      detail: `${one} is in conflict with ${two}, which is on in staging: ${two} is true by an override for staging.`,
    });
    await put(two, { value: false, environment: 'staging' }).expect(200);
    await put(one, { value: true }).expect(200);
    // Production has its own, so that everywhere is the others.
    await put(two, { value: true }).expect(409);
  });

  it('is certain although what else is there hangs on who asks', async () => {
    const [one, two, third, parent] = [1, 2, 3, 4].map(() => newFeatureKey('conflict'));
    const some = { production: { rollout: { by: 'targetingKey', percentage: 10 } } };
    await insertFeatures(
      tenon,
      { key: one!, conflicts: [two!, third!], dependencies: [parent!] },
      { key: two! },
      { key: third!, configurations: some },
      { key: parent!, configurations: some },
    );
    const production = { environment: 'production' };
    await put(one!, { value: true, ...production }).expect(200);
    await remove(one!, 'production').expect(204);
    await put(two!, { value: true, ...production }).expect(200);
    expect((await put(one!, { value: true, ...production }).expect(409)).body.detail).toContain(two);
  });

  it('case 1: of two that exclude each other one wins, when 50 are turned on at once', async () => {
    const pairs = await Promise.all(
      [1, 2, 3].map(async () => {
        const [one, two] = [newFeatureKey('either'), newFeatureKey('or')];
        await insertFeatures(tenon, { key: one, conflicts: [two] }, { key: two });
        return [one, two] as const;
      }),
    );
    for (const pair of pairs) {
      const answers = await atOnce(50, (n) => put(pair[n % 2]!, { value: true }, admin, n % 4 < 2 ? tenon : other));
      const rows = (await stored()).filter(({ feature_key }) => pair.includes(feature_key as string));
      expect(rows).toHaveLength(1);
      expect(countStatuses(answers)).toEqual({ 200: 25, 409: 25 });
      expect(await show(rows[0]!.feature_key as string)).toMatchObject({ value: true, reason: 'override' });
    }
  });

  it('is right against a definition that changes at the same time', async () => {
    for (let n = 0; n < 10; n += 1) {
      const [one, two] = [newFeatureKey('either'), newFeatureKey('or')];
      await insertFeatures(tenon, { key: one }, { key: two, defaultValue: false });
      const [answer] = await Promise.all([
        put(one, { value: true }, admin, other),
        changeFeatures(tenon, [one, two], async (em) => {
          await em.execute('insert into feature_conflicts values (least(?, ?), greatest(?, ?))', [one, two, one, two]);
          await em.execute(`update feature_definitions set default_value = 'true' where key = ?`, [two]);
        }),
      ]);
      // Either it came first, and the answer was right then; or it was refused.
      if (answer.status === 200) expect(answer.body).toMatchObject({ value: true, reason: 'override' });
      else expect(answer.body.code).toBe('feature_conflict');
      expect(await show(one)).toMatchObject({ value: false });
    }
  });
});

describe('F4 case 14: many at once', () => {
  it('of many organizations, on an instance that has not heard of the features yet, all get through', async () => {
    const organizations = await Promise.all(
      Array.from({ length: 30 }, async () => {
        const organization = await insertOrganization(db);
        return { ...organization, owner: await insertMember(tenon, organization.organizationId, 'owner') };
      }),
    );
    const [key] = await insertFeatures(tenon, {});
    const answers = await atOnce(30, (n) =>
      other.http
        .put(`${organizations[n]!.path}/features/${key}`)
        .set(organizations[n]!.owner.auth)
        .send({ value: true, reason: 'For a test' }),
    );
    expect(countStatuses(answers)).toEqual({ 200: 30 });
  });
});

describe('F4 overrides that have expired', () => {
  it('are none, can be set anew, and are removed after 30 days', async () => {
    const [old, late, live, never] = await insertFeatures(tenon, {}, {}, {}, {});
    const days = (count: number): Date => new Date(Date.now() + count * 86_400_000);
    await insertOverride(tenon, organizationId, old!, true, { expiresAt: days(-31) });
    await insertOverride(tenon, organizationId, late!, true, { expiresAt: days(-29) });
    await insertOverride(tenon, organizationId, live!, true, { expiresAt: days(1) });
    await insertOverride(tenon, organizationId, never!, true);
    expect(await show(late!)).toMatchObject({ value: false, override: null });
    await remove(late!).expect(404);
    await put(late!, { value: true }).expect(200);
    expect((await told('feature.overridden')).at(-1)).toMatchObject({ before: null });
    expect(await removeExpired(tenon.app, expiredOverrides)).toBe(1);
    expect((await stored()).map(({ feature_key }) => feature_key).toSorted()).toEqual([late, live, never].toSorted());
  });
});
