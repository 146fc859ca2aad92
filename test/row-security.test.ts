import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rlsReport } from '../src/commands/rls-report.js';
import { tryRowSecurity, type RowSecurityReport } from '../src/database/row-security.js';
import { startApp, type TestApp } from './harness/app.js';
import { runCommand } from './harness/command.js';
import { insertMember, insertOrganization } from './harness/organizations.js';
import { type Person, signInAdmin } from './harness/people.js';

let tenon: TestApp;
let admin: Person;
/** The login of the process. */
let login: Client;
beforeAll(async () => {
  tenon = await startApp({ owner: true });
  const { organizationId } = await insertOrganization(tenon.db);
  await insertMember(tenon, organizationId, 'owner');
  admin = await signInAdmin(tenon);
  login = new Client({ connectionString: tenon.db.appUrl });
  await login.connect();
});
afterAll(async () => {
  await login.end();
  await tenon.close();
});

const rows = async (sql: string): Promise<Record<string, unknown>[]> => (await tenon.db.sql.query(sql)).rows;

/** Asks as the login of the process does, in a transaction of the system role. */
async function ask(sql: string): Promise<Record<string, unknown>[]> {
  await login.query('begin; set local role tenon_system');
  try {
    return (await login.query(sql)).rows;
  } finally {
    await login.query('rollback');
  }
}

async function report(): Promise<RowSecurityReport> {
  await login.query('begin; set local role tenon_system');
  try {
    return await tryRowSecurity(async (sql) => (await login.query(sql)).rows);
  } finally {
    await login.query('rollback');
  }
}

/** Everything that is wrong, in a line each. */
function wrong({ tables, setup }: RowSecurityReport): string[] {
  return [
    ...tables
      .filter(({ passed }) => !passed)
      .map(({ table, operation, context, actual, detail }) => `${operation} ${table} ${context} ${actual}: ${detail}`),
    ...setup.filter(({ passed }) => !passed).map(({ check, detail }) => `${check}: ${detail}`),
  ];
}

describe('P11 the report over the whole catalogue', () => {
  let found: RowSecurityReport;
  beforeAll(async () => {
    found = await report();
  });

  it('case 5: every table of tenants is refused for another tenant and for none, in all four operations', async () => {
    expect(wrong(found)).toEqual([]);
    expect(found.passed).toBe(true);

    // The tables are found here by another way than the report's.
    const tenants = await rows(`
      select distinct c.relname as table from pg_class c join pg_attribute a on a.attrelid = c.oid
       where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
         and (a.attname in ('organization_id', 'user_id') or c.relname in ('organizations', 'users', 'refresh_tokens'))
       order by 1`);
    expect(tenants.length).toBeGreaterThan(15);
    for (const operation of ['read', 'insert', 'update', 'delete'])
      for (const context of ['own', 'other', 'none']) {
        const tried = found.tables.filter((one) => one.operation === operation && one.context === context);
        expect(tried.map(({ table }) => ({ table })).toSorted((a, b) => (a.table < b.table ? -1 : 1))).toEqual(tenants);
        if (context !== 'own') expect(tried.every(({ actual }) => actual === false)).toBe(true);
      }
  });

  it('for the own tenant what is granted is carried out, and really: the trail can be read and added to', () => {
    const own = (table: string): string[] =>
      found.tables
        .filter((one) => one.table === table && one.context === 'own' && one.actual)
        .map((one) => one.operation);
    expect(own('audit_log')).toEqual(['read', 'insert']);
    expect(own('audit_log_default')).toEqual([]);
    expect(own('outbox')).toEqual(['insert']);
    expect(own('organizations')).toEqual(['read', 'update']);
    expect(own('organization_roles')).toEqual(['read', 'insert', 'update', 'delete']);
    expect(own('users')).toEqual(['read', 'update']);
    expect(own('password_credentials')).toEqual([]);
  });

  it('leaves no trace: no row, no announcement, no sequence, no context, no lock', async () => {
    await rows(
      `create table numbered (organization_id uuid not null, id bigint generated always as identity, n serial)`,
    );
    await rows(`alter table numbered enable row level security; alter table numbered force row level security`);
    await rows(`create policy tenant on numbered to tenon_app
      using (organization_id = nullif(current_setting('app.organization_id', true), '')::uuid)`);
    await rows(`grant select, insert, update, delete on numbered to tenon_app, tenon_system;
      create policy system on numbered to tenon_system using (true)`);
    await rows(`create function shout() returns trigger language plpgsql as $$ begin perform pg_notify('shouts', 'x'); return null; end $$;
      create trigger shout after insert or update or delete on numbered for each statement execute function shout()`);
    const heard: string[] = [];
    login.on('notification', ({ channel }) => heard.push(channel));
    await login.query('listen shouts');
    const counts = async (): Promise<unknown> => {
      const tables = await rows(
        `select c.oid::regclass::text as name from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')`,
      );
      return Promise.all(
        tables.map(async ({ name }) => [
          name,
          (await rows(`select md5(coalesce(string_agg(t::text, ',' order by t::text), '')) from ${String(name)} t`))[0],
        ]),
      );
    };
    try {
      const before = await counts();
      await login.query('begin; set local role tenon_system');
      const { rows: tried } = await login.query('select * from generate_rls_test_report()');
      expect(tried.filter(({ table_name: table }) => table === 'numbered')).toHaveLength(12);
      expect(tried.filter(({ passed }) => !passed)).toEqual([]);
      const { rows: left } = await login.query(
        `select current_user as role, current_setting('app.organization_id', true) as tenant, current_setting('app.user_id', true) as person,
                (select count(*)::int from pg_locks l where l.pid = pg_backend_pid() and mode ~ 'Exclusive' and locktype in ('relation', 'tuple')) as locks`,
      );
      expect(left).toEqual([
        { role: 'tenon_system', tenant: expect.toBeOneOf([null, '']), person: expect.toBeOneOf([null, '']), locks: 0 },
      ]);
      await login.query('commit');
      await login.query('select 1');
      expect(await counts()).toEqual(before);
      expect(heard).toEqual([]);
    } finally {
      await login.query('unlisten shouts');
      await rows('drop table numbered; drop function shout()');
    }
  });

  it('is for the system role alone, also each of its functions', async () => {
    for (const call of [
      'generate_rls_test_report()',
      `test_can_read('users')`,
      'validate_security_setup()',
      `rls_probe('tenon_app')`,
      'rls_policies_audit',
    ])
      await expect(login.query(`select * from ${call}`), call).rejects.toThrow(/permission denied/);
  });
});

describe('P11 case 5: a table that lacks something turns the report red', () => {
  const TENANT = `organization_id = nullif(current_setting('app.organization_id', true), '')::uuid`;
  const FORCED = 'alter table leak enable row level security; alter table leak force row level security;';
  const SYSTEM = 'create policy system on leak to tenon_system using (true) with check (true);';
  const LEAK = `create table leak (id uuid primary key, organization_id uuid not null references organizations (id), note text);
    grant select, insert, update, delete on leak to tenon_app, tenon_system;`;
  const GOOD = `${LEAK} ${FORCED} ${SYSTEM} create policy tenant on leak to tenon_app using (${TENANT}) with check (${TENANT});`;
  const PEER = `alter table leak_peer enable row level security; alter table leak_peer force row level security;
    create policy system on leak_peer to tenon_system using (true); grant select, insert on leak_peer to tenon_system;`;
  const OF_EVERY_KIND = `
    create type leak_mood as enum ('calm', 'cross'); create domain leak_code as varchar(4);
    create table leak_peer (organization_id uuid not null references organizations (id), id uuid,
      kind text not null check (kind in ('it''s', 'b')), primary key (organization_id, id)); ${PEER}
    ${GOOD} alter table leak
      add peer_id uuid not null, add a leak_mood not null, add b leak_code not null, add c smallint not null unique,
      add d numeric(3,2) not null check (d > 0), add e boolean not null, add f date not null, add g interval not null,
      add h jsonb not null, add i bytea not null, add j text[] not null, add k inet not null, add l tstzrange not null,
      add m char(2) not null, add n int not null check (n = any (array[7, 8])),
      add o text generated always as (note || 'x') stored, add p timestamptz not null default now(), add q bigserial,
      add author uuid not null references users (id), add status varchar(20) not null check (status in ('open', 'closed')),
      add foreign key (organization_id, peer_id) references leak_peer`;
  const CHILD = `${GOOD} create table leak_child (id uuid primary key, leak_id uuid not null references leak (id) on delete cascade);
    grant select on leak_child to tenon_app, tenon_system; grant insert on leak_child to tenon_system`;
  const HIDDEN = `${GOOD} drop policy tenant on leak; create policy r on leak for select to tenon_app using (${TENANT});
    create policy i on leak for insert to tenon_app with check (${TENANT});
    create policy u on leak for update to tenon_app using (note is null);
    create policy d on leak for delete to tenon_app using (note is null)`;
  const OWN = `${LEAK} alter table leak add user_id uuid not null references users (id); ${FORCED} ${SYSTEM}
    create policy own on leak to tenon_app using (user_id = nullif(current_setting('app.user_id', true), '')::uuid)`;
  const CIRCLE = `${GOOD} create table leak_peer (id uuid primary key, user_id uuid not null, leak_id uuid not null references leak (id));
    alter table leak add peer_id uuid not null references leak_peer (id); ${PEER}`;

  /** What is made, and what the report has to say of it; nothing where it is as it should be. */
  const tables: [what: string, sql: string, named: RegExp[]][] = [
    ['all that it needs', GOOD, []],
    ['all that it needs, and columns of every kind', OF_EVERY_KIND, []],
    [
      'no row security',
      LEAK,
      [/^read leak other true/, /^read leak none true/, /^insert leak other true/, /^update leak other true/].concat([
        /^delete leak none true/,
        /^row_security_is_forced: public.leak: row security is off/,
      ]),
    ],
    [
      'no policy',
      `${LEAK} ${FORCED}`,
      [
        /^read leak own null: no row could be made/,
        /^row_security_is_forced: public.leak: has no policy/,
        /^grants_have_policies: leak: delete/,
      ],
    ],
    [
      'no policy for the application',
      `${LEAK} ${FORCED} ${SYSTEM}`,
      [/^read leak own false/, /^grants_have_policies: leak: insert/],
    ],
    [
      'row security that is not forced',
      GOOD.replace('alter table leak force row level security;', ''),
      [/^read leak other false: row security is not forced/, /^row_security_is_forced: public.leak: .*not forced/],
    ],
    [
      'using (true)',
      `${LEAK} ${FORCED} ${SYSTEM} create policy tenant on leak to tenon_app using (true)`,
      [
        /^read leak other true/,
        /^update leak none true/,
        /^delete leak other true/,
        /^policies_name_a_tenant: public.leak.tenant lets everything through/,
      ],
    ],
    [
      'a policy for everybody',
      `${GOOD} create policy open on leak for select using (note is null)`,
      [/^read leak other true/, /^policies_name_a_tenant: public.leak.open is for everybody/],
    ],
    [
      'a policy on the wrong column',
      GOOD.replaceAll(TENANT, TENANT.replace('organization_id', 'id')),
      [/^read leak own false/, /^insert leak own false/],
    ],
    [
      'a policy that passes whoever has no tenant',
      GOOD.replaceAll(TENANT, `coalesce(${TENANT}, true)`),
      [/^read leak none true/, /^update leak none true/],
    ],
    [
      'a check that is open',
      GOOD.replace(`with check (${TENANT})`, `with check (note is null)`),
      [/^insert leak other true/, /^update leak other true/],
    ],
    [
      'a policy for updates that only the one for reading hides',
      HIDDEN,
      [/^update leak other true: division by zero/, /^update leak none true/, /^delete leak other true/],
    ],
    [
      'truncate granted',
      `${GOOD} grant truncate on leak to tenon_app`,
      [/^nothing_passes_row_security: leak: truncate by tenon_app/],
    ],
    [
      'a grant to everybody',
      `${GOOD} grant select on leak to public`,
      [/^nothing_passes_row_security: leak: select by everybody/],
    ],
    [
      'a row that cannot be made',
      `${GOOD} alter table leak add check (note ~ '^x' and note is not null)`,
      [/^read leak own null: no row could be made to try it with: .*violates check/],
    ],
    [
      'a value that nobody knows',
      `${GOOD} alter table leak add shape polygon not null`,
      [/^read leak own null: .*nothing is known to put into its column "shape"/],
    ],
    [
      'changes granted and reading not',
      `${GOOD} revoke select on leak from tenon_app`,
      [/^update leak other null: it cannot be tried/],
    ],
    [
      'a child without a column of a tenant',
      CHILD,
      [/^read leak_child other true/, /^row_security_is_forced: public.leak_child: row security is off/],
    ],
    ['a policy of one’s own, by which one joins another', OWN, [/^insert leak other true/, /^update leak other true/]],
    ['two tables that need each other', CIRCLE, [/^read leak own null: .*in a circle/]],
    [
      'a view that asks as its owner',
      `${GOOD} create view leak_view as select * from leak`,
      [/^views_ask_as_who_reads: leak_view asks as its owner/],
    ],
    [
      'a copy',
      `${GOOD} create materialized view leak_copy as select * from leak; grant select on leak_copy to tenon_app`,
      [/^read leak_copy own null/, /^views_ask_as_who_reads: leak_copy is materialized/],
    ],
  ];
  /** What the one report over all of them says of each, with the names as they are written above. */
  const told = new Map<string, string[]>();
  const named = (at: number): string => `leak${at}x`;

  beforeAll(async () => {
    for (const [at, [, sql]] of tables.entries()) await rows(sql.replaceAll('leak', named(at)));
    const found = await report();
    expect(found.passed).toBe(false);
    const lines = wrong(found).flatMap((line) => {
      // The details of a check name one table after the other.
      const [check, ...offences] = /^\w+: /.test(line) ? line.split(/: (.*)/s) : [line];
      return offences[0] ? offences[0].split('; ').map((offence) => `${check}: ${offence}`) : [line];
    });
    for (const [at, [what]] of tables.entries())
      told.set(
        what,
        lines.filter((line) => line.includes(named(at))).map((line) => line.replaceAll(named(at), 'leak')),
      );
    expect(lines.filter((line) => !/leak\d+x/.test(line))).toEqual([]);
  });
  afterAll(async () => {
    const made =
      await rows(`select format('drop %s if exists %I cascade', case relkind when 'v' then 'view' when 'm' then 'materialized view' else 'table' end, relname) as sql
      from pg_class where relname ~ '^leak' and relkind in ('r', 'v', 'm')
      union all select format('drop type %I', typname) from pg_type where typname ~ '^leak.*(mood|code)$' order by 1`);
    await rows(made.map(({ sql }) => sql).join('; '));
  });

  it.each(tables)('%s', (what, _, lines) => {
    for (const line of lines) expect(told.get(what)).toContainEqual(expect.stringMatching(line));
    if (lines.length === 0) expect(told.get(what)).toEqual([]);
  });

  it('somebody holds a table: told within a second, and the rest is tried', async () => {
    const holder = await tenon.db.sql.connect();
    try {
      await holder.query('begin; lock table organization_domains in access exclusive mode');
      const found = await ask(
        `select * from generate_rls_test_report() where table_name not like 'leak%' and not passed`,
      );
      expect(new Set(found.map(({ table_name: table }) => table))).toEqual(new Set(['organization_domains']));
      expect(found[0]!.detail).toMatch(/lock timeout/);
    } finally {
      await holder.query('rollback');
      holder.release();
    }
  });
});

describe('P11 one question', () => {
  const answer = async (call: string): Promise<unknown> => (await ask(`select ${call} as answer`))[0]!.answer;

  it.each([
    [`test_can_read('invitations')`, false],
    [`test_can_read('invitations', 'own')`, true],
    [`test_can_read('invitations', 'none')`, false],
    [`test_can_insert('invitations', 'own')`, true],
    [`test_can_insert('public.invitations', 'other')`, false],
    [`test_can_update('invitations', 'own')`, true],
    [`test_can_update('invitations')`, false],
    [`test_can_delete('invitations', 'own')`, false],
    [`test_can_delete('organization_roles', 'own')`, true],
    [`test_can_delete('organization_roles')`, false],
    // The role that sees every tenant does.
    [`test_can_read('invitations', 'other', 'tenon_system')`, true],
    [`test_can_read('invitations', 'none', 'tenon_system')`, true],
  ])('%s is %s', async (call, expected) => {
    expect(await answer(call)).toBe(expected);
  });

  it.each([
    [`test_can_read('plans')`, /no table of tenants "plans"/],
    [`test_can_read('users', null)`, /the context is own, other or none/],
    [`test_can_read('nothing')`, /no table of tenants "nothing"/],
    [`test_can_read('users', 'mine')`, /own, other or none, not "mine"/],
    [`test_can_read('users', 'own', 'nobody_of_this_name')`, /no role "nobody_of_this_name"/],
    [`test_can_read('users', 'own', 'pg_read_all_data')`, /permission denied to set role/],
    [`test_can_read('users; drop table users')`, /no table of tenants|invalid name syntax/],
  ])('%s is an error', async (call, message) => {
    await expect(ask(`select ${call}`)).rejects.toThrow(message);
  });

  it('in a transaction that only reads it says why it cannot', async () => {
    await expect(ask(`set local transaction read only; select test_can_read('users')`)).rejects.toThrow(
      /not in a read-only/,
    );
  });

  it('the view shows every table with its policies', async () => {
    const shown = await ask(`select * from rls_policies_audit where schema_name = 'public'`);
    expect(shown).toContainEqual({
      schema_name: 'public',
      table_name: 'invitations',
      tenant_table: true,
      row_security: 'forced',
      policy_name: 'tenant',
      kind: 'permissive',
      command: 'all',
      roles: ['tenon_app'],
      using_expression: expect.stringContaining('app.organization_id'),
      check_expression: expect.stringContaining('app.organization_id'),
      finding: null,
    });
    expect(shown).toContainEqual(
      expect.objectContaining({ table_name: 'schema_migrations', tenant_table: false, policy_name: null }),
    );
    expect(shown.filter(({ finding }) => finding !== null)).toEqual([]);
  });
});

describe('P11 the set-up', () => {
  const offences = async (client: Client): Promise<string[]> => {
    await client.query('begin; set local role tenon_system');
    const { rows: checks } = await client.query('select * from validate_security_setup()');
    await client.query('rollback');
    return checks.filter(({ passed }) => !passed).map(({ check_name: name, detail }) => `${name}: ${detail}`);
  };

  it('says of another login what it could pass', async () => {
    const superuser = new Client({ connectionString: tenon.db.superuserUrl });
    const owner = new Client({ connectionString: tenon.db.ownerUrl });
    await Promise.all([superuser.connect(), owner.connect()]);
    try {
      expect(await offences(superuser)).toContainEqual(expect.stringMatching(/^login_is_bound: .* is a superuser/));
      expect(await offences(owner)).toContainEqual(expect.stringMatching(/^login_owns_nothing: .*users belongs to/));
    } finally {
      await Promise.all([superuser.end(), owner.end()]);
    }
  });

  it.each([
    [
      'create function open_door() returns int language sql return 1; grant execute on function open_door() to public',
      'drop function open_door()',
      /^functions_are_for_our_roles: open_door\(\)/,
    ],
    [
      `create function open_door() returns int language sql security definer set search_path = public return 1; revoke all on function open_door() from public`,
      'drop function open_door()',
      /^owners_functions_are_pinned: open_door\(\)/,
    ],
    [
      'grant create on schema public to public',
      'revoke create on schema public from public',
      /^nothing_can_be_created: .*public may create in schema public/,
    ],
    [
      'grant create on schema public to tenon_app',
      'revoke create on schema public from tenon_app',
      /^nothing_can_be_created: .*tenon_app may create in schema public/,
    ],
    [
      'grant temporary on database %database% to public',
      'revoke temporary on database %database% from public',
      /^nothing_can_be_created: .*temporary/,
    ],
    [
      'grant select on users to %login%',
      'revoke select on users from %login%',
      /^nothing_passes_row_security: users: select by/,
    ],
  ])('finds %s', async (statement, undo, offence) => {
    const filled = (sql: string): string =>
      sql
        .replaceAll('%database%', tenon.db.name)
        .replaceAll('%login%', `"${decodeURIComponent(new URL(tenon.db.appUrl).username)}"`);
    await rows(filled(statement));
    try {
      expect(await offences(login)).toEqual([expect.stringMatching(offence)]);
    } finally {
      await rows(filled(undo));
    }
  });
});

describe('O8 for people', () => {
  it('GET /api/v1/admin/security/rls-report, for platform admins', async () => {
    const { body } = await tenon.http.get('/api/v1/admin/security/rls-report').set(admin.auth).expect(200);
    expect(body).toMatchObject({ generatedAt: expect.any(String), passed: true });
    expect(body.tables).toContainEqual({
      table: 'invitations',
      role: 'tenon_app',
      operation: 'read',
      context: 'other',
      expected: false,
      actual: false,
      passed: true,
      detail: '0 rows',
    });
    expect(body.setup).toContainEqual({ check: 'login_is_bound', passed: true, detail: expect.any(String) });
  });

  it('npm run rls:report shows a table and ends well', async () => {
    const { code, out, err } = await runCommand(tenon.db, (terminal) => rlsReport([], terminal));
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(/^table +own tenant may +another may +without a tenant$/m);
    expect(out).toMatch(/^organization_roles +read insert update delete +- +-$/m);
    expect(out).toMatch(/^Row security holds: \d+ attempts on \d+ tables, 12 checks\.$/m);
  });

  it('npm run rls:report ends with 1 when anything is wrong, and says what', async () => {
    await rows('alter policy tenant on invitations using (true)');
    try {
      const { code, out } = await runCommand(tenon.db, (terminal) => rlsReport([], terminal));
      expect(code).toBe(1);
      expect(out).toContain('WRONG  read invitations, other: expected to be refused, carried out: 1 rows');
      expect(out).toContain('WRONG  policies_name_a_tenant: public.invitations.tenant lets everything through');
      expect(out).toMatch(/^Row security does not hold: \d+ attempts and 1 checks are wrong\.$/m);
    } finally {
      await rows(
        `alter policy tenant on invitations using (organization_id = nullif(current_setting('app.organization_id', true), '')::uuid)`,
      );
    }
  });

  it('npm run rls:report tells its usage, and in a sentence what is in its way', async () => {
    expect(await runCommand(tenon.db, (terminal) => rlsReport(['all'], terminal))).toMatchObject({
      code: 2,
      err: expect.stringContaining('Usage: npm run rls:report'),
    });
    const nowhere = { ...tenon.db, appUrl: tenon.db.appUrl.replace(/\/[^/]+$/, '/nowhere') };
    expect(await runCommand(nowhere, (terminal) => rlsReport([], terminal))).toEqual({
      code: 1,
      out: '',
      err: expect.stringContaining('nowhere'),
    });
  });
});
