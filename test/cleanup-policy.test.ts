import { EntityManager } from '@mikro-orm/postgresql';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { RETAINED_TYPES } from '../src/cleanup/expiring-types.js';
import type { CleanupPolicyView, CleanupPreviewView } from '../src/cleanup/policies/cleanup-policy.view.js';
import type { RunView } from '../src/cleanup/runs/cleanup-runs.view.js';
import type { KeptDays, RetainedType } from '../src/database/retained-rows.js';
import { asSystem, systemStatements } from '../src/database/tenant-context.js';
import { atOnce, countStatuses, entriesOf } from './harness/accounts.js';
import { insertApiKey, insertServiceAccount } from './harness/api-keys.js';
import { startApp, type TestApp } from './harness/app.js';
import { removeExpired } from './harness/cleanup.js';
import { insertFeatures } from './harness/features.js';
import { insertMember, insertOrganization, insertStranger, type Member } from './harness/organizations.js';
import { type Person, signInAdmin } from './harness/people.js';

/** An organization with its owner. */
interface Office {
  organizationId: string;
  path: string;
  owner: Member;
}

let tenon: TestApp;
let admin: Person;
/** Features that can be overridden, one for each row of an organization. */
let features: string[];
beforeAll(async () => {
  tenon = await startApp();
  admin = await signInAdmin(tenon);
  features = await insertFeatures(tenon, ...Array.from({ length: 6 }, () => ({})));
});
afterAll(() => tenon.close());
/** What another test left would be counted, too. */
beforeEach(async () => {
  for (const { table } of RETAINED_TYPES) await rows(`delete from ${table}`);
});

async function newOffice(): Promise<Office> {
  const { organizationId, path } = await insertOrganization(tenon.db);
  const owner = await insertMember(tenon, organizationId, 'owner');
  await insertServiceAccount(tenon.db, organizationId);
  return { organizationId, path: `${path}/cleanup-policy`, owner };
}

type Auth = { authorization: string };
const get = ({ path, owner }: Office, auth: Auth = owner.auth) => tenon.http.get(path).set(auth);
const put = ({ path, owner }: Office, keptDays: unknown, auth: Auth = owner.auth) =>
  tenon.http.put(path).set(auth).send({ keptDays });
const preview = ({ path, owner }: Office, keptDays: unknown, auth: Auth = owner.auth) =>
  tenon.http.post(`${path}/preview`).set(auth).send({ keptDays });
const rows = async (sql: string, ...values: unknown[]): Promise<Record<string, unknown>[]> =>
  (await tenon.db.sql.query<Record<string, unknown>>(sql, values)).rows;
const changesOf = async ({ organizationId }: Office) =>
  (await entriesOf(tenon.db, 'organization.cleanup_policy_updated')).filter(
    ({ organization_id }) => organization_id === organizationId,
  );
const typeOf = (name: string): RetainedType => RETAINED_TYPES.find((type) => type.name === name)!;
const INVITATION = typeOf('invitation');

/** What has to be known of a row, by type; `$1` is the organization, `age` is how many days ago its time was. */
const INSERT: Record<string, string> = {
  invitation: `insert into invitations (organization_id, id, email, role, token_hash, invited_by, created_at, expires_at)
    select $1, gen_random_uuid(), gen_random_uuid() || '@example.com', 'member', sha256(random()::text::bytea), $1, now(), at`,
  api_key: `insert into api_keys (organization_id, id, name, environment_key, scopes, service_account_id, key_hash, hint, created_by, created_at, expires_at)
    select $1, gen_random_uuid(), 'K', 'production', '{}', (select id from service_accounts where organization_id = $1 limit 1),
           sha256(random()::text::bytea), 'hint', $1, now(), at`,
  feature_override: `insert into organization_feature_settings (organization_id, id, feature_key, value, reason, created_at, updated_at, expires_at)
    select $1, gen_random_uuid(), ($3::text[])[n], 'true', 'R', now(), now(), at`,
  feature_meter: `insert into feature_meters (organization_id, feature_key, environment_key, period_start, used, updated_at, resets_at)
    select $1, ($3::text[])[1], 'production', at - interval '1 month', 1, now(), at`,
};

/** Puts rows into the tables, each a minute past its age. */
async function insertAged({ name }: RetainedType, { organizationId }: Office, ages: readonly number[]): Promise<void> {
  await rows(
    `with given as (
       select n, now() - age * interval '1 day' - interval '1 minute' as at, $3::text[] as features
         from unnest($2::int[]) with ordinality as aged(age, n))
     ${INSERT[name]!} from given`,
    organizationId,
    ages,
    features,
  );
}

/** How old what is left is, in days. */
async function agesOf({ name, table }: RetainedType, { organizationId }: Office): Promise<number[]> {
  const column = name === 'feature_meter' ? 'resets_at' : 'expires_at';
  const left = await rows(
    `select (extract(epoch from now() - ${column}) / 86400)::int as age from ${table}
      where organization_id = $1 and ${column} is not null order by 1`,
    organizationId,
  );
  return left.map(({ age }) => Number(age));
}

const count = (type: RetainedType) => asSystem(tenon.app.get(EntityManager), (em) => type.count(em));

/** A run from its request to its end. */
async function run(body: object): Promise<RunView> {
  const show = async (id: string) =>
    (await tenon.http.get(`/api/v1/admin/cleanup/task-status/${id}`).set(admin.auth).expect(200)).body as RunView;
  const asked = await tenon.http.post('/api/v1/admin/cleanup/expired-tokens').set(admin.auth).send(body).expect(202);
  const { taskId } = asked.body as { taskId: string };
  await expect.poll(async () => (await show(taskId)).status).toMatch(/completed|failed/);
  return show(taskId);
}

describe('C10 the cleanup policy of an organization', () => {
  it('that never chose is that of the platform, with the bounds of each type', async () => {
    const { body, headers } = await get(await newOffice()).expect(200);
    expect(headers.etag).toBe('"1"');
    expect(body.version).toBe(1);
    expect((body as CleanupPolicyView).types).toEqual(
      RETAINED_TYPES.map(({ name, description, retention: { days, least, most } }) => ({
        type: name,
        description,
        keptDays: days,
        chosen: false,
        defaultDays: days,
        leastDays: least,
        mostDays: most,
      })),
    );
    expect(RETAINED_TYPES.map(({ name }) => name)).toEqual(Object.keys(INSERT));
    for (const { retention } of RETAINED_TYPES) {
      expect(retention.least).toBeLessThan(retention.days);
      expect(retention.days).toBeLessThan(retention.most);
    }
  });

  it('is replaced as a whole, with before and after in the trail', async () => {
    const office = await newOffice();
    const { body, headers } = await put(office, { invitation: 7, api_key: 730 }).expect(200);
    expect([body.version, headers.etag]).toEqual([2, '"2"']);
    expect((await get(office)).body).toEqual(body);
    expect(body.types).toMatchObject([
      { type: 'invitation', keptDays: 7, chosen: true },
      { type: 'api_key', keptDays: 730, chosen: true },
      { type: 'feature_override', keptDays: 30, chosen: false },
      { type: 'feature_meter', keptDays: 400, chosen: false },
    ]);
    // What is chosen as the platform has it stays so when the platform changes.
    await put(office, { invitation: 7, feature_meter: 400 }).expect(200);
    expect(await changesOf(office)).toMatchObject([
      {
        actor_id: office.owner.userId,
        target_id: office.organizationId,
        before: { invitation: null, api_key: null },
        after: { invitation: 7, api_key: 730 },
      },
      { before: { api_key: 730, feature_meter: null }, after: { api_key: null, feature_meter: 400 } },
    ]);
  });

  it('that is as asked already keeps its version and leaves no entry', async () => {
    const office = await newOffice();
    expect((await put(office, {}).expect(200)).body.version).toBe(1);
    await put(office, { invitation: 7, api_key: 8 }).expect(200);
    expect((await put(office, { api_key: 8, invitation: 7 }).expect(200)).body.version).toBe(2);
    expect(await changesOf(office)).toHaveLength(1);
  });

  it('case 27: out of bounds, or of no such type, is refused: each by its name, with the bounds', async () => {
    const office = await newOffice();
    for (const ask of [put, preview]) {
      const { body } = await ask(office, { invitation: 0, api_key: 731, feature_override: 1.5, session: 7 }).expect(
        400,
      );
      expect(body.code).toBe('validation_failed');
      expect(body.errors).toMatchObject([
        { field: 'keptDays.invitation', code: 'days_out_of_bounds', message: expect.stringMatching(/from 1 to 365$/) },
        { field: 'keptDays.api_key', code: 'days_out_of_bounds', message: expect.stringMatching(/from 7 to 730$/) },
        { field: 'keptDays.feature_override', code: 'days_out_of_bounds' },
        { field: 'keptDays.session', code: 'type_unknown', message: expect.stringContaining('invitation, api_key') },
      ]);
    }
    expect(await changesOf(office)).toEqual([]);
  });

  it('cases 7 and 27: takes nothing else', async () => {
    const office = await newOffice();
    const wrong: unknown[] = [
      undefined,
      null,
      [],
      'invitation',
      7,
      [['invitation', 7]],
      ...[null, '7', true, [7], {}, -1, 366, 1e9, 1e308, 0.5].map((days) => ({ invitation: days })),
      { feature_consumption: 7 },
      { '': 7 },
      { "invitation'; drop table invitations; --": 7 },
      { invitation: 7, version: 1 },
      Object.fromEntries(Array.from({ length: 1_000 }, (_, n) => [`t${n}`, 7])),
    ];
    for (const keptDays of wrong)
      for (const ask of [put, preview]) {
        const { body, text } = await ask(office, keptDays).expect(400);
        expect(body.code, JSON.stringify(keptDays)?.slice(0, 80)).toBe('validation_failed');
        expect(text.length).toBeLessThan(2_000);
      }
    for (const more of [{ version: 1 }, { organizationId: office.organizationId }, { invitation: 7 }])
      await tenon.http
        .put(office.path)
        .set(office.owner.auth)
        .send({ keptDays: {}, ...more })
        .expect(400);
    for (const body of ['{"keptDays":{"__proto__":{"invitation":7}}}', '{"keptDays":{"invitation":1e999}}'])
      await tenon.http.put(office.path).set(office.owner.auth).type('json').send(body).expect(400);
    expect((await get(office)).body.version).toBe(1);
  });

  it('case 1: of 50 who read the same version one is let in', async () => {
    const office = await newOffice();
    const answers = await atOnce(50, (n) => put(office, { invitation: 1 + n }).set('if-match', '"1"'));
    expect(countStatuses(answers)).toEqual({ 200: 1, 412: 49 });
    const [{ after }, ...others] = (await changesOf(office)) as [{ after: KeptDays }];
    expect(others).toEqual([]);
    expect((await get(office)).body).toMatchObject({ version: 2, types: [{ keptDays: after.invitation }, {}, {}, {}] });
  });

  it('case 1: ten who do not look are one after another, each with what the one before wrote', async () => {
    const office = await newOffice();
    expect(countStatuses(await atOnce(10, (n) => put(office, { invitation: 1 + n })))).toEqual({ 200: 10 });
    expect((await get(office)).body.version).toBe(11);
    const changes = (await changesOf(office)) as { before: { invitation: unknown }; after: { invitation: unknown } }[];
    const seen = new Set(changes.map(({ before }) => before.invitation));
    expect(seen.size).toBe(10);
  });
});

describe('C10 who may', () => {
  it('is an owner; members without the permission are refused, strangers find nothing', async () => {
    const office = await newOffice();
    const { organizationId } = office;
    const stranger = await insertStranger(tenon);
    const other = await newOffice();
    for (const role of ['admin', 'member', 'viewer']) {
      const { auth } = await insertMember(tenon, organizationId, role);
      for (const refused of [get(office, auth), put(office, {}, auth), preview(office, 'x', auth)])
        expect((await refused.expect(403)).body.code).toBe('permission_denied');
    }
    for (const { auth } of [stranger, other.owner])
      for (const refused of [get(office, auth), put(office, 'x', auth), preview(office, {}, auth)])
        expect((await refused.expect(404)).body.code).toBe('not_found');
    for (const refused of [tenon.http.get(office.path), tenon.http.put(office.path).send({ keptDays: {} })])
      await refused.expect(401);
    // Audited as such.
    await put(office, { invitation: 9 }, admin.auth).expect(200);
    expect(await changesOf(office)).toMatchObject([{ actor_role: 'platform-admin' }]);
  });

  it('is a custom role with the permission, and a key with the scope, in its own organization alone', async () => {
    const office = await newOffice();
    const { organizationId } = office;
    await rows(
      `insert into organization_roles (organization_id, key, name, permissions, created_at, updated_at)
       values ($1, 'housekeeper', 'Housekeeper', '{cleanup:manage}', now(), now())`,
      organizationId,
    );
    const { auth } = await insertMember(tenon, organizationId, 'housekeeper');
    await put(office, { invitation: 3 }, auth).expect(200);
    const { serviceAccountId } = await insertServiceAccount(tenon.db, organizationId, { role: 'housekeeper' });
    const key = await insertApiKey(tenon.db, organizationId, { serviceAccountId }, { scopes: ['cleanup:manage'] });
    await put(office, { invitation: 4 }, key.auth).expect(200);
    await preview(office, {}, key.auth).expect(200);
    expect(await changesOf(office)).toMatchObject([{}, { actor_kind: 'service_account', api_key_id: key.id }]);
    const narrow = await insertApiKey(tenon.db, organizationId, { serviceAccountId }, { scopes: ['members:read'] });
    await put(office, {}, narrow.auth).expect(403);
    await put(await newOffice(), {}, key.auth).expect(404);
  });

  it('is nobody while the organization is deactivated; its policy is obeyed all the same', async () => {
    const office = await newOffice();
    await put(office, { invitation: 7 }).expect(200);
    await insertAged(INVITATION, office, [6, 8]);
    await tenon.http.post(office.path.replace('cleanup-policy', 'deactivate')).set(office.owner.auth).expect(200);
    for (const refused of [get(office), put(office, {}), preview(office, {})])
      expect((await refused.expect(403)).body.code).toBe('organization_inactive');
    await removeExpired(tenon.app, INVITATION);
    expect(await agesOf(INVITATION, office)).toEqual([6]);
  });
});

describe('C10 the sweep obeys', () => {
  it.each(RETAINED_TYPES.map((type) => [type.name, type] as const))(
    '%s: shorter, longer, and none',
    async (_, type) => {
      const { days, least, most } = type.retention;
      const [shorter, longer, none] = [await newOffice(), await newOffice(), await newOffice()];
      await put(shorter, { [type.name]: least }).expect(200);
      await put(longer, { [type.name]: most }).expect(200);
      // Another type's choice is none for this one.
      await put(none, { [RETAINED_TYPES.find((one) => one !== type)!.name]: 92 }).expect(200);
      const ages = [least - 1, least, days - 1, days, most - 1, most];
      for (const office of [shorter, longer, none]) await insertAged(type, office, ages);
      const { total, expired, oldestExpiredAt } = await count(type);
      expect({ total, expired }).toEqual({ total: 18, expired: 5 + 1 + 3 });
      // By each row's own retention: the oldest of the shorter one could have left first.
      const waited = (Date.now() - oldestExpiredAt!.getTime()) / 86_400_000;
      expect(waited).toBeGreaterThan(most - least);
      expect(waited).toBeLessThan(most - least + 0.1);

      const dry = await run({ tokenTypes: [type.name], dryRun: true });
      expect(dry.result.byType[type.name]).toMatchObject({ expired: 9, deleted: 0 });
      const { result } = await run({ tokenTypes: [type.name], batchSize: 2 });
      expect(result.byType[type.name]).toMatchObject({ expired: 9, deleted: 9, batches: 5, errors: 0 });
      expect(await agesOf(type, shorter)).toEqual(ages.slice(0, 1));
      expect(await agesOf(type, longer)).toEqual(ages.slice(0, 5));
      expect(await agesOf(type, none)).toEqual(ages.slice(0, 3));
      expect(await count(type)).toEqual({ total: 9, expired: 0, oldestExpiredAt: null });
    },
  );

  it('statistics count as it does', async () => {
    const office = await newOffice();
    await put(office, { invitation: 2 }).expect(200);
    await insertAged(INVITATION, office, [1, 3, 5]);
    const { body } = await tenon.http.get('/api/v1/admin/cleanup/statistics').set(admin.auth).expect(200);
    const statistics = (body as { types: { type: string }[] }).types.find(({ type }) => type === 'invitation');
    expect(statistics).toMatchObject({ total: 3, active: 1, expired: 2 });
    expect(await removeExpired(tenon.app, INVITATION)).toBe(2);
  });

  it('a policy that changes between two batches', async () => {
    const office = await newOffice();
    await insertAged(INVITATION, office, Array<number>(10).fill(40));
    const batch = (after: string | null) =>
      INVITATION.removeBatch(systemStatements(tenon.app.get(EntityManager)), 3, after);
    const { removed, next } = await batch(null);
    expect(removed).toBe(3);
    await put(office, { invitation: 365 }).expect(200);
    expect(await batch(next)).toEqual({ removed: 0, next: null });
    await put(office, {}).expect(200);
    expect(await removeExpired(tenon.app, INVITATION, 3)).toBe(7);
  });

  it('policies that change all the time, and removes nothing that none of them lets go', async () => {
    const [office, bystander] = [await newOffice(), await newOffice()];
    for (const each of [office, bystander])
      await insertAged(
        INVITATION,
        each,
        [2, 10, 40].flatMap((age) => Array<number>(200).fill(age)),
      );
    let over = false;
    const change = async (): Promise<void> => {
      for (let n = 0; !over; n += 1) await put(office, n % 2 ? {} : { invitation: 7 }).expect(200);
    };
    const changing = change();
    const { status, result } = await run({ tokenTypes: ['invitation'], batchSize: 10 });
    over = true;
    await changing;
    expect({ status, errors: result.errors }).toEqual({ status: 'completed', errors: [] });
    const left = await agesOf(INVITATION, office);
    expect(left.filter((age) => age === 2)).toHaveLength(200);
    expect(left).not.toContain(40);
    expect(await agesOf(INVITATION, bystander)).toEqual([2, 10].flatMap((age) => Array<number>(200).fill(age)));
    expect(result.totalDeleted).toBe(600 + 600 - left.length - 400);
  });

  it('what is out of the bounds of today as the nearest bound, and what an older version knew not at all', async () => {
    const [low, high] = [await newOffice(), await newOffice()];
    for (const [{ organizationId }, days] of [
      [low, 0],
      [high, 36_500],
    ] as const)
      await rows(
        `insert into cleanup_policies (organization_id, kept_days, updated_at) values ($1, $2, now())`,
        organizationId,
        JSON.stringify({ invitation: days, gone: 7 }),
      );
    const shown = async (office: Office) => (await get(office).expect(200)).body as CleanupPolicyView;
    expect((await shown(low)).types[0]).toMatchObject({ keptDays: 1, chosen: true });
    expect((await shown(high)).types[0]).toMatchObject({ keptDays: 365, chosen: true });
    for (const office of [low, high]) await insertAged(INVITATION, office, [0, 1, 364, 365]);
    expect(await removeExpired(tenon.app, INVITATION)).toBe(4);
    expect(await agesOf(INVITATION, low)).toEqual([0]);
    expect(await agesOf(INVITATION, high)).toEqual([0, 1, 364]);
    await put(low, { invitation: 1 }).expect(200);
    expect(await changesOf(low)).toMatchObject([
      { before: { invitation: 0, gone: 7 }, after: { invitation: 1, gone: null } },
    ]);
  });

  it.each([
    '[]',
    '7',
    'null',
    '"x"',
    '{"invitation": "7"}',
    '{"invitation": null}',
    '{"a": {}}',
    '{"a": [7]}',
    '{"a": -1}',
    '{"a": 36501}',
  ])('the database takes no %s, which would stop the sweep of everybody’s rows', async (keptDays) => {
    const { organizationId } = await newOffice();
    const wrong = rows(
      `insert into cleanup_policies (organization_id, kept_days, updated_at) values ($1, $2, now())`,
      organizationId,
      keptDays,
    );
    await expect(wrong).rejects.toThrow(/cleanup_policies_kept_days_check|jsonpath/);
  });

  it('and a policy goes with its organization', async () => {
    const { organizationId, ...office } = await newOffice();
    await put({ organizationId, ...office }, { invitation: 7 }).expect(200);
    await rows('delete from organizations where id = $1', organizationId);
    expect(await rows('select from cleanup_policies where organization_id = $1', organizationId)).toEqual([]);
  });
});

describe('C10 the preview', () => {
  it('tells what the next sweep removes, as things are and as asked, of the own organization alone; and changes nothing', async () => {
    const [office, other] = [await newOffice(), await newOffice()];
    await put(office, { invitation: 20 }).expect(200);
    await put(other, { invitation: 1 }).expect(200);
    await insertAged(INVITATION, office, [5, 15, 25, 35]);
    await insertAged(INVITATION, other, [5, 15, 25, 35, 45]);
    await insertAged(typeOf('api_key'), office, [50, 100]);
    const before = await rows(`select md5(string_agg(p::text, ',' order by organization_id)) from cleanup_policies p`);
    const ask = async (keptDays: object) =>
      Object.fromEntries(
        ((await preview(office, keptDays).expect(200)).body as CleanupPreviewView).types.map((type) => [
          type.type,
          type,
        ]),
      );
    const shorter = await ask({ invitation: 10 });
    expect(Object.keys(shorter)).toEqual(RETAINED_TYPES.map(({ name }) => name));
    expect(shorter.invitation).toMatchObject({
      total: 4,
      current: { keptDays: 20, removes: 2 },
      asked: { keptDays: 10, removes: 3 },
    });
    const oldest = Date.now() - Date.parse(shorter.invitation!.asked.oldestExpiredAt!);
    expect(Math.floor(oldest / 86_400_000)).toBe(25);
    expect(shorter.api_key).toMatchObject({
      total: 2,
      current: { keptDays: 90, removes: 1 },
      asked: { keptDays: 90, removes: 1 },
    });
    expect(shorter.feature_meter).toEqual({
      type: 'feature_meter',
      total: 0,
      current: { keptDays: 400, removes: 0, oldestExpiredAt: null },
      asked: { keptDays: 400, removes: 0, oldestExpiredAt: null },
    });
    expect((await ask({})).invitation).toMatchObject({ current: { removes: 2 }, asked: { keptDays: 30, removes: 1 } });
    expect((await ask({ invitation: 365 })).invitation!.asked).toEqual({
      keptDays: 365,
      removes: 0,
      oldestExpiredAt: null,
    });
    expect(await rows(`select md5(string_agg(p::text, ',' order by organization_id)) from cleanup_policies p`)).toEqual(
      before,
    );
    expect(await agesOf(INVITATION, office)).toEqual([5, 15, 25, 35]);

    await put(office, { invitation: 10 }).expect(200);
    await removeExpired(tenon.app, INVITATION, 2);
    expect(await agesOf(INVITATION, office)).toEqual([5]);
    expect(await agesOf(INVITATION, other)).toEqual([]);
  });

  it('of an organization of others that a platform admin looks at counts that one', async () => {
    const office = await newOffice();
    await insertAged(INVITATION, office, [40]);
    const { body } = await preview(office, { invitation: 365 }, admin.auth).expect(200);
    expect(body.types[0]).toMatchObject({ total: 1, current: { removes: 1 }, asked: { removes: 0 } });
  });
});
