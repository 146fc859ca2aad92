import { MikroORM } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { asSystem } from '../src/database/tenant-context.js';
import { Actor } from '../src/kernel/actor.js';
import { newId } from '../src/kernel/ids.js';
import { MembersService } from '../src/organizations/members/members.service.js';
import { atOnce, countStatuses, entriesOf, insertPerson, openSession } from './harness/accounts.js';
import { startApp, type TestApp } from './harness/app.js';
import { insertMember, insertOrganization, insertStranger, type Member } from './harness/organizations.js';

const PLANS = '/api/v1/plans';

let tenon: TestApp;
/** A platform admin, and somebody who is none. */
let admin: Member;
let person: Member;
beforeAll(async () => {
  tenon = await startApp();
  const { userId, email } = await insertPerson(tenon.db, { platformRole: 'admin' });
  admin = { userId, email, fullName: '', role: '', ...(await openSession(tenon, userId)) };
  person = await insertStranger(tenon);
});
afterAll(() => tenon.close());

type Auth = { authorization: string };
const get = (path = '', auth: Auth = person.auth) => tenon.http.get(`${PLANS}${path}`).set(auth);
const post = (body: object, auth: Auth = admin.auth) => tenon.http.post(PLANS).set(auth).send(body);
const patch = (key: string, body: object, auth: Auth = admin.auth) =>
  tenon.http.patch(`${PLANS}/${key}`).set(auth).send(body);
const remove = (key: string, auth: Auth = admin.auth) => tenon.http.delete(`${PLANS}/${key}`).set(auth);
const rows = async (text: string, ...values: unknown[]) => (await tenon.db.sql.query(text, values)).rows;
/** The entries of an action about a target, without what says who and when. */
const changesOf = async (action: string, target: string) =>
  (await entriesOf(tenon.db, action))
    .filter(({ target_id }) => target_id === target)
    .map(({ before, after }) => ({ before, after }));

let made = 0;
/** A plan of its own, made over HTTP. */
async function newPlan(limits: object = {}): Promise<string> {
  const key = `plan-${(made += 1)}`;
  await post({ key, name: 'A plan', limits }).expect(201);
  return key;
}

describe('O6 plans', () => {
  it('the one that every new organization is on exists, without limits', async () => {
    const { body, headers } = await get('/standard').expect(200);
    expect(body).toEqual({
      key: 'standard',
      name: 'Standard',
      description: expect.any(String),
      limits: { seats: null, domains: null, customRoles: null },
      version: 1,
      createdAt: expect.stringMatching(/Z$/),
      updatedAt: expect.stringMatching(/Z$/),
    });
    expect(headers.etag).toBe('"1"');
  });

  it('are listed by page and by key', async () => {
    await newPlan();
    await newPlan();
    const { body } = await get('?perPage=2').expect(200);
    expect(body.data).toHaveLength(2);
    expect(body.meta).toMatchObject({ page: 1, perPage: 2, hasNext: true });
    const keys = (await get('?perPage=200').expect(200)).body.data.map(({ key }: { key: string }) => key);
    expect(keys).toContain('standard');
    expect(keys).toEqual(keys.toSorted());
  });

  it('that nobody made are not found; what is no key is refused', async () => {
    expect((await get('/nothing').expect(404)).body.code).toBe('not_found');
    for (const key of ['A', 'x', '1a', 'a_b', 'x'.repeat(41), "a'--", 'a%00'])
      expect((await get(`/${key}`).expect(400)).body.code, key).toBe('validation_failed');
    await patch('nothing', { name: 'X' }).expect(404);
    await remove('nothing').expect(404);
  });

  it('are made with what was said; what was not has no limit', async () => {
    const description = 'For teams';
    const limits = { seats: 1, domains: 0, customRoles: 1_000_000 };
    const { body, headers } = await post({ key: 'team', name: ' Team ', description, limits }).expect(201);
    expect(body).toMatchObject({ key: 'team', name: 'Team', description, limits, version: 1 });
    expect(headers.etag).toBe('"1"');
    expect((await get('/team').expect(200)).body).toEqual(body);
    expect(await changesOf('plan.created', 'team')).toEqual([
      { before: null, after: { name: 'Team', description, ...limits } },
    ]);
    expect((await post({ key: 'free', name: 'Free', limits: { seats: null } }).expect(201)).body).toMatchObject({
      description: null,
      limits: { seats: null, domains: null, customRoles: null },
    });
  });

  it('have a key each, also when 20 are made at once', async () => {
    const answers = await atOnce(20, () => post({ key: 'same', name: 'Same', limits: {} }));
    expect(countStatuses(answers)).toEqual({ 201: 1, 409: 19 });
    expect(answers.find(({ status }) => status === 409)!.body.code).toBe('conflict');
    expect(await changesOf('plan.created', 'same')).toHaveLength(1);
  });

  it('case 27, case 7: take nothing else', async () => {
    const right = { key: 'refused', name: 'Refused', limits: {} };
    const wrong: object[] = [
      {},
      { ...right, key: undefined },
      { ...right, key: 'Refused' },
      { ...right, key: ['refused'] },
      { ...right, name: '' },
      { ...right, name: 'a\nb' },
      { ...right, description: 'x'.repeat(501) },
      { ...right, description: {} },
      { ...right, limits: undefined },
      { ...right, limits: null },
      { ...right, limits: [] },
      { ...right, limits: [{ seats: 1 }] },
      { ...right, limits: 'none' },
      ...[0, -1, 1.5, 1_000_001, 1e12, '5', true, [5], {}, 'NaN'].map((seats) => ({ ...right, limits: { seats } })),
      { ...right, limits: { domains: -1 } },
      { ...right, limits: { customRoles: '0' } },
      { ...right, limits: { members: 5 } },
      { ...right, seats: 5 },
      { ...right, version: 9 },
      { ...right, organizationId: newId() },
      { ...right, platformRole: 'admin' },
      { ...right, permissions: ['plan:read'] },
    ];
    for (const body of wrong)
      expect((await post(body).expect(400)).body.code, JSON.stringify(body)).toBe('validation_failed');
    const slip = '{"key":"refused","name":"Refused","limits":{"__proto__":{"seats":1}}}';
    await tenon.http.post(PLANS).set(admin.auth).set('content-type', 'application/json').send(slip).expect(400);
    await get('/refused').expect(404);
    for (const body of [{ key: 'other' }, { name: null }, { limits: null }, { limits: { seats: 0 } }, { version: 1 }])
      expect((await patch('standard', body).expect(400)).body.code, JSON.stringify(body)).toBe('validation_failed');
    expect((await get('/standard')).body.version).toBe(1);
  });

  it('change in what is named: what is left out stays, null clears', async () => {
    const key = await newPlan({ seats: 5, domains: 2 });
    const { body } = await patch(key, { description: 'New', limits: { domains: null, customRoles: 3 } }).expect(200);
    expect(body).toMatchObject({
      name: 'A plan',
      description: 'New',
      limits: { seats: 5, domains: null, customRoles: 3 },
      version: 2,
    });
    expect((await patch(key, { description: null }).expect(200)).body).toMatchObject({ description: null, version: 3 });
    expect(await changesOf('plan.updated', key)).toEqual([
      {
        before: { description: null, domains: 2, customRoles: null },
        after: { description: 'New', domains: null, customRoles: 3 },
      },
      { before: { description: 'New' }, after: { description: null } },
    ]);
  });

  it('that are as asked already keep their version and leave no entry', async () => {
    const key = await newPlan({ seats: 5 });
    for (const body of [{}, { name: 'A plan', limits: {} }, { limits: { seats: 5 } }, { description: null }])
      expect((await patch(key, body).expect(200)).body.version).toBe(1);
    expect(await changesOf('plan.updated', key)).toEqual([]);
  });

  it('are removed while no organization is on them', async () => {
    const [used, unused] = [await newPlan(), await newPlan({ seats: 7 })];
    await insertOrganization(tenon.db, { plan: used });
    await insertOrganization(tenon.db, { plan: used, status: 'deleted' });
    const { body } = await remove(used).expect(409);
    expect(body).toMatchObject({ code: 'plan_in_use', detail: expect.stringContaining('2') });
    await remove(unused).expect(204);
    await get(`/${unused}`).expect(404);
    expect(await changesOf('plan.deleted', unused)).toEqual([
      { before: { name: 'A plan', description: null, seats: 7, domains: null, customRoles: null }, after: null },
    ]);
    expect((await remove('standard').expect(409)).body.code).toBe('conflict');
    await get('/standard').expect(200);
  });

  it('are for platform admins to change, and for everybody signed in to read', async () => {
    const key = await newPlan();
    for (const ask of [
      post({ key: 'mine', name: 'Mine', limits: {} }, person.auth),
      patch(key, { limits: { seats: 1 } }, person.auth),
      remove(key, person.auth),
      // Before validation.
      post({ nothing: true }, person.auth),
    ])
      expect((await ask.expect(403)).body.code).toBe('permission_denied');
    expect(await entriesOf(tenon.db, 'permission.denied', person.userId)).toHaveLength(4);
    expect((await get(`/${key}`).expect(200)).body.version).toBe(1);
    for (const ask of [
      tenon.http.get(PLANS),
      tenon.http.get(`${PLANS}/standard`),
      tenon.http.delete(`${PLANS}/${key}`),
    ])
      expect((await ask.expect(401)).body.code).toBe('authentication_required');
  });

  it('cannot have fewer seats than an organization on them has members', async () => {
    const key = await newPlan({ seats: 5 });
    for (const members of [3, 3, 1]) {
      const { organizationId } = await insertOrganization(tenon.db, { plan: key });
      for (let n = 0; n < members; n += 1) await insertMember(tenon, organizationId, 'member');
    }
    const { body } = await patch(key, { name: 'Smaller', limits: { seats: 2 } }).expect(409);
    expect(body).toMatchObject({
      code: 'seat_limit_reached',
      detail: 'Organizations on this plan with more than 2 members: 2',
    });
    expect((await get(`/${key}`)).body).toMatchObject({ name: 'A plan', limits: { seats: 5 }, version: 1 });
    await patch(key, { limits: { seats: 3 } }).expect(200);
    await patch(key, { limits: { seats: null } }).expect(200);
    await patch(key, { limits: { seats: 3 } }).expect(200);
  });
});

describe('O6 the plan of an organization', () => {
  const plan = (path: string, auth: Auth) => tenon.http.get(`${path}/plan`).set(auth);
  const put = (path: string, body: object, auth: Auth = admin.auth) =>
    tenon.http.put(`${path}/plan`).set(auth).send(body);

  it('is shown to every member with what is used of it', async () => {
    const key = await newPlan({ seats: 5, customRoles: 1 });
    const { organizationId, path } = await insertOrganization(tenon.db, { plan: key });
    const viewer = await insertMember(tenon, organizationId, 'viewer');
    await insertMember(tenon, organizationId, 'owner');
    // Beyond what the plan allows: they were there before.
    for (const role of ['one', 'two'])
      await rows(
        `insert into organization_roles (organization_id, key, name, permissions, created_at, updated_at)
         values ($1, $2, 'A role', '{}', now(), now())`,
        organizationId,
        role,
      );
    await rows(
      `insert into organization_domains (organization_id, id, domain, challenge, challenge_expires_at, created_at)
       values ($1, $2, $3, 'x', now(), now())`,
      organizationId,
      newId(),
      `${key}.example.com`,
    );
    const { body, headers } = await plan(path, viewer.auth).expect(200);
    expect(body).toEqual({
      plan: (await get(`/${key}`)).body,
      usage: {
        seats: { used: 2, limit: 5 },
        domains: { used: 1, limit: null },
        customRoles: { used: 2, limit: 1 },
      },
      version: 1,
    });
    expect(headers.etag).toBe('"1"');
    expect((await plan(path, admin.auth).expect(200)).body).toEqual(body);
    expect((await plan(path, person.auth).expect(404)).body.code).toBe('not_found');
  });

  it('is changed by a platform admin, in the trail of the organization', async () => {
    const key = await newPlan({ seats: 2 });
    const { organizationId, path } = await insertOrganization(tenon.db);
    const owner = await insertMember(tenon, organizationId, 'owner');
    const { body, headers } = await put(path, { plan: key }).expect(200);
    expect(body).toMatchObject({ plan: { key }, usage: { seats: { used: 1, limit: 2 } }, version: 2 });
    expect(headers.etag).toBe('"2"');
    expect((await plan(path, owner.auth)).body).toEqual(body);
    // As it is already.
    expect((await put(path, { plan: key }).expect(200)).body.version).toBe(2);
    const entries = (await entriesOf(tenon.db, 'organization.plan_changed')).filter(
      ({ organization_id }) => organization_id === organizationId,
    );
    expect(entries).toMatchObject([
      {
        actor_id: admin.userId,
        actor_role: 'platform-admin',
        target_id: organizationId,
        before: { plan: 'standard' },
        after: { plan: key },
      },
    ]);
  });

  it('is not for its owner to change, nor for strangers to find', async () => {
    const key = await newPlan();
    const { organizationId, path } = await insertOrganization(tenon.db);
    const owner = await insertMember(tenon, organizationId, 'owner');
    expect((await put(path, { plan: key }, owner.auth).expect(403)).body.code).toBe('permission_denied');
    expect((await put(path, { plan: key }, person.auth).expect(404)).body.code).toBe('not_found');
    expect((await put(`/api/v1/organizations/${newId()}`, { plan: key }).expect(404)).body.code).toBe('not_found');
    expect((await plan(path, owner.auth)).body).toMatchObject({ plan: { key: 'standard' }, version: 1 });
  });

  it('case 27: takes the key of a plan and nothing else', async () => {
    const { path } = await insertOrganization(tenon.db);
    for (const body of [
      {},
      { plan: null },
      { plan: ['standard'] },
      { plan: 'UPPER' },
      { plan: { key: 'standard' } },
      { plan: 'standard', organizationId: newId() },
      { plan: 'standard', limits: { seats: 1 } },
      { plan: 'standard', version: 7 },
      { plan: 'unknown-plan' },
    ])
      expect((await put(path, body).expect(400)).body.code, JSON.stringify(body)).toBe('validation_failed');
  });

  it('has to have seats for the members; domains and roles beyond its limits stay', async () => {
    const key = await newPlan({ seats: 1, customRoles: 0 });
    const { organizationId, path } = await insertOrganization(tenon.db);
    await insertMember(tenon, organizationId, 'owner');
    await insertMember(tenon, organizationId, 'member');
    expect((await put(path, { plan: key }).expect(409)).body).toMatchObject({
      code: 'seat_limit_reached',
      detail: 'The organization has 2 members, the plan 1 seats',
    });
    expect(await rows('select plan_key from organizations where id = $1', organizationId)).toEqual([
      { plan_key: 'standard' },
    ]);
    await patch(key, { limits: { seats: 2 } }).expect(200);
    await put(path, { plan: key }).expect(200);
  });
});

describe('P22 versions of plans', () => {
  it('a write with an older version is refused and changes nothing', async () => {
    const key = await newPlan({ seats: 5 });
    const { path } = await insertOrganization(tenon.db, { plan: key });
    await patch(key, { name: 'Second' }).set('if-match', '"1"').expect(200);
    for (const ask of [patch(key, { name: 'Third' }), patch(key, {}), remove(key)])
      expect((await ask.set('if-match', '"1"').expect(412)).body.code).toBe('precondition_failed');
    expect((await get(`/${key}`)).body).toMatchObject({ name: 'Second', version: 2 });
    const put = (plan: string, version: string) =>
      tenon.http.put(`${path}/plan`).set(admin.auth).set('if-match', version).send({ plan });
    expect((await put('standard', '"1"').expect(200)).body.version).toBe(2);
    expect((await put(key, '"1"').expect(412)).body.code).toBe('precondition_failed');
    await remove(key).set('if-match', '"2"').expect(204);
    await patch(key, { name: 'Gone' }).set('if-match', '"2"').expect(404);
  });

  it('of 50 writers who read the same version one writes', async () => {
    const key = await newPlan();
    const answers = await atOnce(50, (n) => patch(key, { name: `Writer ${n}` }).set('if-match', '"1"'));
    expect(countStatuses(answers)).toEqual({ 200: 1, 412: 49 });
    const { name } = answers.find(({ status }) => status === 200)!.body;
    expect((await get(`/${key}`)).body).toMatchObject({ name, version: 2 });
    expect(await changesOf('plan.updated', key)).toHaveLength(1);
  });

  it('of 20 who put an organization on another plan one does', async () => {
    const [one, two] = [await newPlan(), await newPlan()];
    const { path } = await insertOrganization(tenon.db);
    const answers = await atOnce(20, (n) =>
      tenon.http
        .put(`${path}/plan`)
        .set(admin.auth)
        .set('if-match', '"1"')
        .send({ plan: n % 2 ? one : two }),
    );
    expect(countStatuses(answers)).toEqual({ 200: 1, 412: 19 });
  });
});

describe('O6 case 30: seats', () => {
  const people: string[] = [];
  beforeAll(async () => {
    people.push(...Array.from({ length: 60 }, () => newId()));
    await rows(
      `insert into users (id, email, full_name, created_at, updated_at)
       select id, id || '@example.com', 'A person', now(), now() from unnest($1::uuid[]) as id`,
      people,
    );
  });

  /** What accepting an invitation does. @returns the status that its route would answer. */
  const join = (organizationId: string, userId: string): Promise<{ status: number }> =>
    asSystem(tenon.app.get(MikroORM).em as EntityManager, (em) =>
      tenon.app.get(MembersService).join(em, Actor.system('test'), { organizationId, userId, role: 'member' }),
    ).then(
      () => ({ status: 201 }),
      (error: { status: number; code: string }) => {
        if (error.code !== 'seat_limit_reached') throw error;
        return { status: 409 };
      },
    );
  /** The members that an organization has, after what is counted was compared with what there is. */
  async function members(organizationId: string): Promise<{ count: number; seats: number | null }> {
    const [row] = await rows(
      `select o.member_count, p.seats,
              (select count(*)::int from user_organization_membership m where m.organization_id = o.id) as count
         from organizations o join plans p on p.key = o.plan_key where o.id = $1`,
      organizationId,
    );
    expect(row.member_count).toBe(row.count);
    return row;
  }

  it('of 50 who join at once as many come in as there are seats, each with an entry', async () => {
    const key = await newPlan({ seats: 10 });
    const { organizationId } = await insertOrganization(tenon.db, { plan: key });
    const answers = await atOnce(50, (n) => join(organizationId, people[n]!));
    expect(countStatuses(answers)).toEqual({ 201: 10, 409: 40 });
    expect((await members(organizationId)).count).toBe(10);
    const joined = (await entriesOf(tenon.db, 'member.joined')).filter(
      ({ organization_id }) => organization_id === organizationId,
    );
    expect(joined).toHaveLength(10);
  });

  it('are never exceeded by joining while the plan is given fewer, or the organization another plan', async () => {
    for (let round = 0; round < 2; round += 1) {
      const [plan, small] = [await newPlan({ seats: 40 }), await newPlan({ seats: 8 })];
      const one = await insertOrganization(tenon.db, { plan });
      const two = await insertOrganization(tenon.db, { plan });
      const joins = [one, two].flatMap(({ organizationId }) =>
        people.slice(0, 25).map((userId) => () => join(organizationId, userId)),
      );
      // Some way into the joins, differently in each round.
      const at = 5 + 20 * round;
      joins.splice(
        at,
        0,
        async () => patch(plan, { limits: { seats: 12 } }),
        async () => tenon.http.put(`${two.path}/plan`).set(admin.auth).send({ plan: small }),
        async () => patch(small, { limits: { seats: 5 } }),
        async () => tenon.http.put(`${one.path}/plan`).set(admin.auth).send({ plan: small }),
      );
      const answers = await Promise.all(joins.map((ask) => ask()));
      for (const { status } of answers) expect([200, 201, 409]).toContain(status);
      for (const { organizationId } of [one, two]) {
        const { count, seats } = await members(organizationId);
        expect(count).toBeLessThanOrEqual(seats!);
        // Nobody was refused for nothing: who did not come in met the seats that the plan had at least.
        expect(count).toBeGreaterThanOrEqual(5);
      }
    }
  });

  it('organizations that are put on a plan at once with its seats being lowered fit into it', async () => {
    for (let round = 0; round < 2; round += 1) {
      const key = await newPlan({ seats: 5 });
      const found = await atOnce(5, async () => {
        const made = await insertOrganization(tenon.db);
        for (let n = 0; n < 3; n += 1) await join(made.organizationId, people[n]!);
        return made;
      });
      const answers = await Promise.all([
        ...found
          .slice(0, 3)
          .map(async ({ path }) => tenon.http.put(`${path}/plan`).set(admin.auth).send({ plan: key })),
        (async () => patch(key, { limits: { seats: 2 } }))(),
        ...found.slice(3).map(async ({ path }) => tenon.http.put(`${path}/plan`).set(admin.auth).send({ plan: key })),
      ]);
      for (const { status } of answers) expect([200, 409]).toContain(status);
      expect(
        await rows(
          `select from organizations o join plans p on p.key = o.plan_key where p.key = $1 and o.member_count > p.seats`,
          key,
        ),
      ).toEqual([]);
    }
  });

  it('a plan that is removed while an organization is put on it stays, or the organization stays off it', async () => {
    for (let round = 0; round < 2; round += 1) {
      const key = await newPlan();
      const { organizationId, path } = await insertOrganization(tenon.db);
      const [put, removed] = await Promise.all([
        tenon.http.put(`${path}/plan`).set(admin.auth).send({ plan: key }),
        remove(key),
      ]);
      expect([
        [200, 409],
        [400, 204],
      ]).toContainEqual([put.status, removed.status]);
      const [{ plan_key }] = await rows('select plan_key from organizations where id = $1', organizationId);
      expect(plan_key).toBe(put.status === 200 ? key : 'standard');
    }
  });
});
