import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { expiredConsumptions, expiredMeters } from '../src/features/metering/metering.cleanup.js';
import { atOnce, countStatuses, entriesOf } from './harness/accounts.js';
import { removeExpired } from './harness/cleanup.js';
import { insertApiKey, insertServiceAccount } from './harness/api-keys.js';
import { startApp, type TestApp } from './harness/app.js';
import { createDatabase, type TestDatabase } from './harness/database.js';
import { changeFeatures, type FeatureFacts, insertFeatures, knownTo } from './harness/features.js';
import { insertMember, insertOrganization, type Member } from './harness/organizations.js';

/** One for both instances: tokens name it. */
const PUBLIC_URL = 'http://tenon.test';

let db: TestDatabase;
let tenon: TestApp;
let other: TestApp;
let path: string;
let organizationId: string;
let admin: Member;
let member: Member;
beforeAll(async () => {
  db = await createDatabase();
  [tenon, other] = [await startApp({ db, env: { PUBLIC_URL } }), await startApp({ db, env: { PUBLIC_URL } })];
});
beforeEach(async () => {
  ({ path, organizationId } = await insertOrganization(db));
  admin = await insertMember(tenon, organizationId, 'admin');
  member = await insertMember(tenon, organizationId, 'member');
});
afterAll(async () => {
  await Promise.all([tenon.close(), other.close()]);
  await db.drop();
});

type Who = Pick<Member, 'auth'>;
let count = 0;
const newUse = (): string => `use-${(count += 1)}`;
const consume = (key: string, use: object = {}, who: Who = member, instance = tenon) =>
  instance.http
    .post(`${path}/features/${key}/consume`)
    .set(who.auth)
    .send({ amount: 1, idempotencyKey: newUse(), ...use });
const usage = async (key: string, environment?: string) =>
  (
    await tenon.http
      .get(`${path}/features/${key}/usage`)
      .query(environment ? { environment } : {})
      .set(member.auth)
      .expect(200)
  ).body;
const put = (key: string, value: unknown) =>
  tenon.http.put(`${path}/features/${key}`).set(admin.auth).send({ value, reason: 'For a test' }).expect(200);
const rows = async (text: string, ...values: unknown[]) => (await db.sql.query(text, values)).rows;
const keysOf = async (feature: string): Promise<unknown[]> =>
  (
    await rows(
      'select idempotency_key from feature_consumptions where organization_id = $1 and feature_key = $2',
      organizationId,
      feature,
    )
  ).map(({ idempotency_key }) => idempotency_key);

async function metered(limit: number, facts: FeatureFacts & { period?: string; enforcement?: string } = {}) {
  const { period = 'month', enforcement = 'hard', ...rest } = facts;
  const [key] = await insertFeatures(tenon, {
    type: 'number',
    defaultValue: limit,
    metering: { period, enforcement },
    ...rest,
  });
  await knownTo(other, key!);
  return key!;
}

/** The next beginning of a period in UTC, as JavaScript reckons it. */
function nextStart(period: string, now = new Date()): string | null {
  const [year, month, day, hour] = [now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate(), now.getUTCHours()];
  const monday = day - ((now.getUTCDay() + 6) % 7);
  const starts: Record<string, number> = {
    hour: Date.UTC(year, month, day, hour + 1),
    day: Date.UTC(year, month, day + 1),
    week: Date.UTC(year, month, monday + 7),
    month: Date.UTC(year, month + 1),
    year: Date.UTC(year + 1, 0),
  };
  return period in starts ? new Date(starts[period]!).toISOString() : null;
}

describe('F5 using up a limit', () => {
  it('counts, and says what is left and when it begins anew', async () => {
    const key = await metered(10);
    const resetsAt = nextStart('month');
    expect(await usage(key)).toEqual({ used: 0, limit: 10, remaining: 10, resetsAt, exceeded: false });
    const { body } = await consume(key, { amount: 4 }).expect(200);
    expect(body).toEqual({ used: 4, limit: 10, remaining: 6, resetsAt, exceeded: false });
    await consume(key, { amount: 6 }).expect(200);
    expect(await usage(key)).toEqual({ used: 10, limit: 10, remaining: 0, resetsAt, exceeded: false });
    const row = (await tenon.http.get(`${path}/features/${key}`).set(member.auth).expect(200)).body;
    expect(row).toMatchObject({ metering: { period: 'month', enforcement: 'hard' }, usage: await usage(key) });
  });

  it('ends at a hard limit: 409 says all of it, nothing is counted and no key is kept', async () => {
    const key = await metered(10);
    await consume(key, { amount: 8 }).expect(200);
    const refused = await consume(key, { amount: 3, idempotencyKey: 'again' }).expect(409);
    expect(refused.body).toMatchObject({
      code: 'feature_limit_reached',
      detail: `3 of ${key} cannot be used: the limit is 10, used are 8, 2 remain, and it begins anew at ${nextStart('month')}`,
    });
    expect(await usage(key)).toMatchObject({ used: 8, remaining: 2 });
    expect(await keysOf(key)).toHaveLength(1);
    // So that the same call goes through once there is room.
    await put(key, 11);
    expect((await consume(key, { amount: 3, idempotencyKey: 'again' }).expect(200)).body).toMatchObject({ used: 11 });
    expect((await consume(await metered(5), { amount: 6 }).expect(409)).body.detail).toContain('used are 0');
  });

  it('goes on beyond a soft one, and says so', async () => {
    const key = await metered(10, { enforcement: 'soft' });
    expect((await consume(key, { amount: 10 }).expect(200)).body).toMatchObject({ remaining: 0, exceeded: false });
    expect((await consume(key, { amount: 10 }).expect(200)).body).toMatchObject({
      used: 20,
      limit: 10,
      remaining: 0,
      exceeded: true,
    });
  });

  it.each(['hour', 'day', 'week', 'month', 'year', 'never'])('by the %s in UTC', async (period) => {
    const key = await metered(10, { period });
    const before = nextStart(period);
    const { body } = await consume(key).expect(200);
    // A period may end in between.
    expect([before, nextStart(period)]).toContain(body.resetsAt);
    expect([before, nextStart(period)]).toContain((await usage(key)).resetsAt);
  });

  it('periods are those of the calendar in UTC, whatever the time zone of the session', async () => {
    const client = await db.sql.connect();
    await client.query(`set timezone = 'Pacific/Auckland'`);
    const at = async (period: string, instant: string) => {
      const { rows: found } = await client.query('select * from feature_period($1, $2)', [period, instant]);
      const { starts_at: from, resets_at: to } = found[0] as { starts_at: Date; resets_at: Date | null };
      return [from.toISOString(), to?.toISOString() ?? null];
    };
    try {
      expect(await at('hour', '2026-03-29T01:30:00Z')).toEqual([
        '2026-03-29T01:00:00.000Z',
        '2026-03-29T02:00:00.000Z',
      ]);
      expect(await at('day', '2026-09-26T23:59:59Z')).toEqual(['2026-09-26T00:00:00.000Z', '2026-09-27T00:00:00.000Z']);
      expect(await at('week', '2026-11-29T23:59:59Z')).toEqual([
        '2026-11-23T00:00:00.000Z',
        '2026-11-30T00:00:00.000Z',
      ]);
      expect(await at('month', '2028-02-29T12:00:00Z')).toEqual([
        '2028-02-01T00:00:00.000Z',
        '2028-03-01T00:00:00.000Z',
      ]);
      expect(await at('year', '2026-12-31T23:59:59Z')).toEqual([
        '2026-01-01T00:00:00.000Z',
        '2027-01-01T00:00:00.000Z',
      ]);
      expect(await at('never', '2026-12-31T23:59:59Z')).toEqual(['1970-01-01T00:00:00.000Z', null]);
    } finally {
      client.release(true);
    }
  });

  it('begins anew with the next period', async () => {
    const key = await metered(10);
    await consume(key, { amount: 10 }).expect(200);
    await consume(key).expect(409);
    await db.sql.query(
      `update feature_meters set period_start = period_start - interval '31 days', resets_at = resets_at - interval '31 days'
        where feature_key = $1`,
      [key],
    );
    expect((await consume(key).expect(200)).body).toMatchObject({ used: 1, remaining: 9 });
  });

  it('is of each environment by itself', async () => {
    const key = await metered(10, { configurations: { staging: { enabled: true } } });
    await consume(key, { amount: 10 }).expect(200);
    expect((await consume(key, { amount: 2, environment: 'staging' }).expect(200)).body).toMatchObject({ used: 2 });
    expect(await usage(key, 'staging')).toMatchObject({ used: 2 });
    expect(await usage(key, 'development')).toMatchObject({ used: 0 });
    const unknown = await consume(key, { environment: 'nowhere' }).expect(400);
    expect(unknown.body.errors).toMatchObject([{ field: 'environment', code: 'environment_unknown' }]);
  });

  it('limits are what the feature is for the organization: plan, override, kill switch', async () => {
    const key = await metered(1, { plans: { standard: 4.9 } });
    expect(await usage(key)).toMatchObject({ limit: 4 });
    await put(key, 2.5);
    expect(await usage(key)).toMatchObject({ limit: 2 });
    await put(key, -3);
    expect(await usage(key)).toMatchObject({ limit: 0 });
    await consume(key).expect(409);
    const huge = await metered(1e300);
    expect((await consume(huge, { amount: 1_000_000_000 }).expect(200)).body.limit).toBe(Number.MAX_SAFE_INTEGER);
    const off = await metered(3, { plans: { standard: 9 }, configurations: { production: { enabled: false } } });
    expect(await usage(off)).toMatchObject({ limit: 3 });
  });

  it('a limit below what is used leaves it used', async () => {
    const key = await metered(10);
    await consume(key, { amount: 9 }).expect(200);
    await put(key, 5);
    expect(await usage(key)).toMatchObject({ used: 9, limit: 5, remaining: 0, exceeded: true });
    expect((await consume(key).expect(409)).body.detail).toContain('the limit is 5, used are 9, 0 remain');
  });

  it('is no matter of features that are not counted, or not there', async () => {
    const [plain, draft] = await insertFeatures(
      tenon,
      { type: 'number', defaultValue: 5 },
      { type: 'number', defaultValue: 5, lifecycle: 'draft', metering: { period: 'day', enforcement: 'hard' } },
    );
    expect((await consume(plain!).expect(409)).body.code).toBe('feature_not_metered');
    const { body } = await tenon.http.get(`${path}/features/${plain}/usage`).set(member.auth).expect(409);
    expect(body.code).toBe('feature_not_metered');
    for (const key of [draft!, 'never-heard-of']) {
      await consume(key).expect(404);
      await tenon.http.get(`${path}/features/${key}/usage`).set(member.auth).expect(404);
    }
    expect(await keysOf(plain!)).toEqual([]);
    // One that this instance still takes for active, and the database does not.
    const gone = await metered(5);
    await db.sql.query(`update feature_definitions set lifecycle = 'archived' where key = $1`, [gone]);
    await consume(gone).expect(404);
  });

  it('case 7, case 43: takes nothing else', async () => {
    const key = await metered(10);
    const wrong: object[] = [
      ...[0, -1, 1.5, 1_000_000_001, 1e308, '1', null, [1], {}, true, '1;DROP'].map((amount) => ({ amount })),
      ...['', ' ', 'a b', 'é', 'x'.repeat(201), 5, null, {}, ['x']].map((idempotencyKey) => ({ idempotencyKey })),
      ...['', 'A b', null, 5, ['staging']].map((environment) => ({ environment })),
      { limit: 100 },
      { organizationId },
    ];
    for (const use of wrong)
      expect((await consume(key, use).expect(400)).body.code, JSON.stringify(use)).toBe('validation_failed');
    await tenon.http.post(`${path}/features/${key}/consume`).set(member.auth).send({ amount: 1 }).expect(400);
    expect(await usage(key)).toMatchObject({ used: 0 });
    const odd = `'; drop table feature_meters; --`.replaceAll(' ', '_');
    await consume(key, { idempotencyKey: odd }).expect(200);
    expect(await keysOf(key)).toEqual([odd]);
  });

  it('case 2: is for who may use it up, in their own organization', async () => {
    const key = await metered(10);
    const viewer = await insertMember(tenon, organizationId, 'viewer');
    expect((await consume(key, {}, viewer).expect(403)).body.code).toBe('permission_denied');
    await tenon.http.get(`${path}/features/${key}/usage`).set(viewer.auth).expect(200);
    const theirs = await insertOrganization(db);
    const they = await insertMember(tenon, theirs.organizationId, 'owner');
    await consume(key, {}, they).expect(404);
    await tenon.http.get(`${path}/features/${key}/usage`).set(they.auth).expect(404);
    await consume(key, { amount: 10, idempotencyKey: 'ours' }).expect(200);
    // The same key of another organization is another one.
    const { body } = await tenon.http
      .post(`${theirs.path}/features/${key}/consume`)
      .set(they.auth)
      .send({ amount: 3, idempotencyKey: 'ours' })
      .expect(200);
    expect(body).toMatchObject({ used: 3, remaining: 7 });
  });

  it('is counted by an API key in its own environment alone', async () => {
    const key = await metered(10);
    const account = await insertServiceAccount(db, organizationId);
    const shop = await insertApiKey(db, organizationId, account, {
      environment: 'staging',
      scopes: ['features:consume'],
    });
    expect((await consume(key, { amount: 3 }, shop).expect(200)).body).toMatchObject({ used: 3, remaining: 7 });
    expect((await usage(key, 'staging')).used).toBe(3);
    expect((await usage(key, 'production')).used).toBe(0);
    const refused = await consume(key, { environment: 'production' }, shop).expect(403);
    expect(refused.body).toMatchObject({ code: 'permission_denied', detail: 'The API key is for staging' });
    const without = await insertApiKey(db, organizationId, account, { scopes: ['features:evaluate', 'features:read'] });
    expect((await consume(key, {}, without).expect(403)).body.code).toBe('permission_denied');
    const elsewhere = await insertOrganization(db);
    const use = { amount: 1, idempotencyKey: newUse() };
    await tenon.http.post(`${elsewhere.path}/features/${key}/consume`).set(shop.auth).send(use).expect(404);
    const answers = await atOnce(50, () => consume(key, { idempotencyKey: 'once' }, shop));
    expect(countStatuses(answers)).toEqual({ 200: 50 });
    expect((await usage(key, 'staging')).used).toBe(4);
  });

  it('is not told in the trail call by call', async () => {
    const before = (await rows('select count(*)::int as count from audit_log'))[0].count;
    const key = await metered(10);
    await consume(key).expect(200);
    expect((await rows('select count(*)::int as count from audit_log'))[0].count).toBe(before);
    expect(await entriesOf(db, 'feature.consumed')).toEqual([]);
  });
});

describe('F5 case 1: the same use again', () => {
  it('has no second effect and the same answer, also when the limit is reached or another one since', async () => {
    const key = await metered(10);
    const use = { amount: 4, idempotencyKey: 'once' };
    const { body } = await consume(key, use).expect(200);
    await consume(key, { amount: 6 }).expect(200);
    await put(key, 7);
    for (const instance of [tenon, other])
      expect((await consume(key, use, member, instance).expect(200)).body).toEqual(body);
    expect(await usage(key)).toMatchObject({ used: 10 });
    const reused = await consume(key, { ...use, amount: 5 }).expect(409);
    expect(reused.body.code).toBe('idempotency_key_reused');
    expect(await usage(key)).toMatchObject({ used: 10 });
  });

  it('50 at once, on two instances: one effect, the same answer', async () => {
    const key = await metered(100);
    const use = { amount: 7, idempotencyKey: 'once' };
    const answers = await atOnce(50, (n) => consume(key, use, member, n % 2 ? tenon : other));
    expect(countStatuses(answers)).toEqual({ 200: 50 });
    for (const { body } of answers) expect(body).toEqual(answers[0]!.body);
    expect(await usage(key)).toMatchObject({ used: 7 });
  });

  it('50 at once beyond the limit: none goes through, and no key is left', async () => {
    const key = await metered(5);
    const answers = await atOnce(50, (n) =>
      consume(key, { amount: 6, idempotencyKey: 'once' }, member, n % 2 ? tenon : other),
    );
    expect(countStatuses(answers)).toEqual({ 409: 50 });
    expect(await keysOf(key)).toEqual([]);
    expect(await usage(key)).toMatchObject({ used: 0 });
  });
});

describe('F5 500 at once against a limit of 100, on two instances', () => {
  it('100 go through when it is hard', async () => {
    const key = await metered(100);
    const answers = await atOnce(500, (n) => consume(key, {}, member, n % 2 ? tenon : other));
    expect(countStatuses(answers)).toEqual({ 200: 100, 409: 400 });
    expect(await usage(key)).toMatchObject({ used: 100, remaining: 0 });
    expect(await keysOf(key)).toHaveLength(100);
    const used = answers.filter(({ status }) => status === 200).map(({ body }) => body.used as number);
    expect(used.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, n) => n + 1));
  });

  it('all when it is soft, each counted', async () => {
    const key = await metered(100, { enforcement: 'soft' });
    const answers = await atOnce(500, (n) => consume(key, {}, member, n % 2 ? tenon : other));
    expect(countStatuses(answers)).toEqual({ 200: 500 });
    expect(await usage(key)).toMatchObject({ used: 500, exceeded: true });
  });

  it('no more than the limit while it changes', async () => {
    const key = await metered(60);
    const [, answers] = await Promise.all([
      put(key, 40),
      atOnce(200, (n) => consume(key, {}, member, n % 2 ? tenon : other)),
    ]);
    const through = countStatuses(answers)[200]!;
    expect(through).toBeLessThanOrEqual(60);
    expect(through).toBeGreaterThanOrEqual(40);
    expect(await usage(key)).toMatchObject({ used: through, limit: 40 });
  });
});

describe('F5 O8: the function of the database', () => {
  it('case 4: counts nothing for another tenant, or without one', async () => {
    const key = await metered(10);
    const theirs = await insertOrganization(db);
    const call = (context: string) => async (): Promise<void> => {
      const client = await db.sql.connect();
      try {
        await client.query(`begin; set local role tenon_app; ${context}`);
        await client.query(`select * from consume_feature($1, $2, 'production', 'x', 1, 10)`, [organizationId, key]);
      } finally {
        await client.query('rollback');
        client.release();
      }
    };
    await expect(call(`set local app.organization_id = '${theirs.organizationId}'`)()).rejects.toThrow(
      'row-level security',
    );
    await expect(call('')()).rejects.toThrow('row-level security');
    expect(await usage(key)).toMatchObject({ used: 0 });
  });
});

describe('F5 what is not needed any more', () => {
  it('keys go after 7 days, meters 13 months after their period', async () => {
    const [key, forever] = [await metered(10), await metered(10, { period: 'never' })];
    for (const idempotencyKey of ['old', 'new']) await consume(key, { idempotencyKey }).expect(200);
    await consume(forever).expect(200);
    const [row] = await rows(
      'select expires_at - created_at as kept from feature_consumptions where feature_key = $1',
      key,
    );
    expect(row.kept).toMatchObject({ days: 7 });
    await rows(`update feature_consumptions set expires_at = now() - interval '1 s' where idempotency_key = 'old'`);
    for (const [months, used] of [
      [12, 12],
      [15, 15],
    ])
      await rows(
        `insert into feature_meters (organization_id, feature_key, environment_key, period_start, used, resets_at, updated_at)
         select $1, $2, 'production', starts_at, $3, resets_at, now() from feature_period('month', now() - $4::interval)`,
        organizationId,
        key,
        used,
        `${months} months`,
      );
    expect(await removeExpired(tenon.app, expiredConsumptions)).toBe(1);
    expect(await keysOf(key)).toEqual(['new']);
    expect(await removeExpired(tenon.app, expiredMeters)).toBe(1);
    const left = await rows('select used from feature_meters where organization_id = $1 order by used', organizationId);
    expect(left.map(({ used }) => Number(used))).toEqual([1, 2, 12]);
  });

  it('goes with its feature', async () => {
    const key = await metered(10);
    await consume(key).expect(200);
    await changeFeatures(tenon, [key], (em) => em.execute('delete from feature_definitions where key = ?', [key]));
    expect(await rows('select from feature_meters where feature_key = $1', key)).toEqual([]);
    await consume(key).expect(404);
  });
});
