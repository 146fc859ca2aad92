import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AccessTokens } from '../src/auth/tokens/access-tokens.js';
import { purge as purgeCommand } from '../src/commands/purge.js';
import { PurgeRules } from '../src/database/purge-rules.js';
import { newId } from '../src/kernel/ids.js';
import { SecretBox } from '../src/kernel/secrets.js';
import { RemovableRows } from '../src/purge/removable-rows.js';
import { type Table } from '../src/purge/tables.queries.js';
import { sealOfSecret } from '../src/webhooks/endpoints/webhook-secrets.js';
import { newSecret } from '../src/webhooks/sending/signature.js';
import { atOnce, countStatuses, entriesOf, insertPerson, isSignedIn, openSession } from './harness/accounts.js';
import { insertApiKey } from './harness/api-keys.js';
import { startApp, type TestApp } from './harness/app.js';
import { runCommand } from './harness/command.js';
import { createDatabase, type TestDatabase } from './harness/database.js';
import { insertFeatures } from './harness/features.js';
import { newEmail, newPerson, type Person, signInAdmin } from './harness/people.js';
import { of, organizationOf, PURGE, purging, realEmail } from './harness/purge.js';
import { seedTenant } from './harness/seeded-tenant.js';

/** One for all instances: tokens name it. */
const PUBLIC_URL = 'http://tenon.test';

let db: TestDatabase;
let tenon: TestApp;
let other: TestApp;
let admin: Person;
let calls: ReturnType<typeof purging>;
beforeAll(async () => {
  db = await createDatabase();
  tenon = await startApp({ db, env: { PUBLIC_URL } });
  other = await startApp({ db, env: { PUBLIC_URL } });
  admin = await signInAdmin(tenon);
  calls = purging(tenon, admin.auth);
});
afterAll(async () => {
  await Promise.all([tenon.close(), other.close()]);
  await db.drop();
});

const sql = async <T = Record<string, unknown>>(text: string, ...values: unknown[]): Promise<T[]> =>
  (await db.sql.query(text, values)).rows as T[];
const count = async (from: string, ...values: unknown[]): Promise<number> =>
  (await sql<{ count: number }>(`select count(*)::int from ${from}`, ...values))[0]!.count;

async function insertPlatformWebhook(): Promise<void> {
  const id = newId();
  await sql(
    `insert into webhook_endpoints (id, url, event_types, secret, created_at, updated_at)
     values ($1, 'https://hooks.example.com/', '{domain.lapsed}', $2, now(), now())`,
    id,
    tenon.app.get(SecretBox).encrypt(newSecret(), sealOfSecret(id)),
  );
}

describe('C13 what a purge does with each table', () => {
  it('every table is known: one that no room said anything about fails here', async () => {
    const { tables } = await calls.plan('all');
    const present = await sql<{ name: string }>(
      `select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition`,
    );
    expect(tables.map(({ table }) => table).toSorted()).toEqual(present.map(({ name }) => name).toSorted());
    const unknown = tables.filter(({ reason }) => reason.startsWith('No room said')).map(({ table }) => table);
    expect(unknown, 'Say in the x.purge.ts of its room what a purge does with the table').toEqual([]);
    expect(tables.every(({ reason }) => reason.length > 0)).toBe(true);
  });

  it('finds a table that nobody classified, and leaves it alone', async () => {
    await sql('create table leftovers (id int primary key)');
    await sql('insert into leftovers values (1)');
    await sql('grant select, delete on leftovers to tenon_system');
    try {
      expect(of(await calls.plan('all'), 'leftovers')).toEqual({
        table: 'leftovers',
        remove: 0,
        keep: 1,
        reason: 'No room said what a purge does with it, so it stays',
      });
    } finally {
      await sql('drop table leftovers');
    }
  });

  it('goes from what refers to what is referred to, and follows keys that cascade', () => {
    const table = (name: string, ...references: [string, boolean][]): Table => ({
      name,
      key: [{ name: 'id', type: 'uuid' }],
      deletable: true,
      references: references.map(([to, cascades]) => ({ to, cascades, columns: [`${to}_id`], toColumns: ['id'] })),
    });
    const rules = new PurgeRules();
    rules.add({ a: { all: 'x', keeps: 'Nothing' }, d: { keeps: 'All' } });
    const rows = new RemovableRows(
      [table('a'), table('b', ['a', true], ['b', true]), table('c', ['b', true]), table('d', ['a', false]), table('e')],
      rules,
      'all',
    );
    expect(rows.tables.map(({ name }) => name).indexOf('c')).toBeLessThan(
      rows.tables.map(({ name }) => name).indexOf('b'),
    );
    const condition = (name: string) => rows.conditionOf(rows.find(name)!);
    expect(condition('b')).toBe('(("a_id") in (select "id" from "a" where (x)))');
    expect(condition('c')).toBe(
      '(("b_id") in (select "id" from "b" where (("a_id") in (select "id" from "a" where (x)))))',
    );
    expect(condition('d')).toBeNull();
    expect(rows.unknown()).toEqual(['e']);
  });
});

describe('C13 scope test-data', () => {
  it('removes test accounts and organizations of them alone, with everything on every instance, and nothing else', async () => {
    const test = await organizationOf(tenon, ['owner', newEmail()], ['member', newEmail()]);
    const mixed = await organizationOf(tenon, ['owner', realEmail()], ['member', 'grace+test@navy.io']);
    // The last owner of others stays, though their address is one of a test.
    const held = await organizationOf(tenon, ['owner', newEmail()], ['member', realEmail()]);
    const [mina, grace] = mixed.people;
    const { organizationId } = mixed;
    const key = await insertApiKey(db, organizationId, { userId: grace!.userId });
    await sql(
      `insert into invitations (organization_id, id, email, role, token_hash, invited_by, created_at, expires_at)
       select $1, gen_random_uuid(), address, 'member', sha256(address::bytea), $2, now(), now() + interval '1 day'
         from unnest($3::text[]) address`,
      organizationId,
      mina!.userId,
      ['x@example.org', 'y@analytical-engines.io'],
    );
    await tenon.http
      .post('/api/v1/auth/register')
      .send({ email: newEmail(), password: admin.password, fullName: 'T' })
      .expect(201);
    // Everything is in the memory of the other instance, too.
    for (const { auth } of [...test.people, ...mixed.people]) expect(await isSignedIn(other, auth)).toBe(true);
    const path = `/api/v1/organizations/${organizationId}`;
    await other.http.get(path).set(grace!.auth).expect(200);
    await other.http.get(`${path}/members`).set(key.auth).expect(200);

    await insertPlatformWebhook();
    const planned = await calls.plan('test-data');
    expect(of(planned, 'webhook_endpoints')).toMatchObject({ remove: 0, keep: 1 });
    // Two of the test organization and one of the mixed one; and the one who registered is nobody yet.
    expect(of(planned, 'users')).toMatchObject({ remove: 3, keep: 4 });
    expect(of(planned, 'organizations')).toMatchObject({ remove: 1, keep: 2 });
    expect(of(planned, 'user_sessions').remove).toBe(3);
    expect(of(planned, 'invitations')).toMatchObject({ remove: 1, keep: 1 });
    expect(of(planned, 'audit_log').remove).toBe(0);
    expect(of(planned, 'users').reason).toContain('Platform admins');
    const trail = await count('audit_log');

    // Before the phrase is typed one sees who goes, and why.
    const [accounts, organizations] = planned.goes;
    const gone = [...test.people, grace!];
    expect(accounts).toMatchObject({ table: 'users', total: 3 });
    expect(accounts!.sample).toEqual(
      gone
        .map(({ userId: id, email: address }) => ({
          id,
          name: expect.any(String),
          address,
          why: `The address fits ${address === grace!.email ? '*+test@*' : '*@example.com'}`,
        }))
        .toSorted((one, two) => one.address.localeCompare(two.address)),
    );
    expect(organizations).toMatchObject({
      table: 'organizations',
      total: 1,
      sample: [{ id: test.organizationId, why: 'Members: 2, all of them test accounts' }],
    });
    await sql(`update users set full_name = '[Click](https://evil.io) | <img>' where id = $1`, grace!.userId);
    const asText = await tenon.http
      .get(`${PURGE}/${planned.planId}`)
      .set(admin.auth)
      .set('accept', 'text/markdown')
      .expect(200);
    expect(asText.text).toContain('## Accounts that would go: 3');
    expect(asText.text).toContain(
      String.raw`| grace+test@navy.io | \[Click\](https://evil.io) \| \<img\> | The address fits \*+test@\* |`,
    );
    expect(asText.text).toMatch(/## Rows that would go\n[^#]*\| users \| 3 \|/);
    expect(asText.text).not.toContain('## Purged');

    await calls.execute(planned).expect(202, { planId: planned.planId, status: 'queued' });
    const report = await calls.ended(planned.planId);
    expect(report.verification.filter(({ passed }) => !passed)).toEqual([]);
    expect(report).toMatchObject({ passed: true, goes: [] });
    expect(report.progress.done).toBe(report.progress.total);
    expect(of(report, 'users')).toMatchObject({ outcome: 'purged', purged: 3, detail: null });
    expect(of(report, 'api_keys')).toMatchObject({ outcome: 'purged', purged: 1 });
    expect(of(report, 'registrations')).toMatchObject({ outcome: 'purged', purged: 1 });
    expect(of(report, 'plans').outcome).toBeNull();
    expect(report.tables.filter(({ outcome }) => outcome === 'failed')).toEqual([]);

    // Within a second, on both.
    for (const instance of [tenon, other]) {
      for (const { auth } of test.people) expect(await isSignedIn(instance, auth)).toBe(false);
      await instance.http.get(path).set(grace!.auth).expect(401);
      await instance.http.get(`${path}/members`).set(key.auth).expect(401);
      await instance.http.get(path).set(mina!.auth).expect(200);
    }
    expect(await count('organizations where id = $1', test.organizationId)).toBe(0);
    expect(await count('organizations where id = $1', held.organizationId)).toBe(1);
    expect(
      await count(
        'users where id = any($1)',
        held.people.map(({ userId }) => userId),
      ),
    ).toBe(2);
    expect(await sql('select member_count from organizations where id = $1', organizationId)).toEqual([
      { member_count: 1 },
    ]);
    expect(await count(`outbox where summary ->> 'to' like '%@example.com'`)).toBe(0);
    expect(await count('audit_log')).toBeGreaterThan(trail);
    expect(await count('webhook_endpoints where organization_id is null')).toBe(1);
  });

  it('names the first 20 of many, and how many there are', async () => {
    for (let n = 0; n < 21; n += 1) await insertPerson(db);
    const planned = await calls.plan('test-data');
    const [accounts] = planned.goes;
    expect(accounts).toMatchObject({ total: 21 });
    expect(accounts!.sample).toHaveLength(20);
    await calls.execute(planned).expect(202);
    await calls.ended(planned.planId);
  });

  it('lists purges and plans, newest first, with who planned and executed them', async () => {
    const planned = await calls.plan('test-data');
    const list = async (query = '') =>
      (
        await tenon.http
          .get(PURGE + query)
          .set(admin.auth)
          .expect(200)
      ).body;
    const { fullName } = (await tenon.http.get('/api/v1/users/me').set(admin.auth).expect(200)).body;
    const who = { id: admin.userId, fullName };
    const all = await list();
    const [newest, done] = all.data;
    expect(newest).toMatchObject({ planId: planned.planId, status: 'planned', plannedBy: who, executedBy: null });
    expect(done).toMatchObject({ status: 'completed', passed: true, plannedBy: who, executedBy: who });
    expect(newest).not.toHaveProperty('tables');
    const first = await list('?limit=1');
    const second = await list(`?limit=1&cursor=${first.meta.nextCursor}`);
    expect([...first.data, ...second.data]).toEqual(all.data.slice(0, 2));
    await tenon.http.get(`${PURGE}?cursor=x`).set(admin.auth).expect(400);
  });

  it('says of each table why this scope keeps it, not what another one would', async () => {
    const [some, all] = [await calls.plan('test-data'), await calls.plan('all')];
    expect(of(some, 'feature_definitions').reason).toBe('All of them: they belong to the installation');
    expect(of(all, 'feature_definitions').reason).toBe('Nothing');
    for (const { table, reason } of some.tables) expect(reason, table).not.toMatch(/^Nothing;|with test-data/);
    for (const { table, reason } of all.tables) expect(reason, table).not.toMatch(/test-data|test account/);
  });

  it('counts what came after the plan as planned, too: no more goes than was to go', async () => {
    const planned = await calls.plan('test-data');
    await sql(
      `insert into registrations (id, user_id, email, full_name, password_hash, token_hash, created_at, expires_at)
       values (gen_random_uuid(), gen_random_uuid(), 'late@example.com', 'Late', 'x', '\\x00', now(), now() + interval '1 hour')`,
    );
    await calls.execute(planned).expect(202);
    const { progress, tables } = await calls.ended(planned.planId);
    const sum = (field: 'remove' | 'purged') => tables.reduce((total, table) => total + table[field], 0);
    expect(sum('purged')).toBeGreaterThan(sum('remove'));
    expect(progress).toEqual({ done: sum('purged'), total: sum('purged') });
    const { text } = await tenon.http.get(`${PURGE}/${planned.planId}`).set(admin.auth).set('accept', 'text/markdown');
    expect(text).toContain(`- Rows: ${progress.done} of ${progress.total} gone (${sum('remove')} were planned`);
  });

  it('says already clean the next time, and shows the report as Markdown', async () => {
    const planned = await calls.plan('test-data');
    await calls.execute(planned).expect(202);
    const report = await calls.ended(planned.planId);
    expect(report.passed).toBe(true);
    expect(of(report, 'users').outcome).toBe('already clean');
    const { text, headers } = await tenon.http
      .get(`${PURGE}/${planned.planId}`)
      .set(admin.auth)
      .set('accept', 'text/markdown')
      .expect(200);
    expect(headers['content-type']).toBe('text/markdown; charset=utf-8');
    expect(text).toContain('# Purge of test-data: completed, everything as it should be');
    expect(text).toMatch(/\| users \| already clean \| 0 \|/);
    expect(text).toMatch(/\| registration \| ok \|/);
  });

  it('is told in the trail: plan, confirmation, result, and the registration that was tried', async () => {
    for (const action of ['purge.planned', 'purge.confirmed', 'purge.completed']) {
      const entries = await entriesOf(db, action);
      expect(entries.length, action).toBeGreaterThan(0);
      expect(entries.every(({ actor_id: id, outcome }) => id === admin.userId && outcome === 'success')).toBe(true);
    }
    const [first] = await entriesOf(db, 'purge.completed');
    expect(first!['after']).toMatchObject({
      scope: 'test-data',
      tables: { users: 3 },
      failed: [],
      checks: { schema: true },
    });
    const tried = await sql<{ action: string }>(
      `select action from audit_log where actor_name = 'purge' order by id limit 3`,
    );
    expect(tried.map(({ action }) => action)).toEqual(['registration.requested', 'user.registered', 'user.deleted']);
    expect(await count(`users where email like '%.invalid'`)).toBe(0);
  });
});

describe('case 45: a purge is refused', () => {
  const codes = async (request: PromiseLike<{ status: number; body: { code: string } }>) => {
    const { status, body } = await request;
    return [status, body.code];
  };

  it('without its phrase, with a used, expired, unknown or changed plan, or one of somebody else', async () => {
    const planned = await calls.plan('test-data');
    const before = await count('users');
    for (const wrong of [
      '',
      'purge',
      planned.phrase.toUpperCase(),
      `${planned.phrase} `,
      planned.phrase.replace('test-data', 'all'),
    ])
      expect(await codes(calls.execute(planned, wrong)), wrong).toEqual([400, 'validation_failed']);

    const { userId } = await insertPerson(db, { platformRole: 'admin', email: realEmail() });
    const another = purging(tenon, (await openSession(tenon, userId)).auth);
    expect(await codes(another.execute(planned))).toEqual([404, 'not_found']);
    expect(await codes(calls.execute({ ...planned, planId: userId }))).toEqual([404, 'not_found']);

    await insertPerson(db);
    expect(await codes(calls.execute(planned))).toEqual([409, 'purge_plan_outdated']);

    const old = await calls.plan('test-data');
    await sql(`update purge_plans set expires_at = now() where id = $1`, old.planId);
    expect(await codes(calls.execute(old))).toEqual([409, 'purge_plan_expired']);
    expect(await count('users')).toBe(before + 2);
    const reasons = (await entriesOf(db, 'purge.refused')).map(({ reason }) => reason);
    expect(reasons).toEqual(
      expect.arrayContaining(['phrase_differs', 'not_found', 'purge_plan_outdated', 'purge_plan_expired']),
    );
  });

  it('for whoever signed in long ago, is no platform admin, or shows an API key', async () => {
    const planned = await calls.plan('test-data');
    const { sessionId } = await openSession(tenon, admin.userId);
    const { token } = tenon.app.get(AccessTokens).issue({
      userId: admin.userId,
      sessionId,
      authTime: new Date(Date.now() - 16 * 60_000),
      methods: ['pwd'],
    });
    const longAgo = purging(tenon, { authorization: `Bearer ${token}` });
    expect(await codes(longAgo.execute(planned))).toEqual([401, 'reauthentication_required']);

    const { organizationId, people } = await organizationOf(tenon, ['owner', realEmail()]);
    const key = await insertApiKey(db, organizationId, { userId: people[0]!.userId });
    for (const auth of [people[0]!.auth, key.auth]) {
      await tenon.http.post(`${PURGE}/plan`).set(auth).send({ scope: 'all' }).expect(403);
      expect(await codes(purging(tenon, auth).execute(planned))).toEqual([403, 'permission_denied']);
      await tenon.http.get(`${PURGE}/${planned.planId}`).set(auth).expect(403);
    }
    await tenon.http.post(PURGE).send(planned).expect(401);
    await calls.execute(planned).expect(202);
    await calls.ended(planned.planId);
  });

  it('in production without the switch, and the trail is not touched', async () => {
    const trail = await count('audit_log');
    const production = await startApp({
      db,
      env: {
        PUBLIC_URL,
        NODE_ENV: 'production',
        MAIL_URL: 'smtp://127.0.0.1:1',
        RATE_LIMITS: 'on',
        SECRET_KEYS: `test:${Buffer.alloc(32, 7).toString('base64')}`,
        LOG_LEVEL: 'silent',
      },
    });
    try {
      const there = purging(production, admin.auth);
      const planned = await there.plan('all');
      expect(await codes(there.execute(planned))).toEqual([403, 'purge_not_allowed']);
      expect((await there.report(planned.planId)).status).toBe('planned');
      expect(await count('audit_log')).toBe(trail + 2);
    } finally {
      await production.close();
    }
    await expect(db.sql.query('begin; set local role tenon_system; delete from audit_log')).rejects.toThrow(
      'permission denied',
    );
  });

  it('twice: of 50 at once on two instances one wins', async () => {
    await insertPerson(db);
    const planned = await calls.plan('test-data');
    const there = purging(other, admin.auth);
    const answers = await atOnce(50, (index) => (index % 2 ? calls : there).execute(planned));
    expect(countStatuses(answers)).toEqual({ 202: 1, 409: 49 });
    expect(new Set(answers.filter(({ status }) => status === 409).map(({ body }) => body.code))).toEqual(
      new Set(['purge_plan_used']),
    );
    expect(of(await calls.ended(planned.planId), 'users')).toMatchObject({ outcome: 'purged' });
    expect(await codes(calls.execute(planned))).toEqual([409, 'purge_plan_used']);
    expect((await entriesOf(db, 'purge.completed')).filter(({ target_id: id }) => id === planned.planId)).toHaveLength(
      1,
    );
  });

  it.each([{}, { scope: 'everything' }, { scope: ['all'] }, { scope: 'all', force: true }])('for %j', async (body) => {
    await tenon.http.post(`${PURGE}/plan`).set(admin.auth).send(body).expect(400);
  });
});

describe('C13 the command line', () => {
  const run = (args: string[], answer?: (plan: string) => string) =>
    runCommand(db, (terminal) => {
      let said = '';
      const say = (line: string): void => {
        said += `${line}\n`;
        terminal.say(line);
      };
      const ask = () => Promise.resolve(answer?.(said) ?? '');
      return purgeCommand(args, { ...terminal, say }, ask, new AbortController().signal);
    });

  it.each([
    [[], 'Say with --scope what is to go'],
    [['--scope', 'some'], 'There is no scope "some"'],
    [['all'], "Unexpected argument 'all'"],
    [['--scope', 'all', '--yes'], "Unknown option '--yes'"],
  ])('for %j says what is wrong, and shows its usage', async (args, wrong) => {
    const { code, err } = await run(args);
    expect(code).toBe(2);
    expect(err.split('\n')[0]).toContain(wrong);
    expect(err).toContain('npm run purge -- --scope test-data|all');
  });

  it('shows its usage for --help, and ends well', async () => {
    expect(await run(['--help'])).toMatchObject({ code: 0, out: expect.stringContaining('npm run purge'), err: '' });
  });

  it('shows the plan, asks for the phrase, and does nothing without it', async () => {
    await insertPerson(db);
    const before = await count('users');
    const { code, out, err } = await run(['--scope', 'test-data']);
    expect(code).toBe(1);
    expect(out).toMatch(/^1 users go:\n +\S+@example\.com +.+ \(The address fits \*@example\.com\)\n/);
    expect(out).toMatch(/\nusers +1 +\d+ +Platform admins/);
    expect(out).toMatch(/\n\d+ tables stay as they are: .*audit_log \d+.*\n\d+ are empty\n/);
    expect(out).not.toMatch(/\n\w+ +0 +0 /);
    expect(err).toBe('Nothing was removed: confirmation has to be the phrase of the plan.\n');
    expect(await count('users')).toBe(before);
  });

  it('purges beside a server, and says what came of it', async () => {
    const { code, out, err } = await run(['--scope', 'test-data'], (plan) => /The phrase: (.+)/.exec(plan)![1]!);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain('| users | purged 1 | 1 |');
    const [entry] = (await entriesOf(db, 'purge.completed')).slice(-1);
    expect(entry).toMatchObject({ actor_kind: 'system', actor_name: 'purge' });
  });
});

describe('C13 scope all', () => {
  it('leaves an installation as after its first start, with its admins and its trail', async () => {
    const seeded = await seedTenant(tenon);
    const real = await newPerson(tenon, { email: realEmail(), organizationName: 'Analytical Engines' });
    await insertFeatures(tenon, {}, {});
    await sql(`insert into feature_usage_days (environment_key, feature_key, value, day, evaluations)
               values ('qa', 'reports', 'true', (now() at time zone 'UTC')::date, 1)`);
    await sql(`insert into environments (key, name, created_at) values ('qa', 'QA', now())`);
    await insertPlatformWebhook();
    await sql(`insert into plans (key, name, created_at, updated_at) values ('team', 'Team', now(), now())`);
    await sql(`update organizations set plan_key = 'team'`);
    await sql(`insert into outbox (id, topic, payload, summary, status, attempts, created_at, available_at)
               values (gen_random_uuid(), 'nobody', '', '{}', 'pending', 0, now(), now())`);
    const lists = () => Promise.all([tenon, other].map(({ http }) => http.get('/api/v1/features').set(admin.auth)));
    for (const { body } of await lists()) expect(body.data.length).toBeGreaterThan(2);
    expect(await isSignedIn(other, real.auth)).toBe(true);
    const trail = await sql<{ id: string }>('select id from audit_log');
    const admins = await count(`users where platform_role = 'admin'`);

    const report = await calls.purge('all');
    expect(report.verification.filter(({ passed }) => !passed)).toEqual([]);
    expect(report.tables.filter(({ outcome }) => outcome === 'failed')).toEqual([]);
    expect(report.passed).toBe(true);
    for (const table of [
      'organization_usage_days',
      'user_feature_usage',
      'feature_usage_days',
      'outbox',
      'plans',
      'environments',
      'feature_definitions',
      'webhook_endpoints',
      'webhook_deliveries',
    ])
      expect(of(report, table), table).toMatchObject({ outcome: 'purged', purged: expect.any(Number) });

    expect(await count('users')).toBe(admins);
    for (const table of [
      'organizations',
      'feature_definitions',
      'invitations',
      'api_keys',
      'feature_usage_days',
      'registrations',
      'login_attempts',
      'webhook_endpoints',
      'webhook_deliveries',
    ])
      expect(await count(table), table).toBe(0);
    expect((await sql<{ key: string }>('select key from plans')).map(({ key }) => key)).toEqual(['standard']);
    expect(await count('environments')).toBe(3);
    expect(await count('widget_library')).toBe(12);
    // The job of the purge itself goes a moment after its report is there.
    await expect.poll(() => count(`bullmq.job where queue = 'outbox'`)).toBe(0);
    const left = await count(
      'audit_log where id = any($1)',
      trail.map(({ id }) => id),
    );
    expect(left).toBe(trail.length);

    for (const instance of [tenon, other]) {
      expect(await isSignedIn(instance, real.auth)).toBe(false);
      expect(await isSignedIn(instance, seeded.owner.auth)).toBe(false);
    }
    for (const { body } of await lists()) expect(body.data).toEqual([]);
    await tenon.http.post('/api/v1/auth/refresh').send({ refreshToken: real.refreshToken }).expect(401);
  });

  it('the admin signs in, and a new person registers, as before', async () => {
    await signInAdmin(tenon);
    const person = await newPerson(other, { email: realEmail(), organizationName: 'The next one' });
    await other.http.get('/api/v1/organizations').set(person.auth).expect(200);
  });

  it('one table that fails, and one that is gone, hide none of the others', async () => {
    await sql(`insert into plans (key, name, created_at, updated_at) values ('held', 'Held', now(), now())`);
    await sql(
      `create function refuse() returns trigger language plpgsql as $$ begin raise exception 'not this one'; end $$`,
    );
    await sql(`create trigger refuse before delete on plans for each row execute function refuse()`);
    const planned = await calls.plan('all');
    await sql('drop table widget_required_features');
    await calls.execute(planned).expect(202);
    const report = await calls.ended(planned.planId);
    expect(of(report, 'plans')).toMatchObject({
      outcome: 'failed',
      purged: 0,
      detail: expect.stringContaining('not this one'),
    });
    expect(of(report, 'widget_required_features')).toMatchObject({ outcome: 'not found' });
    expect(of(report, 'users')).toMatchObject({ outcome: 'purged', purged: 1 });
    expect(report.passed).toBe(false);
    const checks = Object.fromEntries(report.verification.map(({ name, passed }) => [name, passed]));
    expect(checks).toEqual({ rows: false, kept: true, schema: false, health: true, registration: true });
    const [entry] = (await entriesOf(db, 'purge.completed')).slice(-1);
    expect(entry).toMatchObject({ outcome: 'failure', after: { failed: ['plans'] } });
  });
});
