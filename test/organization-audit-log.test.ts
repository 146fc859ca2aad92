import { EntityManager, RequestContext } from '@mikro-orm/postgresql';
import { Client } from 'pg';
import type { Test } from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { platformScope } from '../src/audit/audit-scope.js';
import { SearchTime } from '../src/audit/search-time.js';
import { firstIdAt, newId } from '../src/kernel/ids.js';
import { insertPerson, openSession, recordStatements } from './harness/accounts.js';
import { startApp, type TestApp } from './harness/app.js';
import { createDatabase } from './harness/database.js';
import { insertMember, insertOrganization, insertStranger, type Member } from './harness/organizations.js';
import { tapWire, type WireTap } from './harness/wire-tap.js';

interface Row {
  id: string;
  [field: string]: unknown;
}
type Organization = Awaited<ReturnType<typeof insertOrganization>>;

let tenon: TestApp;
let wire: WireTap;
let ours: Organization;
let theirs: Organization;
let owner: Member;
let admin: Member;
let member: Member;
let stranger: Member;
let platformAdmin: { userId: string; auth: { authorization: string } };
beforeAll(async () => {
  const db = await createDatabase();
  wire = await tapWire(db.appUrl);
  tenon = await startApp({ db, env: { DATABASE_URL: wire.url } });
  ours = await insertOrganization(db);
  theirs = await insertOrganization(db, { name: 'Difference Engines' });
  owner = await insertMember(tenon, ours.organizationId, 'owner', { fullName: 'Grace Hopper' });
  admin = await insertMember(tenon, ours.organizationId, 'admin', { fullName: 'Ärne Ångström' });
  member = await insertMember(tenon, ours.organizationId, 'member', { fullName: 'Ada Lovelace' });
  stranger = await insertMember(tenon, theirs.organizationId, 'owner', { fullName: 'Charles Babbage' });
  const { userId } = await insertPerson(db, { fullName: 'Operator Hidden', platformRole: 'admin' });
  platformAdmin = { userId, auth: (await openSession(tenon, userId)).auth };
});
afterAll(async () => {
  await tenon.close();
  await wire.close();
  await tenon.db.drop();
});

/** The trail of an organization, asked by somebody. */
function ask(query: Record<string, unknown> = {}, { who = admin, of = ours } = {}): Test {
  return tenon.http.get(`${of.path}/audit-log`).query(query).set(who.auth);
}
async function find(query: Record<string, unknown>, options?: Parameters<typeof ask>[1]): Promise<Row[]> {
  return (await ask(query, options).expect(200)).body.data;
}
async function ids(query: Record<string, unknown>, options?: Parameters<typeof ask>[1]): Promise<string[]> {
  return (await find(query, options)).map(({ id }) => id);
}

/** An entry past the service, by the owner of our organization unless said otherwise. */
async function insertEntry(columns: Record<string, unknown> = {}): Promise<string> {
  const row: Record<string, unknown> = {
    id: newId(),
    organization_id: ours.organizationId,
    actor_kind: 'user',
    actor_id: owner.userId,
    actor_role: 'owner',
    action: 'seed.made',
    outcome: 'success',
    ...columns,
  };
  const names = Object.keys(row);
  await tenon.db.sql.query(
    `insert into audit_log (occurred_at, ${names.join(', ')}) values (now(), ${names.map((_, at) => `$${at + 1}`).join(', ')})`,
    Object.values(row),
  );
  return row.id as string;
}

describe('U3 the trail of an organization', () => {
  it('U1 tells what was done, by whom, to whom, from where', async () => {
    const { headers } = await tenon.http
      .patch(`${ours.path}/members/${member.userId}`)
      .set(owner.auth)
      .set('user-agent', 'a browser')
      .send({ role: 'admin' })
      .expect(200);
    await tenon.http
      .patch(`${ours.path}/members/${member.userId}`)
      .set(owner.auth)
      .send({ role: 'member' })
      .expect(200);
    const [entry] = await find({ requestId: headers['x-request-id'] });
    expect(entry).toEqual({
      id: expect.any(String),
      occurredAt: expect.stringMatching(/^\d{4}-.*Z$/),
      action: 'member.role_changed',
      sentence: 'Grace Hopper changed the role of Ada Lovelace from member to admin',
      outcome: 'success',
      reason: null,
      actorKind: 'user',
      actorId: owner.userId,
      actorFullName: 'Grace Hopper',
      actorName: null,
      actorRole: 'owner',
      impersonatorId: null,
      sessionId: owner.sessionId,
      apiKeyId: null,
      userId: member.userId,
      userFullName: 'Ada Lovelace',
      organizationId: ours.organizationId,
      targetType: 'user',
      targetId: member.userId,
      before: { role: 'member' },
      after: { role: 'admin' },
      ip: '127.0.0.1',
      userAgent: 'a browser',
      requestId: headers['x-request-id'],
    });
  });

  it('is for whoever holds audit:read, and for a platform admin', async () => {
    await tenon.http.get(`${ours.path}/audit-log`).expect(401);
    for (const who of [owner, admin]) await ask({}, { who }).expect(200);
    await tenon.http.get(`${ours.path}/audit-log`).set(platformAdmin.auth).expect(200);
    const { body } = await ask({}, { who: member }).expect(403);
    expect(body.code).toBe('permission_denied');
    const [denied] = await find({ action: 'permission.denied', actorId: member.userId });
    expect(denied!.sentence).toMatch(/^Ada Lovelace was refused .*audit-log, which needs audit:read$/);
  });

  it('finds by every filter', async () => {
    const facts = {
      actor_id: newId(),
      user_id: newId(),
      actor_role: 'auditor',
      target_type: 'seed',
      target_id: `x_${newId()}`,
      request_id: newId(),
    };
    const id = await insertEntry(facts);
    await insertEntry();
    const filters = {
      actorId: facts.actor_id,
      userId: facts.user_id,
      actorRole: facts.actor_role,
      targetType: facts.target_type,
      targetId: facts.target_id,
      requestId: facts.request_id,
    };
    for (const [name, value] of Object.entries(filters)) expect(await ids({ [name]: value }), name).toEqual([id]);
    const all = { ...filters, action: 'seed.*', outcome: 'success', q: 'seed', from: '2020-01-01', to: '2100-01-01' };
    expect(await ids(all)).toEqual([id]);
    expect(await ids({ ...all, outcome: 'failure' })).toEqual([]);
    expect(await ids({ ...all, action: 'seed' })).toEqual([]);
    expect(await ids({ ...all, from: '2100-01-01' })).toEqual([]);
    expect(await ids({ ...all, to: '2020-01-01' })).toEqual([]);
  });

  it('P7 pages by keyset without gap or repetition while entries come in, with and without a text', async () => {
    const target = `pages-${newId()}`;
    const made: string[] = [];
    for (let n = 0; n < 12; n += 1) made.push(await insertEntry({ target_id: target }));
    for (const query of [{ targetId: target }, { q: target }]) {
      const seen: string[] = [];
      let cursor: string | null = null;
      do {
        const { body } = await ask({ ...query, limit: 5, ...(cursor && { cursor }) }).expect(200);
        seen.push(...(body.data as Row[]).map(({ id }) => id));
        expect(body.meta.hasNext).toBe(body.meta.nextCursor !== null);
        cursor = body.meta.nextCursor as string | null;
        await insertEntry({ target_id: target });
      } while (cursor);
      expect(seen).toEqual(made.toReversed());
      await tenon.db.sql.query('delete from audit_log where target_id = $1 and id <> all($2)', [target, made]);
    }
  });

  it('asks for the names of a page once', async () => {
    await insertEntry({ user_id: member.userId });
    const statements = recordStatements(tenon);
    try {
      await find({});
      expect(
        statements
          .take()
          .flat()
          .filter((sql) => sql.includes('full_name from users')),
      ).toHaveLength(1);
    } finally {
      statements.stop();
    }
  });

  it('whoever deleted their account is a deleted user, also where they are looked for by name', async () => {
    const { userId } = await insertMember(tenon, ours.organizationId, 'member', { fullName: 'Gone Girl' });
    const id = await insertEntry({ action: 'member.left', actor_id: userId, user_id: userId });
    expect(await ids({ q: 'gone girl' })).toEqual([id]);
    await tenon.db.sql.query(`update users set status = 'deleted', full_name = 'Deleted user' where id = $1`, [userId]);
    const [entry] = await find({ actorId: userId });
    expect(entry).toMatchObject({ sentence: 'A deleted user left', actorFullName: null, userFullName: null });
    for (const q of ['gone girl', 'deleted user']) expect(await ids({ q })).toEqual([]);
  });

  it('a former member is still named, and found', async () => {
    const { userId } = await insertMember(tenon, ours.organizationId, 'member', { fullName: 'Former Fellow' });
    const id = await insertEntry({ action: 'member.removed', user_id: userId });
    await tenon.db.sql.query('delete from user_organization_membership where user_id = $1', [userId]);
    expect(await find({ q: 'former f' })).toMatchObject([{ id, sentence: 'Grace Hopper removed Former Fellow' }]);
  });
});

describe('U3 text search', () => {
  it.each<[place: string, columns: () => Record<string, unknown>, q: string]>([
    ['the action', () => ({ action: 'needle_one.done' }), 'NEEDLE_ONE.d'],
    ['the reason', () => ({ reason: 'needle two' }), 'Needle Two'],
    ['the target’s type', () => ({ target_type: 'needle-three' }), 'needle-three'],
    ['the target’s id', () => ({ target_id: 'needle-four' }), 'EEDLE-FOUR'],
    ['the request', () => ({ request_id: 'needle-five' }), 'needle-five'],
    ['the address', () => ({ ip: '203.0.113.66' }), '203.0.113.66'],
    ['an address of before', () => ({ before: { email: 'Needle.Six@example.com' } }), 'needle.six@EXAMPLE'],
    ['a name of after', () => ({ after: { owner: { name: 'Needle Seven' } } }), 'needle seven'],
    ['a quoted text', () => ({ after: { name: 'needle "eight" \\ 8' } }), 'needle "eight" \\'],
    ['the actor’s name', () => ({ actor_id: admin.userId, actor_role: 'admin' }), 'äRNE å'],
    ['the person’s name', () => ({ user_id: admin.userId }), 'ångSTRÖM'],
  ])('finds a text in %s, in any case', async (_, columns, q) => {
    const id = await insertEntry(columns());
    await insertEntry();
    expect(await ids({ q })).toEqual([id]);
    await tenon.db.sql.query('delete from audit_log where id = $1', [id]);
    expect(await ids({ q })).toEqual([]);
  });

  it('takes %, _, \\ and signs of regular expressions for themselves', async () => {
    const id = await insertEntry({ reason: String.raw`50%_of\it.*` });
    for (const q of ['50%', '%_', String.raw`_of\i`, '.*', '%_of']) expect(await ids({ q }), q).toEqual([id]);
    for (const q of ['5%f', '50__of', String.raw`of\\it`, 'o.', '%%']) expect(await ids({ q }), q).toEqual([]);
  });

  it('goes on until it has found enough, and stops then', async () => {
    const organization = await insertOrganization(tenon.db);
    const who = await insertMember(tenon, organization.organizationId, 'owner', { fullName: 'Deep Thought' });
    const start = Date.now() - 3600_000;
    // 5,200 entries: three chunks, the oldest of which has what is looked for.
    await tenon.db.sql.query(
      `insert into audit_log (id, occurred_at, organization_id, actor_kind, actor_id, actor_role, action, outcome, reason)
       select overlay(uuid_v7_floor(to_timestamp($1::float8 / 1000) + make_interval(secs => n / 10.0))::text placing lpad(n::text, 12, '0') from 25)::uuid,
              now(), $2, 'user', case when n = 5 then $3::uuid else $4::uuid end, 'member', 'seed.made', 'success', case when n = 7 then 'a rare one' else 'common' end
         from generate_series(1, 5200) n`,
      [start, organization.organizationId, who.userId, newId()],
    );
    const statements = recordStatements(tenon);
    try {
      const chunks = async (q: string): Promise<[found: number, chunks: number]> => {
        statements.take();
        const found = await ids({ q, limit: 10 }, { who, of: organization });
        return [
          found.length,
          statements
            .take()
            .flat()
            .filter((sql) => sql.includes('chunk')).length,
        ];
      };
      expect(await chunks('common')).toEqual([10, 1]);
      expect(await chunks('a rare')).toEqual([1, 3]);
      expect(await chunks('thought')).toEqual([1, 3]);
      expect(await chunks('nothing')).toEqual([0, 3]);
    } finally {
      statements.stop();
    }
  });

  it('ends a search that takes too long, and asks to narrow it', async () => {
    const em = tenon.app.get(EntityManager);
    const search = (ms: number, statement: string): Promise<unknown> =>
      RequestContext.create(em, () =>
        new SearchTime('q', ms).run(platformScope(em), (inner) => inner.execute(statement)),
      );
    await expect(search(30, 'select pg_sleep(3)')).rejects.toMatchObject({
      code: 'validation_failed',
      errors: [{ field: 'q', code: 'search_too_broad', message: expect.stringContaining('narrow the time') }],
    });
    await expect(search(0, 'select 1')).rejects.toMatchObject({ code: 'validation_failed' });
    await expect(search(5_000, 'select 1')).resolves.toHaveLength(1);
    await expect(search(5_000, 'select no_such')).rejects.not.toMatchObject({ code: 'validation_failed' });
  });
});

describe('U3 what an organization does not see', () => {
  const origin = { ip: '198.51.100.99', user_agent: 'operator browser', session_id: newId() };
  const hidden = { ip: null, userAgent: null, sessionId: null };

  it('of a platform admin: that it was one and what was done, not who and from where', async () => {
    const acts = { actor_id: platformAdmin.userId, actor_role: 'platform-admin', ...origin };
    const id = await insertEntry({
      ...acts,
      user_id: platformAdmin.userId,
      action: 'organization.plan_changed',
      before: { plan: 'standard' },
      after: { plan: 'pro' },
    });
    const removal = await insertEntry({ ...acts, user_id: member.userId, action: 'member.removed' });
    const answer = await ask({ actorRole: 'platform-admin' }).expect(200);
    expect(answer.body.data).toMatchObject([
      { id: removal, sentence: 'A platform admin removed Ada Lovelace', userFullName: 'Ada Lovelace', ...hidden },
      {
        id,
        sentence: 'A platform admin changed the plan from standard to pro',
        actorId: null,
        userId: null,
        ...hidden,
      },
    ]);
    for (const secret of [platformAdmin.userId, 'Operator', origin.ip, origin.user_agent, origin.session_id])
      expect(answer.text).not.toContain(secret);
    // Nor by asking for it.
    for (const query of [
      { actorId: platformAdmin.userId },
      { userId: platformAdmin.userId },
      { q: origin.ip },
      { q: 'operator hidden' },
      { q: platformAdmin.userId },
    ])
      expect(await ids(query), JSON.stringify(query)).toEqual([]);

    const whole = await tenon.http.get('/api/v1/admin/audit-log').query({ q: 'operator hid' }).set(platformAdmin.auth);
    expect(whole.body.data).toMatchObject([
      { id: removal, actorFullName: 'Operator Hidden', ip: origin.ip, userAgent: origin.user_agent },
      { id, actorId: platformAdmin.userId, sessionId: origin.session_id },
    ]);
  });

  it('a platform admin who changed themselves in it is named as the one concerned', async () => {
    const id = await insertEntry({
      actor_id: platformAdmin.userId,
      actor_role: 'platform-admin',
      user_id: platformAdmin.userId,
      target_type: 'user',
      target_id: platformAdmin.userId,
      action: 'member.role_changed',
      after: { role: 'owner' },
    });
    expect(await find({ userId: platformAdmin.userId })).toMatchObject([
      { id, actorId: null, sentence: 'A platform admin changed the role of Operator Hidden to owner' },
    ]);
  });

  it('where somebody was who acted without a role in it, or was acted for', async () => {
    const joining = await insertEntry({ ...origin, actor_role: null, action: 'invitation.accepted' });
    const impersonated = await insertEntry({ ...origin, impersonator_id: newId(), target_id: 'impersonated' });
    expect(await find({ action: 'invitation.accepted' })).toMatchObject([{ id: joining, ...hidden }]);
    expect(await find({ targetId: 'impersonated' })).toMatchObject([{ id: impersonated, ...hidden }]);
    expect(await ids({ q: origin.ip })).toEqual([]);
  });

  it('what its members do elsewhere, such as signing in', async () => {
    await insertEntry({ organization_id: null, action: 'session.opened', user_id: member.userId });
    expect(await ids({ action: 'session.opened' })).toEqual([]);
  });
});

describe('U3 case 2: another tenant’s', () => {
  let theirEntry: string;
  const facts = { target_id: `theirs-${newId()}`, request_id: newId(), reason: 'their secret' };
  beforeAll(async () => {
    theirEntry = await insertEntry({
      ...facts,
      organization_id: theirs.organizationId,
      actor_id: stranger.userId,
      user_id: stranger.userId,
    });
  });

  it('trail is not found, and neither is one that does not exist', async () => {
    const nobody = await insertStranger(tenon);
    for (const [who, path] of [
      [admin, theirs.path],
      [stranger, ours.path],
      [nobody, ours.path],
      [admin, `/api/v1/organizations/${newId()}`],
      [admin, '/api/v1/organizations/not-an-id'],
    ] as const) {
      const { body } = await tenon.http.get(`${path}/audit-log`).query({ limit: 'x' }).set(who.auth).expect(404);
      expect(body.code).toBe('not_found');
    }
  });

  it('ids, texts and cursors find nothing of it', async () => {
    expect(await ids({ q: 'their secret' }, { who: stranger, of: theirs })).toEqual([theirEntry]);
    for (const query of [
      { actorId: stranger.userId },
      { userId: stranger.userId },
      { targetId: facts.target_id },
      { requestId: facts.request_id },
      { q: 'their secret' },
      { q: 'charles babbage' },
      { q: facts.target_id },
    ])
      expect(await ids(query), JSON.stringify(query)).toEqual([]);
    await insertEntry();
    for (const id of [theirEntry, firstIdAt(Date.now() + 3600_000).replace('0000-0000', '7000-8000')]) {
      const rows = await find({ cursor: Buffer.from(id).toString('base64url'), limit: 200 });
      expect(rows.length).toBeGreaterThan(0);
      expect(rows.every(({ organizationId }) => organizationId === ours.organizationId)).toBe(true);
    }
    const { body } = await ask({ organizationId: theirs.organizationId }).expect(400);
    expect(body.errors).toMatchObject([{ field: 'organizationId', code: 'unknown_property' }]);
  });

  it('O8 trail takes no entry of ours: policy app_leaves', async () => {
    const client = new Client({ connectionString: tenon.db.appUrl });
    await client.connect();
    const leave = (organizationId: string | null): Promise<unknown> =>
      client.query(
        `insert into audit_log (id, occurred_at, organization_id, actor_kind, action, outcome) values ($1, now(), $2, 'user', 'seed.forged', 'success')`,
        [newId(), organizationId],
      );
    try {
      await expect(leave(theirs.organizationId)).rejects.toThrow(/row-level security/);
      await leave(null);
      await client.query(`begin; select set_config('app.organization_id', '${ours.organizationId}', true)`);
      await leave(ours.organizationId);
      await expect(leave(theirs.organizationId)).rejects.toThrow(/row-level security/);
      await client.query('rollback');
    } finally {
      await client.end();
    }
    expect(await ids({ action: 'seed.forged' }, { who: stranger, of: theirs })).toEqual([]);
  });
});

describe('U1 faults and bad input', () => {
  it('case 6: a change in an organization whose entry cannot be written is rolled back', async () => {
    const roleOf = async (): Promise<string> =>
      (await tenon.db.sql.query('select role from user_organization_membership where user_id = $1', [member.userId]))
        .rows[0].role;
    await tenon.db.sql.query(
      `create function refuse() returns trigger language plpgsql as $$ begin raise exception 'the trail is broken'; end $$`,
    );
    await tenon.db.sql.query('create trigger refuse before insert on audit_log for each row execute function refuse()');
    const change = (): Test =>
      tenon.http.patch(`${ours.path}/members/${member.userId}`).set(owner.auth).send({ role: 'viewer' });
    try {
      await change().expect(500);
      expect(await roleOf()).toBe('member');
    } finally {
      await tenon.db.sql.query('drop trigger refuse on audit_log; drop function refuse');
    }
    expect(await ids({ action: 'member.role_changed', q: 'viewer' })).toEqual([]);
    await change().expect(200);
    expect(await ids({ action: 'member.role_changed', q: 'viewer' })).toHaveLength(1);
  });

  it('case 8: SQL is refused with 400 where no text belongs, searched for where one does, and never run', async () => {
    const sql = `'; drop table users; --`;
    for (const query of [
      { cursor: sql },
      { cursor: Buffer.from(`${newId()}' or true --`).toString('base64url') },
      { from: sql },
      { to: `2026-11-21' or '1'='1` },
      { action: `member' or true` },
      { actorId: sql },
      { userId: `${newId()}' or true --` },
      { actorRole: `owner' --` },
      { requestId: sql },
      { targetType: sql },
      { outcome: sql },
      { limit: '1e2; drop' },
      { sort: 'id; drop table users' },
      { q: 'x' },
      { q: 'x'.repeat(101) },
      { q: ['aa', 'bb'] },
      { 'q[$ne]': 'x' },
    ]) {
      const { body } = await ask(query).expect(400);
      expect(body.code, JSON.stringify(query)).toBe('validation_failed');
    }
    const texts = [
      sql,
      `' or '1'='1`,
      `\\' or true --`,
      `%' escape '`,
      '$1 ? ?? :name',
      '"}]',
      String.raw`\u0000`,
      '{}',
    ];
    for (const q of texts) expect(await ids({ q, targetId: q }), q).toEqual([]);
    const id = await insertEntry({ reason: `"${sql}" ? ??` });
    for (const q of [sql, '? ??']) expect(await ids({ q }), q).toEqual([id]);
    expect(wire.errors.filter(({ code }) => code.startsWith('42'))).toEqual([
      // Of the test above that asks for it.
      expect.objectContaining({ code: '42703' }),
    ]);
  });
});
