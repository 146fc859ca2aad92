import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Schedules } from '../src/jobs/schedules.js';
import { atOnce, countStatuses, entriesOf, insertPerson, openSession } from './harness/accounts.js';
import { PASSWORD, startApp, type TestApp } from './harness/app.js';
import { insertMember, insertOrganization, insertStranger, type Member } from './harness/organizations.js';

const ORGANIZATIONS = '/api/v1/organizations';
const UNKNOWN = '0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f00';
const ROLES = ['owner', 'admin', 'member', 'viewer'] as const;

type Auth = { authorization: string };
type Team = Record<(typeof ROLES)[number], Member> & {
  organizationId: string;
  path: string;
  name: string;
  slug: string;
};

let tenon: TestApp;
let platform: Member;
beforeAll(async () => {
  tenon = await startApp();
  const { userId, email } = await insertPerson(tenon.db, { platformRole: 'admin' });
  platform = { userId, email, fullName: '', role: '', ...(await openSession(tenon, userId)) };
});
afterAll(() => tenon.close());

const rows = async (text: string, ...values: unknown[]) => (await tenon.db.sql.query(text, values)).rows;
const found = (body: object, { auth }: { auth: Auth }) => tenon.http.post(ORGANIZATIONS).set(auth).send(body);
const get = (path: string, { auth }: { auth: Auth }) => tenon.http.get(path).set(auth);
const patch = (path: string, { auth }: { auth: Auth }, body: object) => tenon.http.patch(path).set(auth).send(body);
const post = (path: string, { auth }: { auth: Auth }, body?: object) => tenon.http.post(path).set(auth).send(body);
const remove = (path: string, { auth }: { auth: Auth }) => tenon.http.delete(path).set(auth);
const disable = (userId: string) => patch(`/api/v1/admin/users/${userId}`, platform, { status: 'disabled' });
const enable = (userId: string) => patch(`/api/v1/admin/users/${userId}`, platform, { status: 'active' });
const erase = ({ auth }: Member) => tenon.http.delete('/api/v1/users/me').set(auth).send({ currentPassword: PASSWORD });
const rolesIn = async (organizationId: string) =>
  Object.fromEntries(
    (
      await rows('select user_id, role from user_organization_membership where organization_id = $1', organizationId)
    ).map(({ user_id, role }) => [user_id, role]),
  );
const trailOf = (organizationId: string) =>
  rows('select * from audit_log where organization_id = $1 order by id', organizationId);
const mailsAbout = (template: string, { email }: { email: string }) =>
  rows(`select from outbox where summary ->> 'template' = $1 and summary ->> 'to' = $2`, template, email);

/** An organization with somebody in each role, or in those that are named. */
async function insertTeam(...roles: (typeof ROLES)[number][]): Promise<Team> {
  const organization = await insertOrganization(tenon.db);
  const members = await Promise.all(
    (roles.length > 0 ? roles : ROLES).map((role) => insertMember(tenon, organization.organizationId, role)),
  );
  return { ...organization, ...Object.fromEntries(members.map((member) => [member.role, member])) } as Team;
}

describe('O1 founding an organization', () => {
  it('makes the caller owner, who can use it at once', async () => {
    const founder = await insertStranger(tenon);
    const { body, headers } = await found({ name: '  Difference Engines ' }, founder).expect(201);
    expect(body).toEqual({
      id: expect.any(String),
      name: 'Difference Engines',
      slug: 'difference-engines',
      status: 'active',
      memberCount: 1,
      version: 1,
      deactivatedAt: null,
      deletedAt: null,
      purgeAfter: null,
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
    });
    expect(headers.etag).toBe('"1"');
    expect((await get(`${ORGANIZATIONS}/${body.id}`, founder).expect(200)).body).toEqual(body);
    expect((await get(ORGANIZATIONS, founder).expect(200)).body.data).toMatchObject([
      { id: body.id, status: 'active', role: 'owner' },
    ]);
    expect(await trailOf(body.id)).toMatchObject([
      { action: 'organization.created', actor_id: founder.userId, after: { slug: 'difference-engines' } },
      { action: 'member.joined', user_id: founder.userId, after: { role: 'owner' } },
    ]);
  });

  it('takes a slug that is given, and no other in its place', async () => {
    const founder = await insertStranger(tenon);
    expect((await found({ name: 'One', slug: 'chosen-1' }, founder).expect(201)).body.slug).toBe('chosen-1');
    expect((await found({ name: 'Two', slug: 'chosen-1' }, founder).expect(409)).body.code).toBe('slug_taken');
    expect(await rows(`select from organizations where name = 'Two'`)).toEqual([]);
  });

  it.each([
    'a',
    'A1',
    '-ab',
    'ab-',
    'a--b',
    'a b',
    'a_b',
    'ünder',
    'a'.repeat(61),
    '',
    'a\n',
    'ａｂ',
    'a.b',
    'api',
    'admin',
  ])('refuses the slug %j', async (slug) => {
    const { body } = await found({ name: 'Slugs', slug }, platform).expect(400);
    expect(body.errors).toMatchObject([{ field: 'slug', code: expect.stringMatching(/^(is_slug|slug_reserved)$/) }]);
  });

  it('a name that makes no good slug gets one with a suffix', async () => {
    for (const [name, slug] of [
      ['API', /^api-[a-z0-9]{8}$/],
      ['X', /^x-[a-z0-9]{8}$/],
      ['株式会社', /^organization(-[a-z0-9]{8})?$/],
    ] as const)
      expect((await found({ name }, platform).expect(201)).body.slug).toMatch(slug);
  });

  it('of 50 founders of one slug at once one has it', async () => {
    const founders = await atOnce(5, () => insertStranger(tenon));
    const answers = await atOnce(50, (n) => found({ name: 'Fifty', slug: 'fifty' }, founders[n % 5]!));
    expect(countStatuses(answers)).toEqual({ 201: 1, 409: 49 });
    expect(await rows(`select member_count from organizations where slug = 'fifty'`)).toEqual([{ member_count: 1 }]);
  });

  let team: Team | undefined;
  it.each(['role', 'organizationId', 'status', 'plan', 'planKey', 'ownerId', 'id', 'version'])(
    'case 27: %s slipped into a body is refused',
    async (field) => {
      team ??= await insertTeam('owner', 'admin');
      const body = { name: 'Slipped', [field]: 'owner' };
      const answers = [
        await found(body, team.owner),
        await patch(team.path, team.owner, body),
        await post(`${team.path}/transfer-ownership`, team.owner, { userId: team.admin.userId, [field]: 'owner' }),
      ];
      for (const { status, body: problem } of answers) {
        expect(status).toBe(400);
        expect(problem.errors).toMatchObject([{ field, code: 'unknown_property' }]);
      }
      expect(await rows(`select from organizations where name = 'Slipped'`)).toEqual([]);
    },
  );

  it('asks for a name, and for a text as slug', async () => {
    for (const body of [
      {},
      { name: '' },
      { name: 1 },
      { name: 'a\nb' },
      { name: 'A', slug: null },
      { name: 'A', slug: 7 },
    ])
      expect((await found(body, platform).expect(400)).body.code, JSON.stringify(body)).toBe('validation_failed');
  });
});

describe('O1 P22 name and slug', () => {
  it('change with a version, and leave what was and what is in the trail', async () => {
    const { path, organizationId, owner, slug } = await insertTeam('owner');
    const { body, headers } = await patch(path, owner, { name: 'New Name' }).set('if-match', '"1"').expect(200);
    expect(body).toMatchObject({ name: 'New Name', slug, version: 2 });
    expect(headers.etag).toBe('"2"');
    expect((await patch(path, owner, { name: 'Newer' }).set('if-match', '"1"').expect(412)).body.code).toBe(
      'precondition_failed',
    );
    await patch(path, owner, { slug: `${slug}-2` }).expect(200);
    expect(await trailOf(organizationId)).toMatchObject([
      {
        action: 'organization.updated',
        before: { name: 'Analytical Engines', slug },
        after: { name: 'New Name', slug },
      },
      { action: 'organization.updated', before: { slug }, after: { slug: `${slug}-2` } },
    ]);
  });

  it('what changes nothing is no change', async () => {
    const { path, organizationId, owner, name, slug } = await insertTeam('owner');
    for (const body of [{}, { name }, { name, slug }])
      expect((await patch(path, owner, body).expect(200)).body.version).toBe(1);
    for (const body of [{ name: null }, { slug: null }, { name: ['a'] }, { slug: 'www' }])
      await patch(path, owner, body).expect(400);
    expect(await trailOf(organizationId)).toEqual([]);
  });

  it('of 50 writes with one If-Match one wins', async () => {
    const { path, owner } = await insertTeam('owner');
    const answers = await atOnce(50, (n) => patch(path, owner, { name: `Try ${n}` }).set('if-match', '"1"'));
    expect(countStatuses(answers)).toEqual({ 200: 1, 412: 49 });
    const won = answers.find(({ status }) => status === 200)!.body;
    expect((await get(path, owner).expect(200)).body).toEqual(won);
  });

  it('a slug of another is refused; one that was given up is free', async () => {
    const [one, other] = [await insertTeam('owner'), await insertTeam('owner')];
    expect((await patch(one.path, one.owner, { slug: other.slug }).expect(409)).body.code).toBe('slug_taken');
    await patch(other.path, other.owner, { slug: `${other.slug}-moved` }).expect(200);
    await patch(one.path, one.owner, { slug: other.slug }).expect(200);
  });

  it('owners change, members read, strangers find nothing, platform admins stand in the trail as such', async () => {
    const team = await insertTeam();
    const stranger = await insertStranger(tenon);
    for (const role of ROLES) await get(team.path, team[role]).expect(200);
    for (const role of ['admin', 'member', 'viewer'] as const) {
      for (const step of ['deactivate', 'reactivate', 'restore', 'transfer-ownership'])
        await post(`${team.path}/${step}`, team[role], {}).expect(403);
      await patch(team.path, team[role], { name: 'Mine' }).expect(403);
      await remove(team.path, team[role]).expect(403);
    }
    for (const path of [team.path, `${ORGANIZATIONS}/${UNKNOWN}`]) {
      await get(path, stranger).expect(404);
      await patch(path, stranger, { plan: 'x' }).expect(404);
      await remove(path, stranger).expect(404);
      for (const step of ['deactivate', 'reactivate', 'restore', 'transfer-ownership'])
        await post(`${path}/${step}`, stranger, {}).expect(404);
    }
    await patch(team.path, platform, { name: 'By The Platform' }).expect(200);
    expect((await trailOf(team.organizationId)).at(-1)).toMatchObject({
      actor_id: platform.userId,
      actor_role: 'platform-admin',
    });
  });
});

describe('O1 deactivating', () => {
  it('stops everybody at once, and reactivating lets them in again', async () => {
    const { path, organizationId, ...team } = await insertTeam();
    for (const role of ROLES) await get(path, team[role]).expect(200);
    const { body } = await post(`${path}/deactivate`, team.owner).expect(200);
    expect(body).toMatchObject({ status: 'deactivated', deactivatedAt: expect.any(String), purgeAfter: null });
    for (const role of ['admin', 'member', 'viewer'] as const)
      expect((await get(path, team[role]).expect(403)).body.code).toBe('organization_inactive');
    // An owner sees it, and nothing more.
    await get(path, team.owner).expect(200);
    expect((await patch(path, team.owner, { name: 'Asleep' }).expect(403)).body.code).toBe('organization_inactive');
    expect((await get(`${path}/settings`, team.owner).expect(403)).body.code).toBe('organization_inactive');
    const listed = (await get(ORGANIZATIONS, team.viewer).expect(200)).body.data;
    expect(listed).toMatchObject([{ id: organizationId, status: 'deactivated' }]);
    expect((await post(`${path}/reactivate`, team.owner).expect(200)).body).toMatchObject({
      status: 'active',
      deactivatedAt: null,
    });
    for (const role of ROLES) await get(path, team[role]).expect(200);
    expect(await trailOf(organizationId)).toMatchObject([
      { action: 'organization.deactivated', before: { status: 'active' }, after: { status: 'deactivated' } },
      { action: 'organization.reactivated', before: { status: 'deactivated' }, after: { status: 'active' } },
    ]);
  });

  it('asked again, and 10 times at once, it changes once', async () => {
    const { path, organizationId, owner } = await insertTeam('owner');
    for (const step of ['deactivate', 'reactivate'])
      expect(countStatuses(await atOnce(10, () => post(`${path}/${step}`, owner)))).toEqual({ 200: 10 });
    expect(await trailOf(organizationId)).toHaveLength(2);
  });
});

describe('O1 deleting', () => {
  it('hides it from everybody but its owners, who are told and can restore it', async () => {
    const { path, organizationId, ...team } = await insertTeam();
    const second = await insertMember(tenon, organizationId, 'owner');
    const { body } = await remove(path, team.owner).expect(200);
    expect(body).toMatchObject({ status: 'deleted', deletedAt: expect.any(String) });
    expect(Date.parse(body.purgeAfter) - Date.parse(body.deletedAt)).toBe(30 * 86_400_000);
    for (const role of ['admin', 'member', 'viewer'] as const) {
      expect((await get(path, team[role]).expect(404)).body.code).toBe('not_found');
      expect((await get(ORGANIZATIONS, team[role]).expect(200)).body.data).toEqual([]);
    }
    expect((await get(path, second).expect(200)).body).toEqual(body);
    expect((await get(ORGANIZATIONS, second).expect(200)).body.data).toMatchObject([{ status: 'deleted' }]);
    for (const owner of [team.owner, second]) expect(await mailsAbout('organization-deleted', owner)).toHaveLength(1);
    for (const who of [team.admin, team.viewer]) expect(await mailsAbout('organization-deleted', who)).toEqual([]);
    // Again: the date does not move, and nobody is told twice.
    expect((await remove(path, second).expect(200)).body.purgeAfter).toBe(body.purgeAfter);
    for (const step of ['deactivate', 'reactivate'])
      expect((await post(`${path}/${step}`, team.owner).expect(409)).body.code).toBe('conflict');
    expect((await post(`${path}/restore`, second).expect(200)).body).toMatchObject({
      status: 'active',
      deletedAt: null,
      purgeAfter: null,
    });
    for (const role of ROLES) await get(path, team[role]).expect(200);
    expect(await mailsAbout('organization-deleted', second)).toHaveLength(1);
    expect(await trailOf(organizationId)).toMatchObject([
      { action: 'organization.deleted', before: { status: 'active' }, after: { purgeAfter: body.purgeAfter } },
      { action: 'organization.restored', before: { status: 'deleted' }, after: { status: 'active' } },
    ]);
  });

  it('restored it is what it was: deactivated stays deactivated', async () => {
    const { path, owner, member } = await insertTeam('owner', 'member');
    await post(`${path}/restore`, owner).expect(200);
    await post(`${path}/deactivate`, owner).expect(200);
    expect((await post(`${path}/restore`, owner).expect(200)).body.status).toBe('deactivated');
    await remove(path, owner).expect(200);
    expect((await post(`${path}/restore`, owner).expect(200)).body.status).toBe('deactivated');
    await get(path, member).expect(403);
  });

  const purge = (signal = new AbortController().signal) =>
    tenon.app
      .get(Schedules)
      .list()
      .find(({ id }) => id === 'organizations-purge')!
      .run(signal, new Date());

  it('what is put into an organization while it is removed finds nothing there', async () => {
    const { organizationId, path } = await insertTeam('owner');
    const removal = await tenon.db.sql.connect();
    await removal.query('begin');
    await removal.query('delete from organizations where id = $1', [organizationId]);
    const policies = { mfaRequired: true, sessionLifetimeMinutes: null, signInMethods: null, ipAllowList: null };
    const role = { key: 'late', name: 'Late', permissions: ['members:read'] };
    const writes = Promise.all([
      tenon.http.put(`${path}/policies`).set(platform.auth).send(policies),
      post(`${path}/roles`, platform, role),
      post(`${path}/invitations`, platform, { email: 'late@example.com', role: 'member' }),
      post(`${path}/domains`, platform, { domain: 'late.example' }),
    ]);
    const waiting = () =>
      rows(`select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`);
    await expect.poll(async () => (await waiting()).length).toBe(4);
    await removal.query('commit');
    removal.release();
    expect(countStatuses(await writes)).toEqual({ 404: 4 });
  });

  it('what is due is removed with everything in it, and nothing else is', async () => {
    const [due, later, restored, active] = await atOnce(4, () => insertTeam('owner', 'viewer'));
    for (const { path, owner } of [due!, later!, restored!]) await remove(path, owner).expect(200);
    await rows(
      `update organizations set purge_after = now() - interval '1 s' where id in ($1, $2)`,
      due!.organizationId,
      restored!.organizationId,
    );
    await rows(
      `insert into invitations (organization_id, id, email, role, token_hash, invited_by, created_at, expires_at)
       values ($1, $2, 'a@example.com', 'member', 'x', $2, now(), now() + interval '1 day')`,
      due!.organizationId,
      UNKNOWN,
    );
    await post(`${restored!.path}/restore`, restored!.owner).expect(200);
    expect(await purge()).toBe(1);
    expect(await purge()).toBe(0);
    await get(due!.path, due!.owner).expect(404);
    expect((await get(ORGANIZATIONS, due!.owner).expect(200)).body.data).toEqual([]);
    for (const { path, owner } of [later!, restored!, active!]) await get(path, owner).expect(200);
    for (const table of ['user_organization_membership', 'invitations'])
      expect(await rows(`select from ${table} where organization_id = $1`, due!.organizationId)).toEqual([]);
    expect((await trailOf(due!.organizationId)).at(-1)).toMatchObject({
      action: 'organization.purged',
      actor_kind: 'system',
      actor_name: 'organizations-purge',
      before: { name: due!.name, slug: due!.slug, members: 2 },
    });
  });

  it('ended in the middle, and run twice at once, it removes each once', async () => {
    const teams = await atOnce(3, () => insertTeam('owner'));
    const ids = teams.map(({ organizationId }) => organizationId);
    await rows(
      `update organizations set status = 'deleted', deleted_at = now(), purge_after = now() where id = any($1)`,
      ids,
    );
    expect(await purge(AbortSignal.abort())).toBe(0);
    const [one, other] = (await Promise.all([purge(), purge()])) as [number, number];
    expect(one + other).toBe(3);
    expect(await rows('select from organizations where id = any($1)', ids)).toEqual([]);
    const entries = await entriesOf(tenon.db, 'organization.purged');
    expect(entries.filter(({ organization_id }) => ids.includes(organization_id as string))).toHaveLength(3);
  });
});

describe('O1 transferring the ownership', () => {
  const transfer = (team: Team, by: Member, to: string) => post(`${team.path}/transfer-ownership`, by, { userId: to });

  it('makes one owner and the other admin, at once, and tells the new one', async () => {
    const team = await insertTeam();
    const { owner, member, organizationId } = team;
    // In another spelling of the id, too.
    expect((await transfer(team, owner, member.userId.toUpperCase()).expect(200)).body.id).toBe(organizationId);
    expect(await rolesIn(organizationId)).toMatchObject({ [owner.userId]: 'admin', [member.userId]: 'owner' });
    await patch(team.path, owner, { name: 'Not mine' }).expect(403);
    await patch(team.path, member, { name: 'Mine' }).expect(200);
    expect(await mailsAbout('ownership-transferred', member)).toHaveLength(1);
    expect((await trailOf(organizationId))[0]).toMatchObject({
      action: 'organization.ownership_transferred',
      actor_id: owner.userId,
      user_id: member.userId,
      before: { roles: { [owner.userId]: 'owner', [member.userId]: 'member' } },
      after: { roles: { [owner.userId]: 'admin', [member.userId]: 'owner' } },
    });
  });

  it('by a platform admin demotes nobody', async () => {
    const team = await insertTeam();
    await transfer(team, platform, team.viewer.userId).expect(200);
    await transfer(team, platform, team.viewer.userId).expect(200);
    expect(await rolesIn(team.organizationId)).toMatchObject({
      [team.owner.userId]: 'owner',
      [team.viewer.userId]: 'owner',
    });
    expect(await trailOf(team.organizationId)).toHaveLength(1);
  });

  it('goes to active members alone, and not to oneself', async () => {
    const [team, other] = [await insertTeam(), await insertTeam()];
    const before = await rolesIn(team.organizationId);
    await disable(team.admin.userId).expect(200);
    for (const by of [team.owner, platform])
      for (const to of [other.member.userId, platform.userId, team.admin.userId, UNKNOWN])
        expect((await transfer(team, by, to).expect(404)).body.code).toBe('not_found');
    expect((await transfer(team, team.owner, team.owner.userId).expect(409)).body.code).toBe('conflict');
    for (const to of ['x', '', null, 7, [team.member.userId], { $ne: null }])
      await post(`${team.path}/transfer-ownership`, team.owner, { userId: to }).expect(400);
    expect(await rolesIn(team.organizationId)).toEqual(before);
  });

  it('of one owner who hands it to three at once one gets it', async () => {
    const team = await insertTeam();
    const heirs = [team.admin, team.member, team.viewer];
    const answers = await Promise.all(heirs.map(({ userId }) => transfer(team, team.owner, userId)));
    expect(countStatuses(answers)).toEqual({ 200: 1, 403: 2 });
    const roles = Object.values(await rolesIn(team.organizationId));
    expect(roles.filter((role) => role === 'owner')).toHaveLength(1);
  });

  it('handed to somebody who is disabled at the same time, it has an owner who can sign in', async () => {
    for (let round = 0; round < 3; round += 1) {
      const team = await insertTeam('owner', 'member');
      const answers = await Promise.all([transfer(team, team.owner, team.member.userId), disable(team.member.userId)]);
      expect(answers.map(({ status }) => status).toSorted()).not.toEqual([200, 200]);
      const owners = await rows(
        `select from user_organization_membership m join users u on u.id = m.user_id and u.status = 'active'
          where m.organization_id = $1 and m.role = 'owner'`,
        team.organizationId,
      );
      expect(owners).toHaveLength(1);
    }
  });
});

describe('case 26: an organization keeps an owner who can sign in', () => {
  const activeOwners = (organizationId: string) =>
    rows(
      `select m.user_id from user_organization_membership m join users u on u.id = m.user_id and u.status = 'active'
        where m.organization_id = $1 and m.role = 'owner'`,
      organizationId,
    );

  it('the last one is not disabled until the organization is deactivated', async () => {
    const { path, organizationId, owner, slug, member } = await insertTeam('owner', 'member');
    const { body } = await disable(owner.userId).expect(409);
    expect(body).toMatchObject({ code: 'last_owner', detail: expect.stringContaining(slug) });
    // Refused as a whole: they are still signed in.
    await get(path, owner).expect(200);
    expect(await entriesOf(tenon.db, 'user.disabled', owner.userId)).toEqual([]);
    await post(`${path}/deactivate`, platform).expect(200);
    await disable(owner.userId).expect(200);
    expect((await post(`${path}/reactivate`, platform).expect(409)).body.code).toBe('last_owner');
    await post(`${path}/transfer-ownership`, platform, { userId: member.userId }).expect(200);
    await post(`${path}/reactivate`, platform).expect(200);
    expect(await activeOwners(organizationId)).toEqual([{ user_id: member.userId }]);
  });

  it('a disabled owner does not count', async () => {
    const { organizationId, owner, path } = await insertTeam('owner');
    const second = await insertMember(tenon, organizationId, 'owner');
    await disable(second.userId).expect(200);
    expect((await disable(owner.userId).expect(409)).body.code).toBe('last_owner');
    expect((await erase(owner).expect(409)).body.code).toBe('last_owner');
    await enable(second.userId).expect(200);
    await erase(owner).expect(202);
    expect(await activeOwners(organizationId)).toEqual([{ user_id: second.userId }]);
    // Access tokens stop within a second: by the change bus, which a busy server is slow to send.
    await expect.poll(async () => (await get(path, owner)).status).toBe(401);
  });

  it('a deleted organization holds nobody; it comes back only with an owner', async () => {
    const { path, owner, admin } = await insertTeam('owner', 'admin');
    await remove(path, owner).expect(200);
    await disable(owner.userId).expect(200);
    expect((await post(`${path}/restore`, platform).expect(409)).body.code).toBe('last_owner');
    await post(`${path}/transfer-ownership`, platform, { userId: admin.userId }).expect(200);
    await post(`${path}/restore`, admin).expect(200);
  });

  it.each([
    ['disabled', (one: Member) => disable(one.userId), (other: Member) => disable(other.userId)],
    ['erased', erase, erase],
    ['disabled and erased', (one: Member) => disable(one.userId), erase],
  ])('of two who are %s at once one stays', async (_, endOne, endOther) => {
    for (let round = 0; round < 3; round += 1) {
      const { organizationId } = await insertOrganization(tenon.db);
      const [one, other] = await atOnce(2, () => insertMember(tenon, organizationId, 'owner'));
      const answers = await Promise.all([endOne(one!), endOther(other!)]);
      const { 409: refused, ...done } = countStatuses(answers);
      expect([refused, Object.values(done)]).toEqual([1, [1]]);
      expect(await activeOwners(organizationId)).toHaveLength(1);
    }
  });

  it('reactivated while its owner is disabled, it is one or the other', async () => {
    for (let round = 0; round < 3; round += 1) {
      const { path, organizationId, owner } = await insertTeam('owner');
      await post(`${path}/deactivate`, platform).expect(200);
      const answers = await Promise.all([post(`${path}/reactivate`, platform), disable(owner.userId)]);
      expect(countStatuses(answers)).toEqual({ 200: 1, 409: 1 });
      const [{ status }] = await rows('select status from organizations where id = $1', organizationId);
      expect(status === 'active').toBe((await activeOwners(organizationId)).length === 1);
    }
  });

  it('an account that is erased while its organization is purged: both are done', async () => {
    const team = await insertTeam('owner');
    await rows(
      `update organizations set status = 'deleted', deleted_at = now(), purge_after = now() where id = $1`,
      team.organizationId,
    );
    const purge = tenon.app
      .get(Schedules)
      .list()
      .find(({ id }) => id === 'organizations-purge')!;
    const [erased] = await Promise.all([erase(team.owner), purge.run(new AbortController().signal, new Date())]);
    expect(erased.status).toBe(202);
    expect(await rows('select from organizations where id = $1', team.organizationId)).toEqual([]);
  });
});
