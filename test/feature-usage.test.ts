import { MikroORM } from '@mikro-orm/postgresql';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { FeatureUsage } from '../src/features/usage/feature-usage.js';
import { createUsagePartitions, dropOldUsage, rollUpUsage } from '../src/features/usage/usage.cleanup.js';
import { bitOf, newSketch, see, toHex } from '../src/features/usage/sketch.js';
import { MOST_USER_ROWS } from '../src/features/usage/usage-write.queries.js';
import { atOnce, countStatuses } from './harness/accounts.js';
import { insertApiKey } from './harness/api-keys.js';
import { startApp, type TestApp } from './harness/app.js';
import { createDatabase, type TestDatabase } from './harness/database.js';
import { type FeatureAdmin, featureAdmin } from './harness/feature-admin.js';
import { insertFeatures, insertOverride, knownTo } from './harness/features.js';
import { askFlags } from './harness/flags.js';
import { insertMember, insertOrganization, type Member } from './harness/organizations.js';

/** One for both instances: tokens name it. */
const PUBLIC_URL = 'http://tenon.test';

let db: TestDatabase;
let tenon: TestApp;
let other: TestApp;
let api: FeatureAdmin;
let path: string;
let organizationId: string;
let admin: Member;
let client: { authorization: string };
beforeAll(async () => {
  db = await createDatabase();
  [tenon, other] = [await startApp({ db, env: { PUBLIC_URL } }), await startApp({ db, env: { PUBLIC_URL } })];
  api = await featureAdmin(tenon);
  await partitions('user_feature_usage', 'YYYYMMDD', 60, '1 day');
  for (const table of ['feature_usage_days', 'organization_usage_days'])
    await partitions(table, 'YYYYMM', 430, '1 month');
});
beforeEach(async () => {
  ({ path, organizationId } = await insertOrganization(db));
  admin = await insertMember(tenon, organizationId, 'admin');
  ({ auth: client } = await insertApiKey(db, organizationId, { userId: admin.userId }));
});
afterAll(async () => {
  await Promise.all([tenon.close(), other.close()]);
  await db.drop();
});

const rows = async (text: string, ...values: unknown[]) => (await db.sql.query(text, values)).rows;
const em = () => tenon.app.get(MikroORM).em.fork();

/** Makes partitions of days that are past, as they would be if Tenon had run so long. */
async function partitions(table: string, suffix: string, daysBack: number, step: string): Promise<void> {
  const unit = step.slice(2);
  await rows(
    `select create_feature_usage_partition($1, to_char(at, $2), at::date, (at + $3::interval)::date)
       from generate_series(date_trunc($4, now() at time zone 'UTC' - make_interval(days => $5)), now() at time zone 'UTC', $3::interval) at`,
    table,
    suffix,
    step,
    unit,
    daysBack,
  );
}

/** A day so many days ago. */
const day = (ago: number): string => new Date(Date.now() - ago * 86_400_000).toISOString().slice(0, 10);
const flush = async (...instances: TestApp[]): Promise<void> => {
  for (const { app } of instances) await app.get(FeatureUsage).flush();
};
const evaluate = (keys: string[] | undefined, user?: string, instance = tenon) =>
  instance.http
    .post(`${path}/features/evaluate`)
    .set(client)
    .send({ ...(keys && { keys }), context: user === undefined ? {} : { targetingKey: user } })
    .expect(200);
const chart = async (query: object = {}, who: { auth: Record<string, string> } = admin) =>
  (await tenon.http.get(`${path}/feature-usage`).query(query).set(who.auth).expect(200)).body;

/** Counts of days that are past, of the organization and in total. */
async function used(
  feature: string,
  value: string,
  days: number[],
  {
    evaluations = 10,
    users = 2,
    organizations = 1,
  }: { evaluations?: number; users?: number; organizations?: number } = {},
) {
  for (const ago of days) {
    const counts = [feature, value, day(ago), evaluations, users];
    await rows(
      `insert into organization_usage_days (organization_id, environment_key, feature_key, value, day, evaluations, users)
       values ($6, 'production', $1, $2, $3, $4, $5)`,
      ...counts,
      organizationId,
    );
    await rows(
      `insert into feature_usage_days (environment_key, feature_key, value, day, evaluations, users, organizations)
       values ('production', $1, $2, $3, $4, $5, $6)`,
      ...counts,
      organizations,
    );
  }
}

/** What is written of a feature, or of all at once, in the organization: value, evaluations and users. */
const counted = async (key: string) =>
  (
    await rows(
      `select value, evaluations::int, greatest(users, estimate_seen(users_seen)) as users
         from organization_usage_days where feature_key = $1 and organization_id = $2 order by 1`,
      key,
      organizationId,
    )
  ).map(({ value, evaluations, users }) => [value, evaluations, users]);
/** What is written of a feature in total: value, evaluations, users and organizations. */
const total = async (key: string) =>
  (
    await rows(
      `select value, evaluations::int, greatest(users, estimate_seen(users_seen)) as users,
              greatest(organizations, estimate_seen(organizations_seen)) as organizations
         from feature_usage_days where feature_key = $1 order by 1`,
      key,
    )
  ).map(({ value, evaluations, users, organizations }) => [value, evaluations, users, organizations]);
const usersOf = async (): Promise<[string, string, number][]> =>
  (
    await rows(
      'select user_key, feature_key, evaluations::int from user_feature_usage where organization_id = $1 order by 1, 2',
      organizationId,
    )
  ).map(({ user_key, feature_key, evaluations }) => [user_key, feature_key, evaluations]);

const inGermany = (value: unknown = true) => ({
  production: {
    rules: [
      {
        name: 'Germany',
        when: [{ attribute: 'country', operator: 'in' as const, values: ['de'] }],
        value: value as boolean,
      },
    ],
  },
});

describe('F13 counting', () => {
  it('is exact with 1,000 evaluations at once, over both APIs and two instances', async () => {
    const [key, variant] = (await insertFeatures(
      tenon,
      { configurations: inGermany() },
      {
        type: 'string',
        defaultValue: 'grey',
        variants: [{ key: 'blue', value: '#00f' }],
        configurations: { production: { rollout: { by: 'targetingKey', percentage: 100 } } },
      },
    )) as [string, string];
    await knownTo(other, key);
    const answers = await atOnce(1_000, async (index) => {
      const instance = index % 2 ? tenon : other;
      const context = { targetingKey: `user-${index % 50}`, country: index % 4 < 2 ? 'de' : 'fr' };
      if (index < 500) return askFlags(instance, client, { key, context });
      return instance.http
        .post(`${path}/features/evaluate`)
        .set(client)
        .send({ keys: [key, variant], context });
    });
    expect(countStatuses(answers)).toEqual({ 200: 1_000 });
    expect(await counted(key)).toEqual([]);
    await flush(tenon, other);
    expect((await counted(key)).map(([value, evaluations]) => [value, evaluations])).toEqual([
      ['false', 500],
      ['true', 500],
    ]);
    expect(
      (await total(key)).map(([value, evaluations, , organizations]) => [value, evaluations, organizations]),
    ).toEqual([
      ['false', 500, 1],
      ['true', 500, 1],
    ]);
    const [[label, evaluations, users]] = (await counted(variant)) as [[string, number, number]];
    expect([label, evaluations]).toEqual(['blue', 500]);
    // A sketch: two of 50 may have the same bit.
    expect(Math.abs(users - 50)).toBeLessThanOrEqual(8);
    const kept = await usersOf();
    expect(kept).toHaveLength(100);
    expect(kept.filter(([, feature]) => feature === key).reduce((sum, [, , times]) => sum + times, 0)).toBe(1_000);
  });

  it('an answer with all features, kept and unchanged ones, counts for each of them', async () => {
    const [key] = (await insertFeatures(tenon, { configurations: inGermany() })) as [string];
    await knownTo(other, key);
    const context = { targetingKey: 'ada', country: 'de' };
    const first = await askFlags(tenon, client, { context });
    // Made once, made and kept, given again.
    for (let time = 0; time < 2; time += 1) expect((await askFlags(tenon, client, { context })).status).toBe(200);
    const tag = { 'if-none-match': first.etag! };
    for (let time = 0; time < 3; time += 1)
      expect((await askFlags(tenon, client, { context, ...tag })).status).toBe(304);
    // One that the other instance has made.
    for (let time = 0; time < 2; time += 1)
      expect((await askFlags(other, client, { context, ...tag })).status).toBe(304);
    await evaluate(undefined, 'ada', other);
    await flush(tenon, other);
    expect(await total(key)).toEqual([
      ['false', 1, 1, 1],
      ['true', 8, 1, 1],
    ]);
    // Of the organization, that it asked for all: a row for each feature would be a million for 5,000 organizations and 200 features.
    expect(await counted('*')).toEqual([['', 9, 1]]);
    expect(await counted(key)).toEqual([]);
    expect(await usersOf()).toEqual([['ada', '*', 9]]);
    const now = { value: null, users: [1] };
    expect((await chart({ from: day(0), feature: key })).series).toEqual([{ feature: null, evaluations: [9], ...now }]);
  });

  it('counts no value that OFREP refuses to tell, for want of the targeting key', async () => {
    const [split, plain] = (await insertFeatures(
      tenon,
      { configurations: { production: { rollout: { by: 'targetingKey', percentage: 50 } } } },
      {},
    )) as [string, string];
    for (let time = 0; time < 3; time += 1) {
      expect((await askFlags(tenon, client, { key: split })).body.errorCode).toBe('TARGETING_KEY_MISSING');
      expect((await askFlags(tenon, client)).status).toBe(200);
    }
    await flush(tenon);
    expect(await total(split)).toEqual([]);
    expect(await counted(split)).toEqual([]);
    expect(await total(plain)).toEqual([['false', 3, 0, 1]]);
  });

  it('counts nobody as no user, and what is asked in another environment there', async () => {
    const [key] = (await insertFeatures(tenon, {})) as [string];
    const { auth } = await insertApiKey(db, organizationId, { userId: admin.userId }, { environment: 'staging' });
    await askFlags(tenon, auth, { key });
    await evaluate([key, key]);
    await evaluate([key], '');
    await flush(tenon);
    const found = await rows(
      'select environment_key, evaluations::int, users_seen is null as nobody from organization_usage_days where feature_key = $1 order by 1',
      key,
    );
    expect(found).toEqual([
      { environment_key: 'production', evaluations: 3, nobody: true },
      { environment_key: 'staging', evaluations: 1, nobody: true },
    ]);
    expect(await usersOf()).toEqual([]);
  });

  it('not what admins look at: entitlements, impact and previews', async () => {
    const [key] = (await insertFeatures(tenon, {})) as [string];
    await tenon.http.get(`${path}/features`).set(admin.auth).expect(200);
    await tenon.http.get(`${path}/features/${key}`).set(admin.auth).expect(200);
    await api.get(`/api/v1/features/${key}/impact`).expect(200);
    await api.post(`/api/v1/features/${key}/impact`, { definition: { defaultValue: true } }).expect(200);
    await flush(tenon);
    expect(await counted(key)).toEqual([]);
  });

  it('values and users that are long are named by their hashes', async () => {
    const [key] = (await insertFeatures(tenon, { type: 'json', defaultValue: { text: 'x'.repeat(500) } })) as [string];
    const user = 'y'.repeat(2_000);
    await evaluate([key], user);
    await flush(tenon);
    const hash = expect.stringMatching(/^sha256:[0-9a-f]{32}$/);
    expect(await counted(key)).toEqual([[hash, 1, 1]]);
    expect(await usersOf()).toEqual([[hash, key, 1]]);
    expect((await chart({ userKey: user })).series).toHaveLength(1);
  });

  it('goes with an organization that is removed meanwhile, and leaves the others’', async () => {
    const [key] = (await insertFeatures(tenon, {})) as [string];
    const gone = await insertOrganization(db);
    const somebody = await insertMember(tenon, gone.organizationId, 'admin');
    await tenon.http
      .post(`${gone.path}/features/evaluate`)
      .set(somebody.auth)
      .send({ keys: [key] })
      .expect(200);
    await evaluate([key]);
    await rows('delete from organizations where id = $1', gone.organizationId);
    await flush(tenon);
    expect(await counted(key)).toEqual([['false', 1, 0]]);
  });

  it('what cannot be written is kept for the next time', async () => {
    const [key] = (await insertFeatures(tenon, {})) as [string];
    await evaluate([key], 'ada');
    await rows('alter table feature_usage_days add constraint broken check (evaluations < 0) not valid');
    try {
      await expect(flush(tenon)).rejects.toThrow('broken');
      await evaluate([key], 'bob');
    } finally {
      await rows('alter table feature_usage_days drop constraint broken');
    }
    expect(await counted(key)).toEqual([]);
    await flush(tenon);
    expect(await counted(key)).toEqual([['false', 2, 2]]);
    expect(await usersOf()).toEqual([
      ['ada', key, 1],
      ['bob', key, 1],
    ]);
  });

  it('a process that stops writes down what every answer told', async () => {
    const [key] = (await insertFeatures(tenon, {})) as [string];
    const leaving = await startApp({ db, env: { PUBLIC_URL } });
    await evaluate([key], 'ada', leaving);
    const asking = atOnce(50, () =>
      askFlags(leaving, client, { key }).then(
        ({ status }) => status,
        () => 0,
      ),
    );
    await leaving.close();
    const told = (await asking).filter((status) => status === 200).length;
    expect((await counted(key)).map(([, evaluations]) => evaluations)).toEqual([1 + told]);
  });
});

describe('F13 bounds', () => {
  it(`${MOST_USER_ROWS} users of an organization and day are kept; the others are counted in total`, async () => {
    const [key] = (await insertFeatures(tenon, {})) as [string];
    await rows(
      `insert into user_feature_usage select $1, 'production', 'known-' || i, $2, (now() at time zone 'UTC')::date, 1
         from generate_series(1, $3::int) i`,
      organizationId,
      key,
      MOST_USER_ROWS - 1,
    );
    for (const user of ['new-1', 'new-2', 'known-7']) await evaluate([key], user);
    await flush(tenon);
    const kept = await usersOf();
    expect(kept).toHaveLength(MOST_USER_ROWS);
    expect(kept.filter(([user]) => user.startsWith('new'))).toEqual([['new-1', key, 1]]);
    expect(kept.find(([user]) => user === 'known-7')).toEqual(['known-7', key, 2]);
    expect(await counted(key)).toEqual([['false', 3, 3]]);
  });

  it.each([2, 7, 100, 3_000, 40_000, 1_000_000])('%i users are told from their sketch', async (users) => {
    const sketches = [newSketch(), newSketch()] as const;
    for (let user = 0; user < users; user += 1) see(sketches[user % 2]!, bitOf(`user-${user}`));
    const [{ seen }] = await rows(
      `select estimate_seen(('x' || $1)::bit(2048) | ('x' || $2)::bit(2048)) as seen`,
      ...sketches.map(toHex),
    );
    // The users are the same in every run, so that this is no matter of luck; 8 % is one standard error.
    expect(Math.abs(seen - users) / users).toBeLessThan(users < 10 ? 0.01 : 0.16);
  });

  it('nobody is no one, and a full sketch ends at ten million', async () => {
    const [{ nobody, none, full }] = await rows(
      `select estimate_seen(null::bit(2048)) as nobody, estimate_seen(0::bit(2048)) as none, estimate_seen(~ 0::bit(2048)) as full`,
    );
    expect([nobody, none]).toEqual([null, 0]);
    expect(full).toBeGreaterThan(10_000_000);
  });

  it('partitions are made ahead, closed, and dropped when they are old, by the system alone', async () => {
    expect(await createUsagePartitions(em())).toBe(0);
    const ahead = `user_feature_usage_p${day(-7).replaceAll('-', '')}`;
    await rows(`drop table ${ahead}`);
    const made = await Promise.all([1, 2, 3].map(() => createUsagePartitions(em())));
    expect(made.toSorted()).toEqual([0, 0, 1]);
    const [found] = await rows(
      `select relrowsecurity and relforcerowsecurity as forced, has_table_privilege('tenon_app', oid, 'select') as open
         from pg_class where relname = $1`,
      ahead,
    );
    expect(found).toEqual({ forced: true, open: false });
    const client = await db.sql.connect();
    try {
      await client.query('begin; set local role tenon_app');
      await expect(client.query('select drop_feature_usage_partitions(30, 13)')).rejects.toThrow('permission denied');
      await client.query('rollback; begin; set local role tenon_system');
      await expect(client.query('select drop_feature_usage_partitions(0, 0)')).rejects.toThrow('has to be between');
    } finally {
      await client.query('rollback');
      client.release();
    }
    expect(await dropOldUsage(em())).toBeGreaterThan(0);
    expect(await dropOldUsage(em())).toBe(0);
    const [left] = await rows(
      `select count(*) filter (where c.relname like 'user%')::int as days,
              count(*) filter (where c.relname like 'feature%')::int as months,
              count(*) filter (where c.relname like 'organization%')::int as months_of_organizations
         from pg_inherits join pg_class c on c.oid = inhrelid
        where inhparent in ('user_feature_usage'::regclass, 'feature_usage_days'::regclass, 'organization_usage_days'::regclass)`,
    );
    expect(left.days).toBe(30 + 1 + 7);
    expect(left.months).toBeGreaterThanOrEqual(14);
    expect(left.months).toBeLessThanOrEqual(15);
    expect(left.months_of_organizations).toBe(left.months);
  });

  it('days that are over are rolled up: twice, or killed in the middle, makes no difference', async () => {
    const [key] = (await insertFeatures(tenon, {})) as [string];
    for (const user of ['ada', 'bob', 'cid']) await evaluate([key], user);
    await flush(tenon);
    expect(await rollUpUsage(em())).toBe(0);
    for (const table of ['feature_usage_days', 'organization_usage_days'])
      await rows(`update ${table} set day = $2 where feature_key = $1`, key, day(1));
    const stored = async () => ({
      total: await rows(
        `select users, users_seen is null and organizations_seen is null as closed, organizations, evaluations::int
           from feature_usage_days where feature_key = $1`,
        key,
      ),
      own: await rows(
        'select users, users_seen is null as closed, evaluations::int from organization_usage_days where feature_key = $1',
        key,
      ),
    });
    await rows(
      `alter table feature_usage_days add constraint broken check (users_seen is not null or feature_key <> '${key}') not valid`,
    );
    await expect(rollUpUsage(em())).rejects.toThrow('broken');
    await rows('alter table feature_usage_days drop constraint broken');
    expect(await stored()).toEqual({
      total: [{ users: 0, organizations: 0, closed: false, evaluations: 3 }],
      own: [{ users: 0, closed: false, evaluations: 3 }],
    });
    const closed = {
      total: [{ users: 3, organizations: 1, closed: true, evaluations: 3 }],
      own: [{ users: 3, closed: true, evaluations: 3 }],
    };
    expect((await Promise.all([rollUpUsage(em()), rollUpUsage(em())])).toSorted()).toEqual([0, 2]);
    expect(await stored()).toEqual(closed);
    expect(await rollUpUsage(em())).toBe(0);
    expect(await stored()).toEqual(closed);
  });
});

describe('F13 charts', () => {
  it('of an organization: by feature, value and day, with zeros in the gaps', async () => {
    const [one, two] = (await insertFeatures(tenon, {}, {})) as [string, string];
    await used(one, 'true', [2, 4], { evaluations: 7, users: 3 });
    await used(one, 'false', [3], { evaluations: 5, users: 1 });
    await used(two, '"blue"', [2]);
    const range = { from: day(4), to: day(1) };
    expect(await chart({ ...range, feature: one })).toEqual({
      environment: 'production',
      interval: 'day',
      days: [day(4), day(3), day(2), day(1)],
      series: [
        { feature: one, value: 'false', evaluations: [0, 5, 0, 0], users: [0, 1, 0, 0] },
        { feature: one, value: 'true', evaluations: [7, 0, 7, 0], users: [3, 0, 3, 0] },
      ],
    });
    const all = await chart(range);
    expect(all.series.map(({ feature }: { feature: string }) => feature)).toEqual([one, one, two].toSorted());
    expect((await chart({ environment: 'staging' })).series).toEqual([]);
    expect((await chart()).days).toHaveLength(30);
  });

  it('of a user: what was asked by its key, and all at once', async () => {
    const [key] = (await insertFeatures(tenon, {})) as [string];
    await evaluate([key], 'ada');
    await evaluate([key], 'ada');
    await evaluate(undefined, 'ada');
    await evaluate([key], 'bob');
    await flush(tenon);
    const { series } = await chart({ userKey: 'ada', from: day(1) });
    const counts = { value: null, users: [0, 1] };
    expect(series).toEqual([
      { feature: null, evaluations: [0, 1], ...counts },
      { feature: key, evaluations: [0, 2], ...counts },
    ]);
    expect((await chart({ userKey: 'nobody' })).series).toEqual([]);
  });

  it('another tenant sees nothing of it, nor who may not', async () => {
    const [key] = (await insertFeatures(tenon, {})) as [string];
    await evaluate([key], 'ada');
    await flush(tenon);
    const elsewhere = await insertOrganization(db);
    const stranger = await insertMember(tenon, elsewhere.organizationId, 'owner');
    await tenon.http.get(`${path}/feature-usage`).set(stranger.auth).expect(404);
    const { body } = await tenon.http.get(`${elsewhere.path}/feature-usage`).set(stranger.auth).expect(200);
    expect(body.series).toEqual([]);
    const viewer = await insertMember(tenon, organizationId, 'viewer');
    await tenon.http.get(`${path}/feature-usage`).set(viewer.auth).expect(403);
    // Nor by SQL.
    const connection = await db.sql.connect();
    try {
      await connection.query(
        `begin; set local role tenon_app; select set_config('app.organization_id', '${elsewhere.organizationId}', true)`,
      );
      for (const table of ['organization_usage_days', 'user_feature_usage'])
        expect((await connection.query(`select from ${table}`)).rowCount).toBe(0);
      await connection.query('savepoint before');
      for (const sql of ['update organization_usage_days set evaluations = 0', 'select from feature_usage_days']) {
        await expect(connection.query(sql)).rejects.toThrow('permission denied');
        await connection.query('rollback to before');
      }
    } finally {
      await connection.query('rollback');
      connection.release();
    }
  });

  it('of a feature, over all organizations, for platform admins', async () => {
    const [key] = (await insertFeatures(tenon, {})) as [string];
    await used(key, 'true', [2]);
    await used(key, 'true', [1], { organizations: 2, evaluations: 15, users: 6 });
    const { body } = await api.get(`/api/v1/features/${key}/usage?from=${day(2)}&to=${day(0)}`).expect(200);
    expect(body).toEqual({
      environment: 'production',
      interval: 'day',
      days: [day(2), day(1), day(0)],
      series: [
        {
          feature: key,
          value: 'true',
          evaluations: [10, 15, 0],
          users: [2, 6, 0],
          organizations: [1, 2, 0],
        },
      ],
    });
    await api.get(`/api/v1/features/${key}/usage`, admin.auth).expect(403);
    await api.get('/api/v1/features/no-such-feature/usage').expect(404);
  });

  it.each([
    ['from=2026-02-30', 400],
    ['from=2026-11-02&to=2026-11-01', 400],
    ['from=2025-01-01&to=2026-11-01', 400],
    ['from=2026-09-01&to=2026-11-01', 400],
    ['from=2026-09-01&to=2026-11-01&feature=any', 200],
    ['environment=moon', 400],
    ['interval=hour', 400],
  ])('%s is %i', async (query, status) => {
    await tenon.http.get(`${path}/feature-usage?${query}`).set(admin.auth).expect(status);
  });
});

it('F13: more days than are shown at once are refused with how many they may be', async () => {
  for (const [query, most] of [
    ['from=2025-01-01&to=2026-11-01&feature=any', 400],
    ['from=2026-09-01&to=2026-11-01', 31],
  ]) {
    const { body } = await tenon.http.get(`${path}/feature-usage?${query}`).set(admin.auth).expect(400);
    expect(body.detail).toBe(`There are at most ${most} days from \`from\` to \`to\`, both included`);
  }
});

describe('F13 stale features', () => {
  interface Stale {
    key: string;
    kinds: string[];
    [kind: string]: unknown;
  }
  const stale = async (query = ''): Promise<Map<string, Stale>> => {
    const { body } = await api.get(`/api/v1/feature-usage/stale?perPage=200${query}`).expect(200);
    return new Map((body.data as Stale[]).map((one) => [one.key, one]));
  };
  /** Features that were made so many days ago. */
  async function old(ago: number, ...facts: Parameters<typeof insertFeatures>[1][]): Promise<string[]> {
    const keys = await insertFeatures(tenon, ...facts);
    await rows(
      `update feature_definitions set created_at = now() - make_interval(days => $2) where key = any($1)`,
      keys,
      ago,
    );
    return keys;
  }
  beforeAll(() =>
    rows(
      `insert into feature_usage_days (environment_key, feature_key, value, day, evaluations) values ('production', 'counted-long', 'true', $1, 1)`,
      day(200),
    ),
  );

  it('nobody asks: since when, and how long', async () => {
    const [never, once, asked, young] = (await old(100, {}, {}, {}, {})) as [string, string, string, string];
    await rows(`update feature_definitions set created_at = now() - interval '29 days' where key = $1`, young);
    await used(once, 'true', [50, 60]);
    await used(asked, 'true', [3]);
    const found = await stale();
    expect(found.get(never)).toMatchObject({
      kinds: ['unused'],
      unused: { lastAskedOn: null, since: day(100), days: 100 },
    });
    expect(found.get(once)).toMatchObject({
      kinds: ['unused'],
      unused: { lastAskedOn: day(50), since: day(49), days: 49 },
    });
    expect([found.has(asked), found.has(young)]).toEqual([false, false]);
    expect((await stale('&kind=unused&days=50')).has(once)).toBe(true);
    expect((await stale('&kind=unused&days=51')).has(once)).toBe(false);
    // Nothing was ever counted there, which proves nothing.
    expect((await stale('&environment=development')).has(never)).toBe(false);
  });

  it('says since when is counted, also where the list is empty', async () => {
    const countedSince = async (query: string): Promise<unknown> =>
      (await api.get(`/api/v1/feature-usage/stale?${query}`).expect(200)).body.countedSince;
    expect(await countedSince('')).toBe(day(200));
    expect(await countedSince('page=1000')).toBe(day(200));
    expect(await countedSince('environment=development')).toBeNull();
  });

  it('always the same: what, how often, for whom, and whether it could be another', async () => {
    const [free, ruled, other, late, overridden] = (await old(
      100,
      {},
      { configurations: inGermany() },
      {},
      {},
      {},
    )) as [string, string, string, string, string];
    for (const key of [ruled, other, overridden]) await used(key, 'true', [40, 30, 10]);
    await used(free, 'true', [40, 30]);
    await used(free, 'true', [10], { organizations: 2, evaluations: 20 });
    await used(ruled, 'false', [35]);
    await used(other, 'false', [20]);
    await used(late, 'true', [10]);
    await insertOverride(tenon, organizationId, overridden, true);
    const found = await stale('&kind=constant');
    expect(found.get(free)).toMatchObject({
      kinds: ['constant'],
      constant: { value: 'true', since: day(40), evaluations: 20, organizations: 2, couldVary: false },
      unused: null,
      expired: null,
    });
    expect(found.get(ruled)).toMatchObject({
      constant: { since: day(34), evaluations: 10, organizations: 1, couldVary: true },
    });
    expect(found.get(overridden)).toMatchObject({ constant: { couldVary: true } });
    expect([found.has(other), found.has(late)]).toEqual([false, false]);
  });

  it('past its date, whatever its age; drafts and archived ones are none', async () => {
    const address = await api.feature('short-lived', { removeBy: day(3) });
    await api.feature('for-today', { removeBy: day(0) });
    await api.feature('a-draft', { removeBy: day(3), lifecycle: 'draft' });
    const found = await stale('&kind=expired');
    expect(found.get('short-lived')).toMatchObject({ kinds: ['expired'], expired: { removeBy: day(3), days: 3 } });
    expect([found.has('for-today'), found.has('a-draft')]).toEqual([false, false]);
    expect((await api.get(address).expect(200)).body.removeBy).toBe(day(3));
    await api.patch(address, { removeBy: null }).expect(200);
    expect((await stale('&kind=expired')).has('short-lived')).toBe(false);
    await api.patch(address, { removeBy: '2026-02-30' }).expect(400);
    const [change] = (await api.get(`${address}/changes`).expect(200)).body.data;
    expect(change).toMatchObject({ before: { removeBy: day(3) }, after: { removeBy: null } });
  });

  it('pages, and is for platform admins', async () => {
    const total = (await stale()).size;
    const { body } = await api.get('/api/v1/feature-usage/stale?perPage=2&page=2').expect(200);
    expect(body.meta).toMatchObject({ page: 2, perPage: 2, total });
    expect(body.data).toHaveLength(2);
    const beyond = (await api.get('/api/v1/feature-usage/stale?page=1000').expect(200)).body;
    expect([beyond.data, beyond.meta.total]).toEqual([[], total]);
    await api.get('/api/v1/feature-usage/stale', admin.auth).expect(403);
    for (const query of ['days=6', 'kind=dead', 'environment=moon'])
      await api.get(`/api/v1/feature-usage/stale?${query}`).expect(400);
  });
});
