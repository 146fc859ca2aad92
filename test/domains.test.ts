import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Schedules } from '../src/jobs/schedules.js';
import { atOnce, countStatuses, entriesOf } from './harness/accounts.js';
import { startApp, type TestApp } from './harness/app.js';
import { type DnsServer, type DnsZone, startDnsServer } from './harness/dns.js';
import { insertMember, insertOrganization, type Member } from './harness/organizations.js';

interface DomainView {
  id: string;
  domain: string;
  status: string;
  record: { type: string; name: string; value: string };
  challengeExpiresAt: string | null;
  verifiedAt: string | null;
  lastCheckedAt: string | null;
  missingSince: string | null;
}
/** An organization, with somebody who may manage its domains. */
interface Tenant {
  organizationId: string;
  path: string;
  admin: Member;
}

let dns: DnsServer;
let tenon: TestApp;
let acme: Tenant;
let rival: Tenant;

beforeAll(async () => {
  dns = await startDnsServer();
  // Fewer connections than requests at once: none may be held while DNS is asked.
  tenon = await startApp({ env: { DNS_SERVERS: dns.address, DATABASE_POOL_SIZE: '4' } });
  acme = await newTenant();
  rival = await newTenant();
});
afterAll(async () => {
  await tenon.close();
  await dns.close();
});

async function newTenant(plan?: string): Promise<Tenant> {
  const { organizationId, path } = await insertOrganization(tenon.db, { plan });
  return { organizationId, path: `${path}/domains`, admin: await insertMember(tenon, organizationId, 'admin') };
}

let domains = 0;
/** A domain that no other test uses. */
const newDomain = (): string => `d${(domains += 1)}.example`;

const tryClaim = ({ path, admin }: Tenant, domain: unknown) =>
  tenon.http
    .post(path)
    .set(admin.auth)
    .send({ domain: domain as string });
const claim = async (tenant: Tenant, domain = newDomain()): Promise<DomainView> =>
  (await tryClaim(tenant, domain).expect(201)).body as DomainView;
const verify = ({ path, admin }: Tenant, { id }: { id: string }) =>
  tenon.http.post(`${path}/${id}/verify`).set(admin.auth);
const release = ({ path, admin }: Tenant, { id }: { id: string }) => tenon.http.delete(`${path}/${id}`).set(admin.auth);
const read = async ({ path, admin }: Tenant, { id }: { id: string }): Promise<DomainView> =>
  (await tenon.http.get(`${path}/${id}`).set(admin.auth).expect(200)).body as DomainView;
const publish = ({ record }: DomainView, zone: DnsZone = {}): unknown =>
  dns.zones.set(record.name, { txt: [record.value], ...zone });
const proven = async (tenant: Tenant): Promise<DomainView> => {
  const view = await claim(tenant);
  publish(view);
  return (await verify(tenant, view).expect(200)).body as DomainView;
};
const entriesAbout = async (action: string, { id }: { id: string }) =>
  (await entriesOf(tenon.db, action)).filter((entry) => entry['target_id'] === id);
/** Moves the times of a claim into the past. */
const age = ({ id }: { id: string }, set: string) =>
  tenon.db.sql.query(`update organization_domains set ${set} where id = $1`, [id]);

describe('O5 domains', () => {
  it('a claim says what to put into DNS, and the record proves it', async () => {
    const claimed = await claim(acme, ' Acme.EXAMPLE. ');
    expect(claimed).toEqual({
      id: expect.any(String),
      domain: 'acme.example',
      status: 'pending',
      record: {
        type: 'TXT',
        name: '_tenon-challenge.acme.example',
        value: expect.stringMatching(/^tenon-verification=[A-Za-z0-9_-]{43}$/),
      },
      challengeExpiresAt: expect.any(String),
      verifiedAt: null,
      lastCheckedAt: null,
      missingSince: null,
      createdAt: expect.any(String),
    });
    const { body: refusal } = await verify(acme, claimed).expect(409);
    expect(refusal).toMatchObject({ code: 'domain_not_proven' });
    expect(refusal.detail).toContain('_tenon-challenge.acme.example');
    expect((await read(acme, claimed)).lastCheckedAt).not.toBeNull();

    publish(claimed);
    const { body: verified } = await verify(acme, claimed).expect(200);
    expect(verified).toMatchObject({
      ...claimed,
      status: 'verified',
      challengeExpiresAt: null,
      verifiedAt: expect.any(String),
      lastCheckedAt: expect.any(String),
    });
    const { body: page } = await tenon.http.get(acme.path).set(acme.admin.auth).expect(200);
    expect(page.data).toEqual([verified]);
    expect(page.meta).toMatchObject({ page: 1, total: 1 });

    // An id has one spelling in the trail, however it was asked for.
    await release(acme, { id: claimed.id.toUpperCase() }).expect(204);
    await release(acme, claimed).expect(404);
    for (const [action, side] of [
      ['domain.claimed', 'after'],
      ['domain.verified', 'after'],
      ['domain.released', 'before'],
    ] as const) {
      const entries = await entriesAbout(action, claimed);
      expect(entries, action).toMatchObject([
        {
          organization_id: acme.organizationId,
          actor_id: acme.admin.userId,
          actor_role: 'admin',
          [side]: { domain: 'acme.example' },
        },
      ]);
      expect(JSON.stringify(entries)).not.toContain(claimed.record.value.slice(-43));
    }
  });

  it('is for those who manage domains, and shows nothing to others', async () => {
    const view = await claim(acme);
    const member = await insertMember(tenon, acme.organizationId, 'member');
    for (const path of [acme.path, `${acme.path}/${view.id}`])
      await tenon.http
        .get(path)
        .set(member.auth)
        .expect(403, /permission_denied/);
    await tenon.http.post(`${acme.path}/${view.id}/verify`).set(member.auth).expect(403);
    // In one's own organization the claim of another does not exist.
    for (const answer of await Promise.all([
      verify(rival, view),
      release(rival, view),
      tenon.http.get(`${rival.path}/${view.id}`).set(rival.admin.auth),
    ]))
      expect([answer.status, answer.body.code]).toEqual([404, 'not_found']);
    expect(await read(acme, view)).toEqual(view);
  });

  it('one claim for each domain, exactly that domain', async () => {
    const view = await proven(acme);
    await tryClaim(acme, view.domain.toUpperCase()).expect(409, /"code":"conflict"/);
    const below = await claim(acme, `sub.${view.domain}`);
    await verify(acme, below).expect(409, /domain_not_proven/);
    const above = await claim(rival, `sub.sub.${view.domain}`);
    publish(above);
    await verify(rival, above).expect(200);
  });

  it('case 7: what is no text is refused', async () => {
    for (const domain of [undefined, null, 1, ['acme.example'], { $ne: '' }, '', 'a'.repeat(513)])
      await tryClaim(acme, domain).expect(400, /validation_failed/);
    await tenon.http
      .post(acme.path)
      .set(acme.admin.auth)
      .send({ domain: newDomain(), verifiedAt: '2026-01-01T00:00:00Z', organizationId: rival.organizationId })
      .expect(400, /unknown_property/);
  });

  it('the plan bounds them, also when all come at once', async () => {
    await tenon.db.sql.query(
      `insert into plans (key, name, domains, created_at, updated_at) values ('three', 'Three', 3, now(), now())`,
    );
    const small = await newTenant('three');
    const answers = await atOnce(20, () => tryClaim(small, newDomain()));
    expect(countStatuses(answers)).toEqual({ 201: 3, 409: 17 });
    expect(new Set(answers.filter(({ status }) => status === 409).map(({ body }) => body.code))).toEqual(
      new Set(['plan_limit_reached']),
    );
    await release(small, answers.find(({ status }) => status === 201)!.body).expect(204);
    await tryClaim(small, newDomain()).expect(201);
  });

  it('case 1: of fifty verifications at once one is the proof', async () => {
    const view = await claim(acme);
    publish(view);
    expect(countStatuses(await atOnce(50, () => verify(acme, view)))).toEqual({ 200: 50 });
    expect(await entriesAbout('domain.verified', view)).toHaveLength(1);
  });

  it('case 1: of fifty claims of one domain one stands', async () => {
    const domain = newDomain();
    expect(countStatuses(await atOnce(50, () => tryClaim(acme, domain)))).toEqual({ 201: 1, 409: 49 });
  });
});

describe('O5 case 31: a proof is the very record', () => {
  it('neither a substring, nor another case, nor another place', async () => {
    const view = await claim(acme);
    const { name, value } = view.record;
    const near = [
      `${value} `,
      ` ${value}`,
      `"${value}"`,
      `x${value}`,
      `${value}x`,
      value.toUpperCase(),
      value.replace('tenon-verification=', ''),
      value.slice(0, -1),
    ];
    dns.zones.set(name, { txt: near });
    dns.zones.set(view.domain, { txt: [value] });
    dns.zones.set(`www.${name}`, { txt: [value] });
    const { body } = await verify(acme, view).expect(409);
    expect(body).toMatchObject({
      code: 'domain_not_proven',
      detail: `No TXT record at ${name} is the one of this claim; others there: ${near.length}`,
    });
    dns.zones.set(name, { txt: [...near, [value.slice(0, 7), value.slice(7, 30), '', value.slice(30)], 'v=spf1'] });
    await verify(acme, view).expect(200);
  });

  it('not with a challenge of an earlier claim', async () => {
    const first = await claim(acme);
    publish(first);
    await release(acme, first).expect(204);
    const again = await claim(acme, first.domain);
    expect(again.record.value).not.toBe(first.record.value);
    await verify(acme, again).expect(409, /domain_not_proven/);
    const theirs = await claim(rival, first.domain);
    await verify(rival, theirs).expect(409, /domain_not_proven/);
  });

  it('not with a challenge that has expired: there is a new one, once', async () => {
    const view = await claim(acme);
    publish(view);
    await age(view, `challenge_expires_at = now()`);
    const { body } = await verify(acme, view).expect(409);
    expect(body).toMatchObject({ code: 'domain_not_proven', detail: expect.stringContaining('expired') });
    const renewed = await read(acme, view);
    expect(renewed.record.value).not.toBe(view.record.value);
    expect(Date.parse(renewed.challengeExpiresAt!)).toBeGreaterThan(Date.parse(view.challengeExpiresAt!));
    await verify(acme, view).expect(409, /others there: 1/);
    expect((await read(acme, view)).record).toEqual(renewed.record);
    publish(renewed);
    await verify(acme, view).expect(200);
  });

  it('not of a public suffix, a twin, or what nobody owns', async () => {
    const refusals: [domain: string, code: string][] = [
      ['co.uk', 'domain_public_suffix'],
      ['github.io', 'domain_public_suffix'],
      ['аpple.com', 'domain_mixed_scripts'],
      ['xn--pple-43d.com', 'domain_mixed_scripts'],
      ['аррӏе.com', 'domain_looks_latin'],
      ['printer.local', 'domain_special_use'],
      ['127.0.0.1', 'domain_invalid'],
      ['https://acme.example/', 'domain_invalid'],
    ];
    for (const [domain, code] of refusals) {
      const { body } = await tryClaim(acme, domain).expect(400);
      expect(body.errors, domain).toMatchObject([{ field: 'domain', code }]);
    }
    expect((await claim(acme, 'bücher.example')).domain).toBe('xn--bcher-kva.example');
  });

  it('not of what another organization has proven; its claim alone stops nobody', async () => {
    const theirs = await claim(rival);
    const ours = await claim(acme, theirs.domain);
    publish(theirs, { txt: [theirs.record.value, ours.record.value] });
    await verify(rival, theirs).expect(200);
    await verify(acme, ours).expect(409, /domain_taken/);
    await release(acme, ours).expect(204);
    await tryClaim(acme, theirs.domain).expect(409, /domain_taken/);
    await release(rival, theirs).expect(204);
    const later = await claim(acme, theirs.domain);
    publish(later);
    await verify(acme, later).expect(200);
  });

  it('of two organizations that prove at once one has it', async () => {
    const ours = await claim(acme);
    const theirs = await claim(rival, ours.domain);
    publish(ours, { txt: [ours.record.value, theirs.record.value] });
    const answers = await atOnce(20, (index) => (index % 2 ? verify(acme, ours) : verify(rival, theirs)));
    expect(countStatuses(answers)).toEqual({ 200: 10, 409: 10 });
    expect(
      (await Promise.all([entriesAbout('domain.verified', ours), entriesAbout('domain.verified', theirs)])).flat(),
    ).toHaveLength(1);
  });
});

describe('O5 P13 DNS that does not do as it should', () => {
  it.each(['SERVFAIL', 'REFUSED', 'garbage'] as const)(
    '%s is 502, and says nothing about the record',
    async (fails) => {
      const view = await claim(acme);
      publish(view, { fails });
      await verify(acme, view).expect(502, /external_service_failed/);
      expect(await read(acme, view)).toEqual(view);
    },
  );

  it('an answer that is too long for UDP is read over TCP', async () => {
    const view = await claim(acme);
    publish(view, { txt: [...Array.from({ length: 50 }, () => 'x'.repeat(250)), view.record.value] });
    await verify(acme, view).expect(200);
    expect(dns.asked.filter(({ name }) => name === view.record.name).map(({ over }) => over)).toEqual(['udp', 'tcp']);
  });

  it('while it is slow, no connection of the database waits, and a claim that is gone is not proven', async () => {
    const claims = await Promise.all(Array.from({ length: 10 }, () => claim(acme)));
    const { promise: after, resolve: answer } = Promise.withResolvers<void>();
    for (const view of claims) publish(view, { after });
    const asked = dns.asked.length;
    const verifications = claims.map((view) => verify(acme, view).then(({ status, body }) => [status, body.code]));
    await expect.poll(() => dns.asked.length).toBe(asked + claims.length);
    const [released, renewed, ...others] = claims;
    await release(acme, released!).expect(204);
    await age(renewed!, `challenge = 'another'`);
    answer();
    expect(await Promise.all(verifications)).toEqual([
      [409, 'domain_not_proven'],
      [409, 'domain_not_proven'],
      ...others.map(() => [200, undefined]),
    ]);
    expect((await read(acme, renewed!)).status).toBe('pending');
  });
});

describe('O5 the daily check', () => {
  const recheck = (signal = new AbortController().signal): Promise<unknown> =>
    tenon.app
      .get(Schedules)
      .list()
      .find(({ id }) => id === 'domains-recheck')!
      .run(signal, new Date());
  const due = (view: DomainView) => age(view, `last_checked_at = now() - interval '1 day'`);
  /** To whom mails about the organization went. */
  const mailed = async (template: string, { admin }: Tenant): Promise<number> =>
    (
      await tenon.db.sql.query(`select 1 from outbox where summary->>'template' = $1 and summary->>'to' = $2`, [
        template,
        admin.email,
      ])
    ).rowCount!;

  it('looks for what was not looked for in a day, and for nothing else', async () => {
    const tenant = await newTenant();
    const [old, fresh] = [await proven(tenant), await proven(tenant)];
    const pending = await claim(tenant);
    await due(old);
    await due(pending);
    dns.asked.length = 0;
    await recheck();
    expect(dns.asked.map(({ name }) => name)).toEqual([old.record.name]);
    expect(Date.parse((await read(tenant, old)).lastCheckedAt!)).toBeGreaterThan(Date.parse(fresh.lastCheckedAt!));
    expect(await read(tenant, old)).toMatchObject({ status: 'verified', missingSince: null });
  });

  it('a record that is gone: a mail, three days, and it lapses with a new challenge', async () => {
    const tenant = await newTenant();
    const owner = await insertMember(tenon, tenant.organizationId, 'owner');
    const viewer = await insertMember(tenon, tenant.organizationId, 'viewer');
    const view = await proven(tenant);
    dns.zones.delete(view.record.name);
    await due(view);
    await recheck();
    expect(await read(tenant, view)).toMatchObject({ status: 'lapsing', missingSince: expect.any(String) });
    // It still holds against others, and a verification does not make it worse.
    await tryClaim(rival, view.domain).expect(409, /domain_taken/);
    await verify(tenant, view).expect(409, /domain_not_proven/);

    await due(view);
    await recheck();
    for (const [member, mails] of [
      [tenant.admin, 1],
      [owner, 1],
      [viewer, 0],
    ] as const)
      expect(await mailed('domain-missing', { ...tenant, admin: member }), member.role).toBe(mails);
    expect(await read(tenant, view)).toMatchObject({ status: 'lapsing', verifiedAt: view.verifiedAt });

    await due(view);
    await age(view, `missing_since = now() - interval '3 days'`);
    await recheck();
    const lapsed = await read(tenant, view);
    expect(lapsed).toMatchObject({ status: 'pending', verifiedAt: null, missingSince: null });
    expect(lapsed.record.value).not.toBe(view.record.value);
    expect(await mailed('domain-lapsed', tenant)).toBe(1);
    expect(await entriesAbout('domain.lapsed', view)).toMatchObject([
      {
        actor_kind: 'system',
        actor_name: 'domains-recheck',
        organization_id: tenant.organizationId,
        user_id: null,
        before: { domain: view.domain },
      },
    ]);
    // What proved it once proves nothing any more.
    publish(view);
    await verify(tenant, view).expect(409, /domain_not_proven/);
    await tryClaim(rival, view.domain).expect(201);
  });

  it('a record that is back ends it, at the check or at a verification before', async () => {
    const tenant = await newTenant();
    const views = [await proven(tenant), await proven(tenant)];
    for (const view of views) {
      await age(view, `missing_since = now() - interval '4 days', last_checked_at = now() - interval '1 day'`);
      publish(view);
    }
    await verify(tenant, views[0]!).expect(200);
    expect(await read(tenant, views[0]!)).toMatchObject({ status: 'verified', missingSince: null });
    await recheck();
    expect(await read(tenant, views[1]!)).toMatchObject({ status: 'verified', missingSince: null });
    expect(await mailed('domain-lapsed', tenant)).toBe(0);
  });

  it('while DNS does not answer nothing changes, and others are checked all the same', async () => {
    const tenant = await newTenant();
    const [unanswered, answered] = [await proven(tenant), await proven(tenant)];
    publish(unanswered, { fails: 'SERVFAIL' });
    dns.zones.delete(answered.record.name);
    await age(unanswered, `missing_since = now() - interval '9 days', last_checked_at = now() - interval '9 days'`);
    await due(answered);
    const before = await read(tenant, unanswered);
    await recheck();
    expect(await read(tenant, unanswered)).toEqual(before);
    expect((await read(tenant, answered)).status).toBe('lapsing');
    dns.zones.delete(unanswered.record.name);
    await release(tenant, unanswered).expect(204);
  });

  it('cases 37 and 39: run twice at once and cut short, each domain lapses once', async () => {
    const tenant = await newTenant();
    await tenon.db.sql.query(
      `insert into organization_domains
         (organization_id, id, domain, challenge, challenge_expires_at, verified_at, last_checked_at, missing_since, created_at)
       select $1, gen_random_uuid(), 'many' || n || '.example', 'gone', now(), now() - interval '9 days',
              now() - interval '1 day', now() - interval '4 days', now()
         from generate_series(1, 105) n`,
      [tenant.organizationId],
    );
    const stop = new AbortController();
    const { promise: after, resolve: answer } = Promise.withResolvers<void>();
    for (let n = 1; n <= 105; n += 1) dns.zones.set(`_tenon-challenge.many${n}.example`, { after });
    const asked = dns.asked.length;
    const cut = recheck(stop.signal);
    await expect.poll(() => dns.asked.length).toBeGreaterThan(asked);
    stop.abort();
    answer();
    await cut;
    const lapsed = async (): Promise<number> =>
      (
        await tenon.db.sql.query(
          'select 1 from organization_domains where organization_id = $1 and verified_at is null',
          [tenant.organizationId],
        )
      ).rowCount!;
    expect(await lapsed()).toBeGreaterThan(0);
    expect(await lapsed()).toBeLessThan(105);
    await Promise.all([recheck(), recheck()]);
    expect(await lapsed()).toBe(105);
    expect(
      (await entriesOf(tenon.db, 'domain.lapsed')).filter(
        (entry) => entry['organization_id'] === tenant.organizationId,
      ),
    ).toHaveLength(105);
    expect(await mailed('domain-lapsed', tenant)).toBe(105);
  });
});
