import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hashToken } from '../src/kernel/tokens.js';
import { atOnce, countStatuses, entriesOf, insertPerson } from './harness/accounts.js';
import { PASSWORD, startApp, type TestApp } from './harness/app.js';
import { insertInvitation } from './harness/invitations.js';
import { insertMember, insertOrganization, insertStranger, type Member } from './harness/organizations.js';
import { newEmail, signIn, signInAdmin, tokenIn } from './harness/people.js';
import { type MailCatcher, type ReceivedMail, startMailCatcher } from './harness/smtp.js';

let tenon: TestApp;
let smtp: MailCatcher;
beforeAll(async () => {
  smtp = await startMailCatcher();
  tenon = await startApp({ env: { RATE_LIMITS: 'on', MAIL_URL: smtp.url } });
  await tenon.db.sql.query(
    `insert into plans (key, name, seats, created_at, updated_at) values ('trio', 'Trio', 3, now(), now())`,
  );
});
afterAll(async () => {
  await tenon.close();
  await smtp.close();
});

interface House {
  organizationId: string;
  name: string;
  path: string;
  owner: Member;
}

/** An organization with its owner. */
async function newHouse(options: Parameters<typeof insertOrganization>[1] = {}): Promise<House> {
  const organization = await insertOrganization(tenon.db, options);
  return { ...organization, owner: await insertMember(tenon, organization.organizationId, 'owner') };
}

/** An invitation of the owner, without its mail. */
const invited = ({ organizationId, owner }: House, offer: { email?: string; role?: string } = {}) =>
  insertInvitation(tenon.db, organizationId, owner.userId, offer);

const invite = (path: string, { auth }: Member, body: object) =>
  tenon.http.post(`${path}/invitations`).set(auth).send(body);
const preview = (token: string) => tenon.http.post('/api/v1/invitations/preview').send({ token });
const accept = (body: object, who?: Pick<Member, 'auth'>) =>
  tenon.http
    .post('/api/v1/invitations/accept')
    .set(who?.auth ?? {})
    .send(body);
const newcomer = (token: string) => ({ token, fullName: 'Grace Hopper', password: PASSWORD });

const rows = async (text: string, ...values: unknown[]) => (await tenon.db.sql.query(text, values)).rows;
const membersOf = async ({ organizationId }: House): Promise<{ user_id: string; role: string }[]> =>
  rows('select user_id, role from user_organization_membership where organization_id = $1', organizationId);
const isOpen = async (token: string): Promise<boolean> =>
  (await rows('select from invitations where token_hash = $1 and accepted_at is null', hashToken(token))).length === 1;

/** The newest of so many invitations that were mailed to an address. */
async function mailTo(email: string, count = 1): Promise<ReceivedMail> {
  while (smtp.to(email).length < count) await sleep(10);
  return smtp.to(email)[count - 1]!;
}

describe('O4 inviting', () => {
  it('mails a link, and answers the same for an address with an account and without', async () => {
    const { path, name, owner } = await newHouse();
    const known = await insertStranger(tenon);
    const unknown = newEmail();
    const answers = [];
    for (const email of [known.email, unknown]) {
      const { body } = await invite(path, owner, { email, role: 'member' }).expect(201);
      expect(body).toEqual({
        id: expect.any(String),
        email,
        role: 'member',
        status: 'open',
        invitedBy: owner.userId,
        createdAt: expect.any(String),
        expiresAt: expect.any(String),
      });
      expect(Date.parse(body.expiresAt) - Date.parse(body.createdAt)).toBe(7 * 24 * 60 * 60 * 1_000);
      const { subject, text } = await mailTo(email);
      expect(subject).toBe('You are invited to an organization');
      for (const part of [name, owner.fullName, 'member', `${tenon.url}/accept-invitation?token=`])
        expect(text).toContain(part);
      answers.push(text!.replace(/token=\S+/, ''));
    }
    expect(answers[0]).toBe(answers[1]);
    const [entry] = await rows(
      `select * from audit_log where target_type = 'invitation' and after ->> 'email' = $1`,
      known.email,
    );
    expect(entry).toMatchObject({
      action: 'invitation.created',
      actor_id: owner.userId,
      actor_role: 'owner',
      user_id: null,
    });
  });

  it('is for who may invite: not for members, and not for strangers', async () => {
    const { organizationId, path } = await newHouse();
    const [member, stranger] = [await insertMember(tenon, organizationId, 'member'), await insertStranger(tenon)];
    const body = { email: newEmail(), role: 'viewer' };
    expect((await invite(path, member, body).expect(403)).body.code).toBe('permission_denied');
    expect((await invite(path, stranger, body).expect(404)).body.code).toBe('not_found');
    await tenon.http.get(`${path}/invitations`).set(member.auth).expect(403);
    await tenon.http.get(`${path}/invitations`).set(stranger.auth).expect(404);
  });

  it('case 28: offers no role that permits more than the inviter’s own, and none that does not exist', async () => {
    const { organizationId, path, owner } = await newHouse();
    for (const [key, permissions] of [
      ['recruiter', ['members:invite', 'members:read']],
      ['housekeeper', ['cleanup:manage']],
    ])
      await rows(
        `insert into organization_roles (organization_id, key, name, permissions, created_at, updated_at)
         values ($1, $2, $2, $3, now(), now())`,
        organizationId,
        key,
        permissions,
      );
    const [admin, recruiter] = [
      await insertMember(tenon, organizationId, 'admin'),
      await insertMember(tenon, organizationId, 'recruiter'),
    ];
    const offer = (who: Member, role: string) => invite(path, who, { email: newEmail(), role });
    for (const [who, role] of [
      [admin, 'owner'],
      [admin, 'housekeeper'],
      [recruiter, 'viewer'],
      [recruiter, 'admin'],
    ] as const)
      expect((await offer(who, role).expect(403)).body.code).toBe('permission_denied');
    expect(await entriesOf(tenon.db, 'permission.denied', recruiter.userId)).toHaveLength(2);
    for (const [who, role] of [
      [admin, 'admin'],
      [recruiter, 'recruiter'],
      [owner, 'owner'],
      [owner, 'housekeeper'],
    ] as const)
      await offer(who, role).expect(201);
    for (const role of ['nobody', 'platform-admin', '*'])
      expect((await offer(owner, role).expect(400)).body).toMatchObject({
        code: 'validation_failed',
        errors: [{ field: 'role' }],
      });
  });

  it('a platform admin invites owners into any organization, and the trail says in which role', async () => {
    const { path, owner } = await newHouse();
    const admin = await signInAdmin(tenon);
    const email = newEmail();
    const { body } = await tenon.http
      .post(`${path}/invitations`)
      .set(admin.auth)
      .send({ email, role: 'owner' })
      .expect(201);
    // Who of the operator's people it was is the operator's affair, in the answer, the list and the mail.
    expect(body.invitedBy).toBeNull();
    const list = await tenon.http.get(`${path}/invitations`).set(owner.auth).expect(200);
    expect(list.body.data).toMatchObject([{ email, invitedBy: null }]);
    const { text } = await mailTo(email);
    expect(text).toContain('Invited by: A platform admin');
    await accept(newcomer(tokenIn(text!))).expect(200);
    expect((await entriesOf(tenon.db, 'invitation.created')).at(-1)).toMatchObject({ actor_role: 'platform-admin' });
  });

  it('case 27: what is slipped into the body is refused', async () => {
    const { path, owner } = await newHouse();
    for (const extra of [{ organizationId: 'x' }, { token: 'x' }, { status: 'accepted' }, { permissions: ['*'] }])
      await invite(path, owner, { email: newEmail(), role: 'member', ...extra }).expect(400);
    const stranger = await insertStranger(tenon);
    for (const extra of [
      { role: 'owner' },
      { email: stranger.email },
      { platformRole: 'admin' },
      { emailVerified: true },
    ])
      await accept({ token: 'x', ...extra }, stranger).expect(400);
  });

  it('refuses who is a member already or invited already, in whatever spelling', async () => {
    const house = await newHouse();
    const { path, owner, organizationId } = house;
    const { email: memberEmail } = await insertMember(tenon, organizationId, 'viewer');
    const again = (email: string) => invite(path, owner, { email, role: 'admin' });
    expect((await again(memberEmail.toUpperCase()).expect(409)).body.code).toBe('already_member');
    const { email } = await invited(house);
    expect((await again(`${email.toUpperCase()}.`).expect(409)).body.code).toBe('already_invited');
    // Another organization's invitation is none of its business.
    const other = await newHouse();
    await invite(other.path, other.owner, { email, role: 'member' }).expect(201);
  });

  it('replaces an invitation that has expired', async () => {
    const house = await newHouse();
    const { email, invitationId, token } = await invited(house);
    await rows(`update invitations set expires_at = now() where id = $1`, invitationId);
    const { body } = await invite(house.path, house.owner, { email, role: 'member' }).expect(201);
    const { body: list } = await tenon.http.get(`${house.path}/invitations`).set(house.owner.auth).expect(200);
    expect(list.data.map((row: { id: string; status: string }) => [row.id, row.status])).toEqual([
      [body.id, 'open'],
      [invitationId, 'expired'],
    ]);
    expect((await accept(newcomer(token)).expect(400)).body.detail).toBe('The invitation has expired');
    const old = `${house.path}/invitations/${invitationId}`;
    expect((await tenon.http.post(`${old}/resend`).set(house.owner.auth).expect(409)).body.code).toBe('conflict');
  });

  it('invited 19 times at once, an address has one invitation', async () => {
    const { path, owner } = await newHouse();
    const email = newEmail();
    const answers = await atOnce(19, () => invite(path, owner, { email, role: 'member' }));
    expect(countStatuses(answers)).toEqual({ 201: 1, 409: 18 });
  });

  it('says that there is no seat left before somebody is asked for nothing', async () => {
    const { organizationId, path, owner } = await newHouse({ plan: 'trio' });
    for (let n = 0; n < 2; n += 1) await insertMember(tenon, organizationId, 'member');
    const { body } = await invite(path, owner, { email: newEmail(), role: 'member' }).expect(409);
    expect(body.code).toBe('seat_limit_reached');
  });

  it('P5 invites an address 20 times an hour at most, and sends again as often', async () => {
    const house = await newHouse();
    const { email, invitationId } = await invited(house);
    const answers = await atOnce(21, () => invite(house.path, house.owner, { email, role: 'member' }));
    expect(countStatuses(answers)).toEqual({ 409: 20, 429: 1 });
    const resend = () => tenon.http.post(`${house.path}/invitations/${invitationId}/resend`).set(house.owner.auth);
    expect(countStatuses(await atOnce(21, resend))).toEqual({ 200: 20, 429: 1 });
  });
});

describe('O4 invitations of an organization', () => {
  it('lists them newest first, by state, and by page', async () => {
    const house = await newHouse();
    const { path, owner } = house;
    const made = [];
    for (const set of [
      'accepted_at = now()',
      'revoked_at = now()',
      'expires_at = now()',
      `expires_at = now() - interval '1 h', revoked_at = now()`,
      'role = role',
    ]) {
      const { invitationId } = await invited(house);
      await rows(`update invitations set ${set} where id = $1`, invitationId);
      made.unshift(invitationId);
    }
    await invited(await newHouse());
    const list = async (query: string) =>
      (await tenon.http.get(`${path}/invitations?${query}`).set(owner.auth).expect(200)).body;
    const { data, meta } = await list('');
    expect(data.map(({ id }: { id: string }) => id)).toEqual(made);
    expect(meta).toMatchObject({ total: 5 });
    expect(data.map(({ status }: { status: string }) => status)).toEqual([
      'open',
      'expired',
      'expired',
      'revoked',
      'accepted',
    ]);
    for (const [status, total] of Object.entries({ open: 1, expired: 2, revoked: 1, accepted: 1 })) {
      const found = await list(`status=${status}`);
      expect(found.meta.total).toBe(total);
      expect(found.data.every((row: { status: string }) => row.status === status)).toBe(true);
    }
    expect(await list('perPage=2&page=2')).toMatchObject({
      data: [{ id: made[2] }, { id: made[3] }],
      meta: { total: 5, totalPages: 3 },
    });
    await tenon.http.get(`${path}/invitations?status=open'--`).set(owner.auth).expect(400);
  });

  it('withdraws an open one, and only such', async () => {
    const house = await newHouse();
    const { invitationId, token } = await invited(house);
    const withdraw = (id: string) => tenon.http.delete(`${house.path}/invitations/${id}`).set(house.owner.auth);
    await withdraw(invitationId).expect(204);
    expect((await withdraw(invitationId).expect(409)).body.detail).toMatch(/revoked$/);
    await accept(newcomer(token)).expect(400);
    const [entry] = await rows(`select * from audit_log where target_id = $1`, invitationId);
    expect(entry).toMatchObject({ action: 'invitation.revoked', before: { role: 'member' } });
    // Case 2: of another organization.
    const foreign = await invited(await newHouse());
    await withdraw(foreign.invitationId).expect(404);
    await tenon.http.post(`${house.path}/invitations/${foreign.invitationId}/resend`).set(house.owner.auth).expect(404);
    expect(await isOpen(foreign.token)).toBe(true);
  });

  it('sends one again: the old link dies, and whoever sent it answers for it from now on', async () => {
    const house = await newHouse();
    const { invitationId, token, email } = await invited(house, { role: 'admin' });
    const admin = await insertMember(tenon, house.organizationId, 'admin');
    await rows(`update invitations set expires_at = now() - interval '1 d' where id = $1`, invitationId);
    const resend = (who: Member, id = invitationId) =>
      tenon.http.post(`${house.path}/invitations/${id}/resend`).set(who.auth);
    const { body } = await resend(admin).expect(200);
    expect(body).toMatchObject({ id: invitationId, status: 'open', invitedBy: admin.userId });
    expect((await preview(token).expect(400)).body.code).toBe('link_invalid');
    await preview(tokenIn((await mailTo(email)).text!)).expect(200);
    const ofOwner = await invited(house, { role: 'owner' });
    expect((await resend(admin, ofOwner.invitationId).expect(403)).body.code).toBe('permission_denied');
    await preview(ofOwner.token).expect(200);
  });
});

describe('O4 accepting', () => {
  it('as somebody new: an account with a proven address, the role, and nothing of a stranger’s registration', async () => {
    const house = await newHouse();
    const { email, token, invitationId } = await invited(house, { role: 'admin' });
    // Case 20: somebody else registered the address and knows that registration's password.
    const theirs = 'nine brown owls sat quite still';
    await tenon.http
      .post('/api/v1/auth/register')
      .send({ email, password: theirs, fullName: 'Mallory', organizationName: 'Theirs' })
      .expect(201);
    const registration = tokenIn((await mailTo(email)).text!);
    expect((await preview(token).expect(200)).body).toEqual({
      organizationName: house.name,
      role: 'admin',
      email,
      accountExists: false,
      expiresAt: expect.any(String),
    });

    const { body } = await accept(newcomer(token)).expect(200);
    expect(body).toEqual({
      accepted: true,
      organizationId: house.organizationId,
      organizationName: house.name,
      role: 'admin',
    });
    const grace = await signIn(tenon, email);
    await tenon.http.get(`${house.path}/invitations`).set(grace.auth).expect(200);
    const { body: me } = await tenon.http.get('/api/v1/users/me').set(grace.auth).expect(200);
    expect(me).toMatchObject({ email, emailVerified: true, fullName: 'Grace Hopper' });
    await tenon.http.post('/api/v1/auth/verify-email').send({ token: registration }).expect(400);
    await tenon.http.post('/api/v1/auth/login').send({ email, password: theirs }).expect(401);
    for (const action of ['user.registered', 'invitation.accepted', 'member.joined'])
      expect(await entriesOf(tenon.db, action, grace.userId)).toHaveLength(1);
    const [entry] = await entriesOf(tenon.db, 'invitation.accepted', grace.userId);
    expect(entry).toMatchObject({ organization_id: house.organizationId, target_id: invitationId });
  });

  it('with an account: by its session, and the very next request is a member’s', async () => {
    const house = await newHouse();
    const guest = await insertStranger(tenon);
    const { token } = await invited(house, { email: guest.email, role: 'admin' });
    expect((await preview(token).expect(200)).body.accountExists).toBe(true);
    await tenon.http.get(`${house.path}/invitations`).set(guest.auth).expect(404);
    await accept({ token }, guest).expect(200);
    await tenon.http.get(`${house.path}/invitations`).set(guest.auth).expect(200);
    expect((await accept({ token }, guest).expect(400)).body.detail).toBe('The invitation was accepted before');
    const [{ accepted_by: by }] = await rows(
      'select accepted_by from invitations where token_hash = $1',
      hashToken(token),
    );
    expect(by).toBe(guest.userId);
  });

  it('asks somebody new for name and password by the rules, and uses nothing up until both are good', async () => {
    const { token, email } = await invited(await newHouse());
    const fields = async (body: object) =>
      (await accept({ token, ...body }).expect(400)).body.errors.map(({ field }: { field: string }) => field);
    expect(await fields({})).toEqual(['fullName', 'password']);
    expect(await fields({ fullName: 'Grace' })).toEqual(['password']);
    expect(await fields({ fullName: null, password: PASSWORD })).toEqual(['fullName']);
    expect(await fields({ fullName: 'Grace\nHopper', password: PASSWORD })).toEqual(['fullName']);
    expect(await fields({ fullName: 'Grace', password: 'too short' })).toEqual(['password']);
    expect(await fields({ fullName: 'Grace', password: `my own ${email}` })).toEqual(['password']);
    await accept(newcomer(token)).expect(200);
  });

  it.each(['x', 'x'.repeat(43)])('token %s is none', async (token) => {
    for (const answer of [
      await preview(token),
      await accept(newcomer(token)),
      await accept({ token }, await insertStranger(tenon)),
    ])
      expect(answer).toMatchObject({ status: 400, body: { code: 'link_invalid' } });
  });

  it('refuses a session that is none, instead of taking it for nobody', async () => {
    const { token } = await invited(await newHouse());
    const nobody = { auth: { authorization: 'Bearer nonsense' } };
    expect((await accept(newcomer(token), nobody).expect(401)).body.code).toBe('token_invalid');
  });

  it('case 1: of 50 people at once who hold the link of somebody new one gets in', async () => {
    const house = await newHouse();
    const { token, email } = await invited(house);
    const answers = await atOnce(50, () => accept(newcomer(token)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    // Who looks after the first was through finds an account.
    expect(
      answers.every(
        ({ status, body }) => status === 200 || ['link_invalid', 'authentication_required'].includes(body.code),
      ),
    ).toBe(true);
    expect(await membersOf(house)).toHaveLength(2);
    expect(await rows('select from users where email = $1', email)).toHaveLength(1);
  });

  it('case 1: of 50 requests at once with one link and a session one succeeds, and one seat is taken', async () => {
    const house = await newHouse();
    const guest = await insertStranger(tenon);
    const { token } = await invited(house, { email: guest.email });
    const answers = await atOnce(50, () => accept({ token }, guest));
    expect(countStatuses(answers)).toEqual({ 200: 1, 400: 49 });
    expect(await membersOf(house)).toHaveLength(2);
    const [{ member_count: seats }] = await rows(
      'select member_count from organizations where id = $1',
      house.organizationId,
    );
    expect(seats).toBe(2);
    expect(await entriesOf(tenon.db, 'member.joined', guest.userId)).toHaveLength(1);
  });

  it('case 30: 50 people at once on a plan of three seats: never more than three', async () => {
    const house = await newHouse({ plan: 'trio' });
    const guests = await atOnce(50, () => insertStranger(tenon));
    const links = await atOnce(50, (n) => invited(house, { email: guests[n]!.email }));
    const answers = await atOnce(50, (n) => accept({ token: links[n]!.token }, guests[n]));
    expect(countStatuses(answers)).toEqual({ 200: 2, 409: 48 });
    const refused = answers.findIndex(({ status }) => status === 409);
    expect(answers[refused]!.body.code).toBe('seat_limit_reached');
    expect(await membersOf(house)).toHaveLength(3);
    // The link is good again as soon as there is a seat.
    await rows(`update organizations set plan_key = 'standard' where id = $1`, house.organizationId);
    await accept({ token: links[refused]!.token }, guests[refused]).expect(200);
  });

  it('is refused to who is a member already, and the link stays as it is', async () => {
    const house = await newHouse();
    const guest = await insertMember(tenon, house.organizationId, 'viewer');
    const { token } = await invited(house, { email: guest.email, role: 'admin' });
    expect((await accept({ token }, guest).expect(409)).body.code).toBe('already_member');
    expect(await isOpen(token)).toBe(true);
    expect((await membersOf(house)).map(({ role }) => role)).toEqual(['owner', 'viewer']);
  });
});

describe('case 29 who may not accept', () => {
  it('another address, also of somebody whose address was changed since', async () => {
    const house = await newHouse();
    const [guest, other] = [await insertStranger(tenon), await insertStranger(tenon)];
    const { token } = await invited(house, { email: guest.email });
    expect((await accept({ token }, other).expect(403)).body.code).toBe('invitation_for_another');
    const newAddress = newEmail();
    await rows('update users set email = $1 where id = $2', newAddress, guest.userId);
    expect((await accept({ token }, guest).expect(403)).body.code).toBe('invitation_for_another');
    expect(await isOpen(token)).toBe(true);
    expect(await membersOf(house)).toHaveLength(1);
  });

  it('an account that does not sign in first, whatever name and password come along', async () => {
    const house = await newHouse();
    const guest = await insertStranger(tenon);
    const { token } = await invited(house, { email: guest.email });
    const { body, headers } = await accept(newcomer(token)).expect(401);
    expect(body.code).toBe('authentication_required');
    expect(headers['www-authenticate']).toBe('Bearer');
    expect((await accept({ token }).expect(401)).body.code).toBe('authentication_required');
    await accept({ token }, guest).expect(200);
  });

  it('an imported account whose address nobody has proven: the link is no proof, or a stranger’s password would be good', async () => {
    const house = await newHouse();
    const { userId, email } = await insertPerson(tenon.db, { verified: false });
    const { token } = await invited(house, { email });
    expect((await preview(token).expect(200)).body.accountExists).toBe(true);
    await accept(newcomer(token)).expect(401);
    const login = () => tenon.http.post('/api/v1/auth/login').send({ email, password: PASSWORD });
    expect((await login().expect(403)).body.code).toBe('email_not_verified');
    await rows('update users set email_verified_at = now() where id = $1', userId);
    await accept({ token }, await signIn(tenon, email)).expect(200);
  });

  it('a session of an address that nobody has proven, should there ever be one', async () => {
    const house = await newHouse();
    const guest = await insertStranger(tenon);
    await rows('update users set email_verified_at = null where id = $1', guest.userId);
    const { token } = await invited(house, { email: guest.email });
    expect((await accept({ token }, guest).expect(403)).body.code).toBe('email_not_verified');
    expect(await isOpen(token)).toBe(true);
  });

  it('a disabled account', async () => {
    const house = await newHouse();
    const { email } = await insertPerson(tenon.db, { status: 'disabled' });
    const { token } = await invited(house, { email });
    await accept(newcomer(token)).expect(401);
    expect(await membersOf(house)).toHaveLength(1);
  });

  const INVITER = 'Whoever invited you may not do so any more';
  /** What may happen between an invitation for the role `admin` by an admin and its acceptance. */
  const SINCE: [string, string, string | null][] = [
    ['it was withdrawn', 'update invitations set revoked_at = now() where id = $1', 'The invitation was withdrawn'],
    ['it expired', 'update invitations set expires_at = now() where id = $1', 'The invitation has expired'],
    ['it was sent again', `update invitations set token_hash = sha256(id::text::bytea) where id = $1`, null],
    [
      'the inviter was removed',
      'delete from user_organization_membership m using invitations i where i.id = $1 and m.user_id = i.invited_by',
      INVITER,
    ],
    [
      'the inviter may not invite any more',
      `update user_organization_membership m set role = 'member' from invitations i where i.id = $1 and m.user_id = i.invited_by`,
      INVITER,
    ],
    [
      'the inviter may invite, but no longer for this role',
      `update user_organization_membership m set role = 'recruiter' from invitations i where i.id = $1 and m.user_id = i.invited_by`,
      INVITER,
    ],
    [
      'the inviter was disabled',
      `update users u set status = 'disabled' from invitations i where i.id = $1 and u.id = i.invited_by`,
      INVITER,
    ],
    [
      'the role is gone',
      `update invitations set role = 'gone' where id = $1`,
      'The role that was offered does not exist any more',
    ],
    [
      'the organization was deactivated',
      `update organizations o set status = 'deactivated' from invitations i where i.id = $1 and o.id = i.organization_id`,
      'The organization is not active at the moment',
    ],
    [
      'the organization was deleted',
      `update organizations o set status = 'deleted' from invitations i where i.id = $1 and o.id = i.organization_id`,
      'The organization is not active at the moment',
    ],
  ];

  it.each(SINCE)('anybody when %s', async (_, happens, detail) => {
    const house = await newHouse();
    await rows(
      `insert into organization_roles (organization_id, key, name, permissions, created_at, updated_at)
       values ($1, 'recruiter', 'Recruiter', '{members:invite}', now(), now())`,
      house.organizationId,
    );
    const admin = await insertMember(tenon, house.organizationId, 'admin');
    const guest = await insertStranger(tenon);
    const { invitationId, token } = await insertInvitation(tenon.db, house.organizationId, admin.userId, {
      email: guest.email,
      role: 'admin',
    });
    await preview(token).expect(200);
    await rows(happens, invitationId);
    for (const answer of [await preview(token), await accept({ token }, guest), await accept(newcomer(token))])
      expect(answer).toMatchObject({ status: 400, body: { code: 'link_invalid', ...(detail && { detail }) } });
    expect((await membersOf(house)).some(({ user_id: id }) => id === guest.userId)).toBe(false);
    expect(await rows('select from invitations where id = $1 and accepted_at is null', invitationId)).toHaveLength(1);
  });

  it('works again when the organization is reactivated', async () => {
    const house = await newHouse();
    const { token } = await invited(house);
    const become = (status: string) =>
      rows('update organizations set status = $1 where id = $2', status, house.organizationId);
    await become('deactivated');
    await accept(newcomer(token)).expect(400);
    await become('active');
    await accept(newcomer(token)).expect(200);
  });
});

describe('case 11 names in the mail', () => {
  it('make neither header nor markup nor link', async () => {
    const name = '<b>Acme</b> https://evil.example <img src=x onerror=alert(1)>';
    const { path, owner } = await newHouse({ name: `${name}\r\nBcc: everybody@evil.example` });
    const email = newEmail();
    await invite(path, owner, { email, role: 'member' }).expect(201);
    const mail = await mailTo(email);
    expect(mail.subject).toBe('You are invited to an organization');
    expect(mail.recipients).toEqual([email]);
    expect(mail.bcc).toBeUndefined();
    expect(mail.html).toContain('&lt;b&gt;Acme&lt;/b&gt;');
    expect(mail.html).not.toMatch(/<b>|<img/);
    expect([...mail.html!.matchAll(/href="([^"?]+)/g)].map(([, href]) => href)).toEqual([
      `${tenon.url}/accept-invitation`,
    ]);
    for (const text of [mail.text!, mail.html!]) expect(text).not.toMatch(/https:\/\/evil|evil\.example|^Bcc/m);
  });
});

describe('case 12 tokens', () => {
  it('stand in the mail alone: in no answer, no table and no list of mails', async () => {
    const { path, owner } = await newHouse();
    const email = newEmail();
    const answers = [await invite(path, owner, { email, role: 'member' }).expect(201)];
    const { id } = answers[0]!.body;
    const tokens = [tokenIn((await mailTo(email)).text!)];
    answers.push(await tenon.http.post(`${path}/invitations/${id}/resend`).set(owner.auth).expect(200));
    tokens.push(tokenIn((await mailTo(email, 2)).text!));
    answers.push(await preview(tokens[1]!).expect(200), await tenon.http.get(`${path}/invitations`).set(owner.auth));
    const admin = await signInAdmin(tenon);
    answers.push(await tenon.http.get('/api/v1/admin/mails').query({ to: email }).set(admin.auth).expect(200));
    answers.push(await accept(newcomer(tokens[1]!)).expect(200));
    for (const token of tokens) {
      for (const { text } of answers) expect(text).not.toContain(token);
      for (const table of ['invitations', 'audit_log', 'outbox', 'rate_limit_tracking', 'bullmq.job'])
        expect(
          await rows(
            `select from ${table} t where strpos(t::text, $1) > 0 or strpos(t::text, $2) > 0`,
            token,
            Buffer.from(token).toString('hex'),
          ),
          table,
        ).toEqual([]);
    }
    const [{ token_hash: kept }] = await rows('select token_hash from invitations where id = $1', id);
    expect(kept).toEqual(hashToken(tokens[1]!));
    expect(
      await rows(`select from audit_log where (before::text || after::text) ~ 'token|hash' and target_id = $1`, id),
    ).toEqual([]);
  });
});
