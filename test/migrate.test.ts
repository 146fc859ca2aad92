import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { loadEnv } from '../config/env.js';
import { migrations } from '../migrations/index.js';
import { createApp } from '../src/app.setup.js';
import { type Catalogue, readCatalogue } from '../src/database/catalogue.js';
import { loginFaults } from '../src/database/roles.js';
import { FatalStartError, Readiness } from '../src/kernel/readiness.js';
import { ADMIN, freePort, TEST_KEYS } from './harness/app.js';
import { runMigrate as run } from './harness/command.js';
import { createDatabase, type TestDatabase } from './harness/database.js';
import { inDatabase, withDatabaseName } from './harness/global-setup.js';

const urlsOf = (db: TestDatabase): Record<string, string> => ({
  DATABASE_URL: db.appUrl,
  DATABASE_OWNER_URL: db.ownerUrl,
});

describe('P12 migrate', () => {
  let empty: TestDatabase;
  let migrated: TestDatabase;
  beforeAll(async () => {
    [empty, migrated] = await Promise.all([createDatabase({ migrated: false }), createDatabase()]);
  });
  afterAll(() => Promise.all([empty.drop(), migrated.drop()]));

  it.each([[[]], [['sideways']], [['up', 'now']], [['--help']], [['UP']]])('shows its usage for %j', async (args) => {
    const { code, out } = await run(args, {});
    expect(code).toBe(2);
    expect(out).toContain('status|up|down|verify');
  });

  it('case 16: two at once on an empty database migrate once, and a third finds everything done', async () => {
    const before = await run(['status'], urlsOf(empty));
    expect(before.out.match(/pending/g)).toHaveLength(migrations.length);
    const both = await Promise.all([run(['up'], urlsOf(empty)), run(['up'], urlsOf(empty))]);
    expect(both.map(({ code }) => code)).toEqual([0, 0]);
    expect(both.filter(({ out }) => out.includes(`${migrations.length} migrations have run`))).toHaveLength(1);
    expect(both.filter(({ out }) => out.includes('Nothing to do'))).toHaveLength(1);
    const { rows } = await empty.sql.query('select name from schema_migrations order by id');
    expect(rows.map(({ name }) => name)).toEqual(migrations.map(({ name }) => name));
    expect((await run(['verify'], urlsOf(empty))).code).toBe(0);
  });

  it('goes down to nothing and up again', async () => {
    for (const { name } of migrations.toReversed())
      expect(await run(['down'], urlsOf(empty))).toMatchObject({
        code: 0,
        out: expect.stringContaining(`Taken back: ${name}`),
      });
    expect((await run(['down'], urlsOf(empty))).out).toContain('Nothing to take back');
    const { rows } = await empty.sql.query(`
      select relname from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v')
       union select proname from pg_proc where pronamespace = 'public'::regnamespace`);
    expect(rows).toEqual([{ relname: 'schema_migrations' }]);
    expect((await run(['up'], urlsOf(empty))).code).toBe(0);
    expect((await run(['verify'], urlsOf(empty))).out).toContain('what this version expects');
  });

  it('migrations/expected-schema.json is what the migrations make (npm run schema:snapshot)', async () => {
    const client = new Client({ connectionString: migrated.ownerUrl });
    await client.connect();
    const present = await readCatalogue(client).finally(() => client.end());
    const expected = JSON.parse(readFileSync('migrations/expected-schema.json', 'utf8')) as Catalogue;
    expect(present).toEqual(expected);
  });

  it('status and verify need only the login of the process, up and down the owner', async () => {
    const env = { DATABASE_URL: migrated.appUrl };
    expect((await run(['status'], env)).out).toContain('Every migration has run');
    expect((await run(['verify'], env)).code).toBe(0);
    for (const command of ['up', 'down'])
      expect(await run([command], env)).toEqual({ code: 1, out: expect.stringContaining('DATABASE_OWNER_URL') });
  });

  /** What somebody did to the schema, and what `verify` says of it. */
  const tampering: Record<string, [statement: string, difference: string][]> = {
    'something dropped': [
      ['drop index audit_log_action_id_index', 'missing: index audit_log.audit_log_action_id_index'],
      ['drop policy tenant_reads on audit_log', 'missing: policy audit_log.tenant_reads'],
      ['alter table outbox drop column last_error', 'missing: column outbox.last_error'],
      ['alter table users drop constraint users_status_check', 'missing: constraint users.users_status_check'],
      ['drop trigger set_updated_at on users', 'missing: trigger users.set_updated_at'],
      [
        'alter table users disable row level security',
        'different: table users: expected "logged, row security forced", is "logged, row security off"',
      ],
      ['delete from schema_migrations where id = 1', 'not run: migration Migration20261121000100_foundation'],
    ],
    'something changed': [
      ['alter policy tenant_reads on audit_log using (true)', 'different: policy audit_log.tenant_reads'],
      ['alter policy own_select on users to public', 'different: policy users.own_select'],
      ['alter table outbox alter column topic drop not null', 'different: column outbox.topic'],
      ['alter table users no force row level security', 'is "logged, row security not forced"'],
      ['alter table audit_log_default no force row level security', 'different: table audit_log_default'],
      ['alter table audit_log_p%month% no force row level security', 'different: table audit_log_pYYYYMM'],
      [
        'grant delete on audit_log to tenon_app',
        'different: privilege table audit_log to tenon_app: expected "INSERT, SELECT", is "DELETE, INSERT, SELECT"',
      ],
      ['grant create on schema public to tenon_app', 'different: privilege schema public to tenon_app'],
      [
        'alter default privileges for role %owner% in schema public grant truncate on tables to tenon_app',
        'different: privilege new tables to tenon_app',
      ],
      [
        'create or replace function uuid_v7_floor(at timestamptz) returns uuid language sql immutable return gen_random_uuid()',
        'different: function uuid_v7_floor',
      ],
      ['alter table users disable trigger set_updated_at', 'different: trigger users.set_updated_at'],
    ],
    'something added': [
      [
        'grant select on audit_log_p%month% to tenon_app',
        'not expected: privilege table audit_log_pYYYYMM to tenon_app',
      ],
      ['grant update (status) on users to tenon_app', 'not expected: privilege column users.status to tenon_app'],
      ['grant delete on audit_log to public', 'not expected: privilege table audit_log to public'],
      ['grant delete on audit_log to %login%', 'not expected: privilege table audit_log to %login%'],
      [
        'grant execute on function create_audit_partitions(int) to public',
        'not expected: privilege function create_audit_partitions',
      ],
      ['create table extra (id int)', 'not expected: table extra'],
      ['create policy extra on users using (true)', 'not expected: policy users.extra'],
      [
        `insert into schema_migrations (name) values ('Migration29990101000000_later')`,
        'not expected: migration Migration29990101000000_later',
      ],
    ],
  };
  it.each(Object.entries(tampering))('verify names %s', async (_, changes) => {
    const db = await createDatabase();
    const filled = (text: string): string =>
      text
        .replaceAll('%month%', new Date().toISOString().slice(0, 7).replace('-', ''))
        .replaceAll('%login%', decodeURIComponent(new URL(db.appUrl).username))
        .replaceAll('%owner%', decodeURIComponent(new URL(db.ownerUrl).username));
    try {
      for (const [statement] of changes) await db.sql.query(filled(statement));
      const { code, out } = await run(['verify'], { DATABASE_URL: db.appUrl });
      expect(code).toBe(1);
      for (const [, difference] of changes) expect.soft(out).toContain(filled(difference));
    } finally {
      await db.drop();
    }
  });

  it('changes nothing where a newer version has migrated', async () => {
    await migrated.sql.query(`insert into schema_migrations (name) values ('Migration29990101000000_later')`);
    for (const command of ['up', 'down']) {
      const { code, out } = await run([command], urlsOf(migrated));
      expect(code).toBe(1);
      expect(out).toContain('newer version');
    }
    expect((await run(['status'], urlsOf(migrated))).out).toMatch(/_later .*of a newer version/);
    await migrated.sql.query(`delete from schema_migrations where name like '%_later'`);
  });

  it('a migration that fails leaves nothing behind', async () => {
    const db = await createDatabase({ migrated: false });
    // Somebody else's table stands in the way of the last but one.
    await inDatabase(db.ownerUrl, db.name, (client) => client.query('create table users (id int)'));
    const { code, out } = await run(['up'], urlsOf(db));
    expect(code).toBe(1);
    expect(out).toContain('already exists');
    expect(
      (
        await db.sql.query(
          `select relname from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')`,
        )
      ).rows,
    ).not.toContainEqual({ relname: 'audit_log' });
    await db.drop();
  });

  it('tests the connection first and says in a sentence what is wrong', async () => {
    const at = (change: (url: URL) => void): Record<string, string> => {
      const url = new URL(migrated.appUrl);
      change(url);
      return { DATABASE_URL: url.href };
    };
    const refused = await run(
      ['status'],
      at((url) => (url.port = '1')),
    );
    expect(refused).toEqual({
      code: 1,
      out: expect.stringMatching(/^Cannot connect to .*:1 as .*\(DATABASE_URL\): nothing listens there\.$/),
    });
    const wrong = await run(
      ['status'],
      at((url) => (url.password = 'hunter2')),
    );
    expect(wrong.out).toContain('password is wrong');
    expect(wrong.out).not.toContain('hunter2');
    expect(
      (
        await run(
          ['status'],
          at((url) => (url.pathname = '/nowhere')),
        )
      ).out,
    ).toContain('"nowhere"');
    expect(
      (
        await run(
          ['status'],
          at((url) => (url.hostname = 'nowhere.invalid')),
        )
      ).out,
    ).toContain('the host is unknown');
    expect((await run(['status'], { DATABASE_URL: 'mysql://x' })).out).toContain('DATABASE_URL');
  });
});

describe('O8 roles and logins', () => {
  const { superuserUrl, ownerUrl, appUrl } = inject('cluster');
  const made: string[] = [];
  const databases: TestDatabase[] = [];

  async function asSuperuser(...statements: string[]): Promise<void> {
    await inDatabase(superuserUrl, 'postgres', async (client) => {
      for (const statement of statements) await client.query(statement);
    });
  }
  /** A login of its own for one test; roles belong to the cluster. */
  async function login(options: string): Promise<{ name: string; on: (db: TestDatabase) => string }> {
    const name = `r_${randomBytes(6).toString('hex')}`;
    await asSuperuser(`create role ${name} login password 'secret' ${options}`);
    made.push(name);
    return {
      name,
      on: (db) => {
        const url = new URL(withDatabaseName(ownerUrl, db.name));
        url.username = name;
        url.password = 'secret';
        return url.href;
      },
    };
  }
  async function database(options?: { migrated: boolean }): Promise<TestDatabase> {
    const db = await createDatabase(options);
    databases.push(db);
    return db;
  }
  afterAll(async () => {
    for (const db of databases) await db.drop();
    for (const name of made) await asSuperuser(`drop owned by ${name} cascade`, `drop role ${name}`);
  });

  it('another owner is told what a DBA has to grant, and after that it works', async () => {
    const owner = await login('createrole');
    const process = await login('');
    const db = await database({ migrated: false });
    await asSuperuser(`alter database ${db.name} owner to ${owner.name}`);
    const env = { DATABASE_URL: process.on(db), DATABASE_OWNER_URL: owner.on(db) };
    const { rows } = await db.sql.query<{ modern: boolean }>(
      `select current_setting('server_version_num')::int >= 160000 as modern`,
    );
    if (rows[0]!.modern) {
      const { code, out } = await run(['up'], env);
      expect(code).toBe(1);
      expect(out).toContain(`"${owner.name}" may not grant them`);
      const statements = out.split('\n').filter((line) => line.startsWith('  grant '));
      expect(statements).toHaveLength(3);
      await asSuperuser(...statements);
    }
    expect(await run(['up'], env)).toMatchObject({ code: 0 });
    expect((await run(['verify'], env)).out).toContain('what this version expects');
    await inDatabase(process.on(db), db.name, async (client) => expect(await loginFaults(client)).toEqual([]));
  });

  it('the login may be made by somebody else, and its name may need quotes', async () => {
    const db = await database({ migrated: false });
    const name = `r "${randomBytes(4).toString('hex')}" X`;
    await asSuperuser(`create role "${name.replaceAll('"', '""')}" login password 'secret'`);
    made.push(`"${name.replaceAll('"', '""')}"`);
    const url = new URL(db.appUrl);
    url.username = encodeURIComponent(name);
    url.password = 'secret';
    const env = { DATABASE_URL: url.href, DATABASE_OWNER_URL: db.ownerUrl };
    expect(await run(['up'], env)).toMatchObject({ code: 0 });
    expect(await run(['up'], env)).toMatchObject({ code: 0, out: expect.stringContaining('Nothing to do') });
    await inDatabase(url.href, db.name, async (client) => {
      expect(await loginFaults(client)).toEqual([]);
      await client.query(`begin; set local role tenon_system; select count(*) from users; commit`);
      expect((await client.query('select * from users')).rows).toEqual([]);
    });
  });

  it('a login that the policies would not bind is named', async () => {
    const db = await database();
    const faultsOf = (url: string): Promise<string[]> => inDatabase(url, db.name, (client) => loginFaults(client));
    const gate = 'in role tenon_app, tenon_gate';
    expect(await faultsOf(db.appUrl)).toEqual([]);
    expect(await faultsOf(superuserUrl)).toEqual([
      'is a superuser',
      ...((await isBypassing(superuserUrl)) ? ['has BYPASSRLS'] : []),
    ]);
    expect(await faultsOf(db.ownerUrl)).toContain('owns the tables');
    expect(await faultsOf((await login(`bypassrls ${gate}`)).on(db))).toEqual(['has BYPASSRLS']);
    expect(await faultsOf((await login('')).on(db))).toEqual(['is no member of tenon_gate']);
    const heir = await login(gate);
    await asSuperuser(`grant tenon_system to ${heir.name}`);
    expect(await faultsOf(heir.on(db))).toEqual(['inherits tenon_system, which sees every tenant']);
    const member = await login(gate);
    await asSuperuser(`grant "${decodeURIComponent(new URL(ownerUrl).username)}" to ${member.name}`);
    expect(await faultsOf(member.on(db))).toContain('owns the tables');
  });

  it.each(['superuser', 'owner', 'bypassrls', 'heir'])('production does not start with the login %s', async (kind) => {
    const db = await database();
    const gate = 'in role tenon_app, tenon_gate';
    const heir = await login(kind === 'bypassrls' ? `bypassrls ${gate}` : gate);
    if (kind === 'heir') await asSuperuser(`grant tenon_system to ${heir.name}`);
    const url = kind === 'superuser' ? db.superuserUrl : kind === 'owner' ? db.ownerUrl : heir.on(db);
    const { app, started } = await startInProduction(url);
    try {
      await expect(started).rejects.toThrow(FatalStartError);
    } finally {
      await app.close();
    }
  });

  it('production starts with an ordinary login', async () => {
    const db = await database();
    const { app, started } = await startInProduction(db.appUrl);
    try {
      await expect(started).resolves.toBeUndefined();
    } finally {
      app.get(Readiness).stopping = true;
      await app.close();
    }
  });

  async function startInProduction(url: string): Promise<{ app: NestFastifyApplication; started: Promise<void> }> {
    const env = loadEnv({
      NODE_ENV: 'production',
      LOG_LEVEL: 'silent',
      PORT: String(await freePort()),
      PUBLIC_URL: 'https://tenon.test',
      DATABASE_URL: url,
      MAIL_URL: 'smtp://127.0.0.1:1',
      SECRET_KEYS: `a:${Buffer.alloc(32, 1).toString('base64')}`,
      ADMIN_EMAIL: ADMIN.email,
      ADMIN_PASSWORD: ADMIN.password,
    });
    const app = await createApp(env, TEST_KEYS);
    const started = app.get(Readiness).startUp(
      (step, error) => {
        throw new Error(`start step ${step} failed`, { cause: error });
      },
      () => Promise.resolve(),
    );
    return { app, started };
  }

  async function isBypassing(url: string): Promise<boolean> {
    return inDatabase(url, 'postgres', async (client) => {
      const { rows } = await client.query<{ rolbypassrls: boolean }>(
        'select rolbypassrls from pg_roles where rolname = current_user',
      );
      return rows[0]!.rolbypassrls;
    });
  }

  it('the login of the tests is an ordinary one', async () => {
    await inDatabase(appUrl, 'postgres', async (client) => {
      const { rows } = await client.query(
        'select rolsuper, rolbypassrls, rolcreaterole from pg_roles where rolname = current_user',
      );
      expect(rows).toEqual([{ rolsuper: false, rolbypassrls: false, rolcreaterole: false }]);
    });
  });
});
