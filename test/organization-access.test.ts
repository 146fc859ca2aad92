import { type EntityManager, MikroORM, RequestContext } from '@mikro-orm/postgresql';
import type { PoolClient } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ChangeBus } from '../src/database/change-bus.js';
import { enterTenant } from '../src/database/tenant-context.js';
import { Actor } from '../src/kernel/actor.js';
import { type MemberAccess, OrganizationAccess } from '../src/organizations/access/organization-access.js';
import { recordStatements } from './harness/accounts.js';
import { startApp, type TestApp } from './harness/app.js';
import { createDatabase, type TestDatabase } from './harness/database.js';
import { insertMember, insertOrganization, insertStranger, type Member } from './harness/organizations.js';
import { PostgresProxy } from './harness/postgres-proxy.js';

const GATE = 4_711;

let db: TestDatabase;
let proxy: PostgresProxy;
let tenon: TestApp;
let access: OrganizationAccess;
let bus: ChangeBus;
/** Its members are a viewer and an admin. */
let organizationId: string;
let viewer: Member;
let admin: Member;
let gate: PoolClient | null = null;

beforeAll(async () => {
  db = await createDatabase();
  proxy = await PostgresProxy.start(db.appUrl);
  tenon = await startApp({ db, env: { DATABASE_DIRECT_URL: proxy.url } });
  [access, bus] = [tenon.app.get(OrganizationAccess), tenon.app.get(ChangeBus)];
  // A read stands still here, with its snapshot taken already, while the test holds the gate.
  await db.sql.query(`
    create function gate() returns boolean language plpgsql as $$
    begin
      perform pg_advisory_lock_shared(${GATE}), pg_advisory_unlock_shared(${GATE});
      return true;
    end $$;
    grant execute on function gate() to tenon_system;
    alter policy system on organization_policies using (gate())`);
});
beforeEach(async () => {
  ({ organizationId } = await insertOrganization(db));
  await db.sql.query('insert into organization_policies (organization_id, updated_at) values ($1, now())', [
    organizationId,
  ]);
  viewer = await insertMember(tenon, organizationId, 'viewer');
  admin = await insertMember(tenon, organizationId, 'admin');
});
afterEach(async () => {
  await open();
  proxy.refusing = false;
  await expect.poll(() => bus.up).toBe(true);
});
afterAll(async () => {
  await tenon.close();
  await proxy.close();
  await db.drop();
});

async function close(): Promise<void> {
  gate = await db.sql.connect();
  await gate.query('select pg_advisory_lock($1)', [GATE]);
}

async function open(): Promise<void> {
  await gate?.query('select pg_advisory_unlock_all()');
  gate?.release();
  gate = null;
}

/** Waits until so many reads stand at the gate. */
const waiting = (reads: number): Promise<void> =>
  expect
    .poll(async () => {
      const { rows } = await db.sql.query(
        `select from pg_stat_activity where datname = current_database() and wait_event = 'advisory'`,
      );
      return rows.length;
    })
    .toBe(reads);

async function cut(): Promise<void> {
  proxy.refusing = true;
  proxy.cut();
  await expect.poll(() => bus.up).toBe(false);
}

async function restore(): Promise<void> {
  proxy.refusing = false;
  await expect.poll(() => bus.up).toBe(true);
}

/** What somebody else does, in another process: change and announcement in one commit. */
async function changeElsewhere(role: string, { userId }: Member = viewer, organization = organizationId) {
  const connection = await db.sql.connect();
  await connection.query('begin');
  await connection.query(
    'update user_organization_membership set role = $1 where organization_id = $2 and user_id = $3',
    [role, organization, userId],
  );
  await connection.query(`select pg_notify('tenon_changes', $1)`, [
    JSON.stringify({ topic: 'organizations', keys: [organization] }),
  ]);
  await connection.query('commit');
  connection.release();
}

const of = ({ userId }: Member = viewer, organization = organizationId) => access.of(organization, userId);
const roleOf = async (member?: Member): Promise<string | undefined> => (await of(member))?.role;
/** What memory says; undefined when it has to ask. */
const remembered = (member?: Member, organization?: string): MemberAccess | undefined => {
  const answer = of(member, organization);
  if (!(answer instanceof Promise)) return answer;
  answer.catch(() => undefined);
  return undefined;
};
/** Waits for a change that was announced to be heard. */
const forgotten = (what: MemberAccess, member?: Member): Promise<void> =>
  expect.poll(() => remembered(member) === what).toBe(false);

describe('O3 access from memory', () => {
  it('costs no statement once it was asked', async () => {
    const path = `/api/v1/organizations/${organizationId}/members/${viewer.userId}`;
    const statements = recordStatements(tenon);
    try {
      for (let n = 0; n < 3; n += 1) await tenon.http.get(path).set(viewer.auth).expect(200);
      const reads = statements.take().map((list) => list.filter((text) => text.includes('organization_policies')));
      expect(reads.map(({ length }) => length)).toEqual([1, 0, 0]);
      RequestContext.create(tenon.app.get(MikroORM).em, () => expect(of()).not.toBeInstanceOf(Promise));
      expect(statements.take()).toEqual([]);
    } finally {
      statements.stop();
    }
  });

  it('a change of one organization forgets everybody in it, and nobody elsewhere', async () => {
    const other = await insertOrganization(db);
    const theirs = await insertMember(tenon, other.organizationId, 'member');
    await Promise.all([of(), of(admin), of(theirs, other.organizationId)]);
    const before = {
      viewer: remembered()!,
      admin: remembered(admin)!,
      theirs: remembered(theirs, other.organizationId),
    };
    expect(before.admin.organization).toBe(before.viewer.organization);
    await changeElsewhere('owner');
    await forgotten(before.viewer);
    expect(remembered(admin)).not.toBe(before.admin);
    expect(await roleOf()).toBe('owner');
    expect(await roleOf(admin)).toBe('admin');
    expect(remembered(theirs, other.organizationId)).toBe(before.theirs);
  });

  it('of an organization with many roles of its own, those of members in memory are there, each once', async () => {
    await db.sql.query(
      `insert into organization_roles (organization_id, key, name, permissions, created_at, updated_at)
       select $1::uuid, key, key, held, now(), now() from (values ('reads', '{members:read}'::text[]), ('invites', '{members:invite}')) as r (key, held)
       union all select $1::uuid, 'spare-' || n, 'Spare', '{audit:read}', now(), now() from generate_series(1, 50) as n`,
      [organizationId],
    );
    const people = [];
    for (const role of ['reads', 'invites', 'reads', 'gone'])
      people.push(await insertMember(tenon, organizationId, role));
    const asked = [];
    for (const person of people) asked.push((await of(person))!);
    expect(asked.map(({ permissions }) => [...permissions])).toEqual([
      ['members:read'],
      ['members:invite'],
      ['members:read'],
      [],
    ]);
    const kept = people.map((person) => remembered(person)!);
    expect(kept.map(({ permissions }) => [...permissions])).toEqual(asked.map(({ permissions }) => [...permissions]));
    expect(new Set(kept.map(({ organization }) => organization)).size).toBe(1);
    expect([...kept[0]!.organization.customRoles.keys()]).toEqual(['reads', 'invites']);
    expect(kept[2]!.permissions).toBe(kept[0]!.permissions);
  });

  it('whoever makes the change reads it right after, and what is rolled back changes nothing', async () => {
    const before = (await of())!;
    const orm = tenon.app.get(MikroORM);
    const change = (work: (em: EntityManager) => Promise<unknown>): Promise<unknown> =>
      RequestContext.create(orm.em, () => {
        const actor = Actor.user({ ip: null, userAgent: null, requestId: null }, { ...admin });
        enterTenant(orm.em as EntityManager, actor.within(organizationId, 'admin', new Set()));
        return access.change(organizationId, work);
      });
    const promote = (em: EntityManager) =>
      em.execute(`update user_organization_membership set role = 'member' where user_id = ?`, [viewer.userId]);
    const failing = change(async (em) => {
      await promote(em);
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    // Heard in order: once this one has come, a notification of the other would have.
    const elsewhere = await insertOrganization(db);
    await changeElsewhere('viewer', viewer, elsewhere.organizationId);
    expect(remembered()).toBe(before);
    await change(promote);
    expect(remembered()).toBeUndefined();
    expect(await roleOf()).toBe('member');
  });

  it('who is no member is asked for each time, and many at once are one question', async () => {
    const stranger = await insertStranger(tenon);
    expect(await of(stranger)).toBeNull();
    expect(of(stranger)).toBeInstanceOf(Promise);
    await close();
    const asked = Array.from({ length: 20 }, async () => of());
    await waiting(1);
    await open();
    const answers = await Promise.all(asked);
    expect(new Set(answers).size).toBe(1);
    expect(remembered()).toBe(answers[0]);
  });
});

describe('O3 case 24: a change while access is read', () => {
  it.each(['heard from elsewhere', 'made here'])('%s: what was read before it is not kept', async (where) => {
    await close();
    const early = of();
    await waiting(1);
    if (where === 'made here') {
      await db.sql.query(`update user_organization_membership set role = 'owner' where user_id = $1`, [viewer.userId]);
      access.changed([organizationId]);
    } else {
      await changeElsewhere('owner');
      // Asked again, it is no longer the same question.
      await expect.poll(() => of() === early).toBe(false);
    }
    const late = of();
    await waiting(2);
    await open();
    expect((await early)?.role).toBe('viewer');
    expect((await late)?.role).toBe('owner');
    expect(remembered()?.role).toBe('owner');
  });

  it('of another organization: what is read is kept', async () => {
    await close();
    const reading = of();
    await waiting(1);
    const other = await insertOrganization(db);
    access.changed([other.organizationId]);
    expect(of()).toBe(reading);
    await open();
    const found = await reading;
    expect(remembered()).toBe(found);
  });

  it('a read that fails is told, and not kept', async () => {
    await close();
    const reading = Promise.resolve(of());
    reading.catch(() => undefined);
    await waiting(1);
    await db.sql.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and wait_event = 'advisory'`,
    );
    await expect(reading).rejects.toThrow();
    await open();
    expect(await roleOf()).toBe('viewer');
    expect(remembered()?.role).toBe('viewer');
  });
});

describe('O3 case 35: while the change bus is down', () => {
  it('the database is asked, and nothing is kept; afterwards nothing old is left', async () => {
    await of();
    await of(admin);
    expect([remembered(), remembered(admin)]).not.toContain(undefined);
    await cut();
    expect(of()).toBeInstanceOf(Promise);
    await changeElsewhere('member');
    expect([await roleOf(), await roleOf(admin)]).toEqual(['member', 'admin']);
    await changeElsewhere('viewer', admin);
    expect(await roleOf(admin)).toBe('viewer');
    await restore();
    expect([remembered(), remembered(admin)]).toEqual([undefined, undefined]);
    expect([await roleOf(), await roleOf(admin)]).toEqual(['member', 'viewer']);
    expect(remembered()?.role).toBe('member');
  });

  it('what began before it and ends after it is not kept', async () => {
    await close();
    const early = of();
    await waiting(1);
    await cut();
    await changeElsewhere('owner');
    await restore();
    await open();
    expect((await early)?.role).toBe('viewer');
    expect(remembered()).toBeUndefined();
    expect(await roleOf()).toBe('owner');
  });
});
