import { EntityManager, MikroORM, RequestContext } from '@mikro-orm/postgresql';
import { Client, type QueryResult } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { asSystem, enterTenant } from '../src/database/tenant-context.js';
import { Actor } from '../src/kernel/actor.js';
import { User } from '../src/users/user.entity.js';
import { UsersService } from '../src/users/users.service.js';
import { insertPerson } from './harness/accounts.js';
import { startApp, type TestApp } from './harness/app.js';
import { type Tenant, twoTenants } from './harness/two-tenants.js';

let tenon: TestApp;
let people: Tenant[];
beforeAll(async () => {
  // Two is the least: one for the requests, and one that a job may hold.
  tenon = await startApp({ env: { DATABASE_POOL_SIZE: '2' }, owner: true });
  people = await twoTenants(tenon);
});
afterAll(() => tenon.close());

const rows = async (text: string, ...values: unknown[]) => (await tenon.db.sql.query(text, values)).rows;
const origin = { ip: '127.0.0.1', userAgent: null, requestId: null };
const actorOf = ({ userId, sessionId }: Tenant): Actor => Actor.user(origin, { userId, sessionId });

describe('O8 the tenant’s context', () => {
  const fork = (): EntityManager => tenon.app.get(EntityManager).fork() as EntityManager;

  it('case 4: a query without it returns nothing, never everything', async () => {
    const em = fork();
    expect(await em.find(User, {})).toEqual([]);
    for (const table of ['users', 'organizations', 'user_organization_membership', 'user_sessions', 'invitations'])
      expect(await em.execute(`select * from ${table}`), table).toEqual([]);
    expect(await em.execute(`update users set full_name = 'Eve' returning id`)).toEqual([]);
  });

  it('shows the own rows alone, inside the transaction alone', async () => {
    const em = fork();
    enterTenant(em, actorOf(people[0]!));
    const seen = await em.transactional(async (inside) => ({
      users: await inside.execute<{ id: string }[]>('select id from users'),
      organizations: await inside.execute<{ name: string }[]>('select name from organizations'),
      sessions: await inside.execute<{ user_id: string }[]>('select distinct user_id from user_sessions'),
      members: await inside.execute<{ user_id: string }[]>('select user_id from user_organization_membership'),
    }));
    expect(seen.users).toEqual([{ id: people[0]!.userId }]);
    expect(seen.organizations).toEqual([{ name: people[0]!.organizationName }]);
    expect(seen.sessions).toEqual([{ user_id: people[0]!.userId }]);
    expect(seen.members).toEqual([{ user_id: people[0]!.userId }]);
    expect(await fork().execute('select * from users')).toEqual([]);
  });

  it('changes the own row alone', async () => {
    const em = fork();
    enterTenant(em, actorOf(people[0]!));
    const changed = await em.transactional((inside) => inside.execute(`update users set locale = 'de' returning id`));
    expect(changed).toEqual([{ id: people[0]!.userId }]);
    expect(await rows('select locale from users where id = $1', people[1]!.userId)).toEqual([{ locale: null }]);
  });

  it('an error in the transaction leaves no context on the connection', async () => {
    for (let n = 0; n < 6; n += 1) {
      const em = fork();
      enterTenant(em, actorOf(people[n % 2]!));
      await expect(em.transactional((inside) => inside.execute('select 1 / 0'))).rejects.toThrow(/division by zero/);
      expect(await fork().execute('select * from users')).toEqual([]);
      await expect(asSystem(fork(), (inside) => inside.execute('select 1 / 0'))).rejects.toThrow();
      expect(await fork().execute('select * from users')).toEqual([]);
    }
  });

  it('what was read as system is not in the identity map of the request', async () => {
    const em = fork();
    enterTenant(em, actorOf(people[0]!));
    await asSystem(em, (inside) => inside.find(User, {}));
    expect(em.getUnitOfWork().getIdentityMap().values()).toHaveLength(0);
    expect(await em.findOne(User, { id: people[1]!.userId })).toBeNull();
    expect((await em.findOne(User, { id: people[0]!.userId }))?.email).toBe(people[0]!.email);
  });

  it('the work of a service across tenants leaves the caller’s context as it was', async () => {
    const users = tenon.app.get(UsersService);
    const orm = tenon.app.get(MikroORM);
    await RequestContext.create(orm.em, async () => {
      const em = orm.em as EntityManager;
      enterTenant(em, actorOf(people[0]!));
      expect((await users.get(people[1]!.userId)).email).toBe(people[1]!.email);
      expect(await em.findOne(User, { id: people[1]!.userId })).toBeNull();
      expect((await em.find(User, {})).map(({ id }) => id)).toEqual([people[0]!.userId]);
    });
  });

  it('a change to system in the middle of a tenant’s transaction is refused', async () => {
    const em = fork();
    enterTenant(em, actorOf(people[0]!));
    await expect(
      em.transactional((inside) => asSystem(inside as EntityManager, (system) => system.execute('select 1'))),
    ).rejects.toThrow('asSystem inside a transaction of a tenant');
  });
});

describe('O8 case 4: the application’s login', () => {
  let login: Client;
  beforeAll(async () => {
    login = new Client({ connectionString: tenon.db.appUrl });
    await login.connect();
  });
  afterAll(() => login.end());

  /** Runs statements in a transaction that is rolled back; resolves with the answer of the last. */
  async function tried(...statements: string[]): Promise<QueryResult> {
    await login.query('begin');
    try {
      let result!: QueryResult;
      for (const statement of statements) result = await login.query(statement);
      return result;
    } finally {
      await login.query('rollback');
    }
  }
  const asPerson = (): string => `select set_config('app.user_id', '${people[0]!.userId}', true)`;
  const DENIED = /permission denied|must be owner|must be able to SET ROLE|violates row-level security/;

  it.each([
    'password_credentials',
    'registrations',
    'password_resets',
    'email_changes',
    'login_attempts',
    'refresh_tokens',
    'signing_keys',
  ])('reads nothing of %s', async (table) => {
    await expect(tried(asPerson(), `select * from ${table}`)).rejects.toThrow(DENIED);
  });

  it.each([
    [`update users set platform_role = 'admin'`],
    [`update users set email = 'eve@example.com'`],
    [`update users set status = 'active'`],
    ['update users set email_verified_at = now()'],
    [
      `insert into users (id, email, full_name, created_at, updated_at) values (gen_random_uuid(), 'e@e.org', 'E', now(), now())`,
    ],
    ['delete from users'],
    ['update user_sessions set revoked_at = null'],
    ['delete from user_sessions'],
    [`update audit_log set action = 'x'`],
    ['delete from audit_log'],
    ['truncate audit_log'],
    ['truncate users cascade'],
    [`insert into schema_migrations (name) values ('x')`],
    ['delete from schema_migrations'],
    ['alter table users disable row level security'],
    ['alter table users no force row level security'],
    ['drop policy own_select on users'],
    [`create policy all_of_it on users using (true)`],
    ['alter table users owner to current_user'],
    ['create table mine (id int)'],
    [`create function public.mine() returns int language sql return 1`],
    ['set local session_replication_role = replica'],
    ['set local row_security = off; select * from users'],
    ['alter role current_user bypassrls'],
    ['alter role current_user superuser'],
    ['grant tenon_system to tenon_app'],
    [`update organizations set plan_key = 'standard'`],
    [
      `insert into organizations (id, name, slug, created_at, updated_at) values (gen_random_uuid(), 'E', 'e-e', now(), now())`,
    ],
    ['delete from organizations'],
    ['update user_organization_membership set organization_id = organization_id'],
    ['update invitations set accepted_at = now()'],
    ['delete from invitations'],
    ['update organization_domains set domain = domain'],
    ['update plans set seats = null'],
    [`insert into role_permissions values ('viewer', 'organization:delete')`],
    ['alter policy tenant on invitations using (true)'],
    ['truncate invitations'],
    ['select * from generate_rls_test_report()'],
  ])('is refused: %s', async (statement) => {
    await expect(tried(asPerson(), statement)).rejects.toThrow(
      /permission denied|must be owner|row-level security|must be|must have admin option|affected by row-level|Only roles|only roles/i,
    );
  });

  it('cannot become the owner, a superuser or a role of the cluster', async () => {
    const owner = decodeURIComponent(new URL(tenon.db.ownerUrl).username);
    const superuser = decodeURIComponent(new URL(tenon.db.superuserUrl).username);
    for (const role of [owner, superuser, 'pg_read_all_data', 'pg_write_all_data', 'pg_execute_server_program'])
      await expect(tried(`set local role "${role}"`), role).rejects.toThrow(DENIED);
  });

  it('reaches the system role by SET ROLE alone, and inherits nothing of it', async () => {
    expect((await tried('select * from users')).rows).toEqual([]);
    const { rows: all } = await tried('set local role tenon_system', 'select id from users');
    expect(all.length).toBeGreaterThan(1);
    expect((await tried('select * from users')).rows).toEqual([]);
    for (const statement of [
      'truncate audit_log',
      'delete from audit_log',
      `update audit_log set action = 'x'`,
      'alter table users disable row level security',
    ])
      await expect(tried('set local role tenon_system', statement), statement).rejects.toThrow(
        /permission denied|must be owner/,
      );
  });

  it('slips nothing of its own under a function of the owner', async () => {
    // Types are looked for among temporary objects first, unless the function's path says otherwise.
    const trap = (type: string): string[] => [
      `create function pg_temp.trap_${type}(pg_catalog.${type}) returns boolean language plpgsql
         as $$ begin raise exception 'this ran as %', current_user; end $$`,
      `create domain pg_temp.${type} as pg_catalog.${type} check (pg_temp.trap_${type}(value))`,
    ];
    const statements = ['timestamptz', 'uuid', 'text'].flatMap(trap);
    const attack = () => tried('set local role tenon_system', ...statements, 'select create_audit_partitions(24)');
    await expect(attack()).rejects.toThrow(/permission denied.*temporary/);
    // Also where a DBA gave the right to others: the function's own path holds.
    await rows(`grant temporary on database ${tenon.db.name} to public`);
    try {
      await attack();
    } finally {
      await rows(`revoke temporary on database ${tenon.db.name} from public`);
    }
    const unsafe = await rows(
      `select proname from pg_proc
        where prosecdef and not exists (select from unnest(proconfig) as setting where setting ~ '^search_path=.*, pg_temp$')`,
    );
    expect(unsafe).toEqual([]);
  });

  it('puts nothing into another tenant', async () => {
    const [{ id }] = await rows('select id from organizations where name = $1', people[1]!.organizationName);
    await expect(
      tried(
        asPerson(),
        `insert into user_organization_membership (organization_id, user_id, role, joined_at)
         values ('${id}', '${people[0]!.userId}', 'owner', now())`,
      ),
    ).rejects.toThrow(/row-level security|permission denied/);
    const renamed = await tried(asPerson(), `update organizations set name = 'Mine' where id = '${id}' returning id`);
    expect(renamed.rows).toEqual([]);
  });

  it('reads the trail of nobody without a tenant, and what it writes it cannot read back', async () => {
    await insertPerson(tenon.db);
    expect((await rows('select count(*)::int as n from audit_log'))[0].n).toBeGreaterThan(0);
    expect((await tried(asPerson(), 'select * from audit_log')).rows).toEqual([]);
  });

  it('a person’s id that is none, or empty, shows nothing', async () => {
    expect((await tried(`select set_config('app.user_id', '', true)`, 'select * from users')).rows).toEqual([]);
    await expect(tried(`select set_config('app.user_id', 'x'' or true', true)`, 'select * from users')).rejects.toThrow(
      /invalid input syntax for type uuid/,
    );
  });
});
