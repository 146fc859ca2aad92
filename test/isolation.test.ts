import { Agent, request as httpRequest } from 'node:http';
import { EntityManager, MikroORM, RequestContext } from '@mikro-orm/postgresql';
import { Client, type QueryResult } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { asSystem, enterTenant } from '../src/database/tenant-context.js';
import { Actor } from '../src/kernel/actor.js';
import { User } from '../src/users/user.entity.js';
import { UsersService } from '../src/users/users.service.js';
import { atOnce, insertPerson, type OpenedSession, openSession } from './harness/accounts.js';
import { startApp, type TestApp } from './harness/app.js';
import { insertInvitation } from './harness/invitations.js';
import { newPerson } from './harness/people.js';

interface Tenant extends OpenedSession {
  userId: string;
  email: string;
  organizationName: string;
  organizationId: string;
  invitationId: string;
  /** The address that the invitation is for. */
  guest: string;
}

let tenon: TestApp;
let people: Tenant[];
beforeAll(async () => {
  // Two is the least: one for the requests, and one that a job may hold.
  tenon = await startApp({ env: { DATABASE_POOL_SIZE: '2' }, owner: true, patient: true });
  people = [];
  for (const organizationName of ['Org of Ada', 'Org of Grace']) {
    const { userId, email } = await newPerson(tenon, { organizationName, fullName: organizationName.slice(7) });
    const [{ id: organizationId }] = await rows('select id from organizations where name = $1', organizationName);
    const { invitationId, email: guest } = await insertInvitation(tenon.db, organizationId, userId);
    const session = await openSession(tenon, userId);
    people.push({ userId, email, organizationName, organizationId, invitationId, guest, ...session });
  }
});
afterAll(() => tenon.close());

const rows = async (text: string, ...values: unknown[]) => (await tenon.db.sql.query(text, values)).rows;
const origin = { ip: '127.0.0.1', userAgent: null, requestId: null };
const actorOf = ({ userId, sessionId }: Tenant): Actor => Actor.user(origin, { userId, sessionId });

interface Ask {
  path: string;
  method?: string;
  body?: object;
  /** Cut the connection before the answer. */
  abort?: true;
  /** What is the asker's own and has to be in the answer. */
  shows?: string;
}

describe('O8 case 3: few connections, many requests of two people', () => {
  const REQUESTS = 2_200;
  const AT_ONCE = 24;
  const kept = new Agent({ keepAlive: true });
  afterAll(() => kept.destroy());

  /** What is asked, in turn: nineteen, so that both people ask everything. */
  const mix = (n: number, who: Tenant, stranger: Tenant): Ask => {
    const [own, foreign] = [who, stranger].map(({ organizationId }) => `/api/v1/organizations/${organizationId}`);
    return [
      { path: '/api/v1/users/me', shows: who.email },
      { path: '/api/v1/organizations', shows: who.organizationName },
      { path: `${own}/members`, shows: who.email },
      { path: '/api/v1/auth/sessions', shows: who.sessionId },
      { path: `${own}/settings`, method: 'PATCH', body: { custom: { of: who.guest, n } }, shows: who.guest },
      { path: '/api/v1/users/me', method: 'PATCH', body: { timeZone: n % 4 < 2 ? 'Europe/London' : 'Asia/Tokyo' } },
      { path: `${foreign}/members` },
      { path: '/api/v1/users/me', method: 'PATCH', body: { role: 'owner' } },
      { path: `${own}/settings` },
      { path: `${own}/invitations`, shows: who.guest },
      { path: `/api/v1/auth/sessions/${stranger.sessionId}`, method: 'DELETE' },
      { path: `${own}/invitations/${stranger.invitationId}`, method: 'DELETE' },
      { path: `${own}/members`, abort: true as const },
      { path: `${own}/invitations`, method: 'POST', body: { email: 'no address', role: 'member' } },
      { path: '/api/v1/users/me/security-events?limit=5' },
      { path: `${foreign}/settings`, method: 'PATCH', body: { custom: { of: who.guest } } },
      { path: '/api/v1/organizations', abort: true as const },
      { path: `${own}/members/${stranger.userId}` },
      { path: '/api/v1/admin/users' },
    ][n % 19]!;
  };

  it('errors and aborts in between: nobody sees a row of the other', async () => {
    const seen = new Set<string>();
    const foreign: string[] = [];
    const one = async (n: number): Promise<void> => {
      const who = people[n % 2]!;
      const stranger = people[(n + 1) % 2]!;
      const ask = mix(n, who, stranger);
      const result = ask.abort ? await abort(ask.path, who) : await send(ask, who);
      seen.add(result.status);
      const { userId, email, organizationName, organizationId, guest } = stranger;
      const secrets = [userId, email, organizationName, organizationId, guest];
      const misses = ask.shows !== undefined && !result.text.includes(ask.shows);
      if (misses || secrets.some((secret) => result.text.includes(secret)))
        foreign.push(`${ask.path} ${result.status} ${result.text}`);
    };
    let next = 0;
    await atOnce(AT_ONCE, async () => {
      while (next < REQUESTS) await one(next++);
    });
    expect(foreign).toEqual([]);
    expect([...seen].sort()).toEqual(['200', '400', '403', '404', 'aborted']);
    // 10,000 requests, beside another file on the other core.
  }, 120_000);

  /** Not by `fetch`: its streams were a fifth of what all of this costs. */
  function send({ path, method, body }: Ask, { auth }: Tenant): Promise<{ status: string; text: string }> {
    return new Promise((resolve, reject) => {
      const headers = { ...auth, ...(body && { 'content-type': 'application/json' }) };
      const request = httpRequest(`${tenon.url}${path}`, { method, headers, agent: kept });
      request.on('error', reject);
      request.on('response', (answer) => {
        let text = '';
        answer.setEncoding('utf8');
        answer.on('data', (chunk: string) => (text += chunk));
        answer.on('error', reject);
        answer.on('end', () => resolve({ status: String(answer.statusCode), text }));
      });
      request.end(body && JSON.stringify(body));
    });
  }

  function abort(path: string, { auth }: Tenant): Promise<{ status: string; text: string }> {
    return new Promise((resolve) => {
      const request = httpRequest(`${tenon.url}${path}`, { headers: auth, agent: false });
      request.on('error', () => undefined);
      request.on('close', () => resolve({ status: 'aborted', text: '' }));
      request.on('socket', (socket) => socket.on('connect', () => setImmediate(() => request.destroy())));
      request.end();
    });
  }

  it('afterwards a connection of the pool carries nobody', async () => {
    const pool = await tenon.app.get(MikroORM).em.getConnection().getNativeClient();
    for (let n = 0; n < 20; n += 1) {
      const { rows: left } = await pool.query(
        `select current_setting('app.user_id', true) as person, current_setting('app.organization_id', true) as tenant,
                current_user = session_user as itself, (select count(*)::int from users) as people`,
      );
      expect(['', null]).toContain(left[0].person);
      expect(['', null]).toContain(left[0].tenant);
      expect(left[0]).toMatchObject({ itself: true, people: 0 });
    }
  });
});

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
