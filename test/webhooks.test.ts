import { setTimeout as sleep } from 'node:timers/promises';
import { EntityManager } from '@mikro-orm/postgresql';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Readiness } from '../src/kernel/readiness.js';
import { SecretBox } from '../src/kernel/secrets.js';
import { sealOfSecret } from '../src/webhooks/endpoints/webhook-secrets.js';
import { EVENT_TYPES } from '../src/webhooks/event-types.js';
import { resealSecrets, rollDeliveryPartitions } from '../src/webhooks/webhooks.cleanup.js';
import { atOnce, countStatuses, entriesOf } from './harness/accounts.js';
import { insertApiKey } from './harness/api-keys.js';
import { startApp, TEST_KEYS, type TestApp } from './harness/app.js';
import { insertMember, insertOrganization, type Member } from './harness/organizations.js';
import { mailTo, type Person, signInAdmin } from './harness/people.js';
import { type Receiver, startReceiver, verified } from './harness/receiver.js';

interface WebhookBody {
  id: string;
  url: string;
  secret: string;
  enabled: boolean;
  disabledReason: string | null;
  failingSince: string | null;
}
interface DeliveryBody {
  id: string;
  type: string;
  status: string;
  nextAttemptAt: string | null;
  deliveredAt: string | null;
  attempts: { status: number | null; error: string | null; body: string | null; durationMs: number }[];
}
interface Tenant {
  organizationId: string;
  path: string;
  admin: Member;
}

const PLATFORM = '/api/v1/webhooks';
let tenon: TestApp;
let platform: Person;
let receiver: Receiver;

beforeAll(async () => {
  tenon = await startApp({ env: { WEBHOOK_TARGETS: 'any' } });
  platform = await signInAdmin(tenon);
});
afterAll(() => tenon.close());
// Of its own for each test, and no webhook but its own: what others left on its way arrives nowhere.
beforeEach(async () => {
  await tenon.db.sql.query('delete from webhook_endpoints');
  receiver = await startReceiver();
});
afterEach(() => receiver.close());

async function newTenant(): Promise<Tenant> {
  const { organizationId, path } = await insertOrganization(tenon.db);
  return { organizationId, path: `${path}/webhooks`, admin: await insertMember(tenon, organizationId, 'admin') };
}
type Where = Pick<Tenant, 'path'> & { admin: Pick<Member, 'auth'> };
const platformAt = (): Where => ({ path: PLATFORM, admin: platform });

const tryMake = ({ path, admin }: Where, body: object = {}) =>
  tenon.http
    .post(path)
    .set(admin.auth)
    .send({ url: receiver.url, eventTypes: ['*'], ...body });
const make = async (where: Where, body?: object): Promise<WebhookBody> =>
  (await tryMake(where, body).expect(201)).body as WebhookBody;
const get = async <T>({ path, admin }: Where, rest = ''): Promise<T> =>
  (await tenon.http.get(`${path}${rest}`).set(admin.auth).expect(200)).body as T;
const post = ({ path, admin }: Where, rest: string, body?: object) =>
  tenon.http.post(`${path}${rest}`).set(admin.auth).send(body);
const deliveriesOf = async (where: Where, { id }: { id: string }, query = ''): Promise<DeliveryBody[]> =>
  (await get<{ data: DeliveryBody[] }>(where, `/${id}/deliveries${query}`)).data;
/** Renames the organization: an event of `organization.updated`. */
const rename = ({ organizationId }: Tenant, name = `Name ${Math.random()}`) =>
  tenon.http.patch(`/api/v1/organizations/${organizationId}`).set(platform.auth).send({ name }).expect(200);
const types = (secret: string): string[] => receiver.received.map((request) => verified(secret, request).type);
/** Has what waits tried now. */
const hurry = (): Promise<unknown> =>
  tenon.db.sql.query('update webhook_deliveries set due_at = now() where due_at is not null');
const poll = <T>(read: () => T | Promise<T>) => expect.poll(read);

describe('P16 webhooks', () => {
  it('are made with a secret that is shown once, sealed in the database, and nowhere in the trail', async () => {
    const acme = await newTenant();
    const made = await make(acme, {
      url: `${receiver.url}/hook?token=abc`,
      description: 'Tickets',
      eventTypes: ['member.*'],
    });
    expect(made).toEqual({
      id: expect.any(String),
      url: `${receiver.url}/hook?token=abc`,
      description: 'Tickets',
      eventTypes: ['member.*'],
      enabled: true,
      disabledReason: null,
      failingSince: null,
      previousSecretExpiresAt: null,
      version: 1,
      createdAt: expect.any(String),
      secret: expect.stringMatching(/^whsec_[A-Za-z0-9+/]{43}=$/),
    });
    const { secret, ...shown } = made as unknown as Record<string, unknown>;
    expect(await get(acme, `/${made.id}`)).toEqual(shown);
    expect(await get(acme)).toMatchObject({ data: [shown], meta: { total: 1 } });
    const { rows } = await tenon.db.sql.query('select t::text as text from webhook_endpoints t where id = $1', [
      made.id,
    ]);
    expect(rows[0].text).not.toContain(String(secret).slice(6));
    const [entry] = await entriesOf(tenon.db, 'webhook.created');
    expect(JSON.stringify(entry)).not.toMatch(/whsec_|token=abc/);
    expect(entry).toMatchObject({
      organization_id: acme.organizationId,
      target_id: made.id,
      after: { host: `127.0.0.1:${receiver.port}`, eventTypes: ['member.*'], enabled: true },
    });
  });

  it('are changed and removed, each with an entry of the trail', async () => {
    const acme = await newTenant();
    const { id } = await make(acme);
    const patch = (body: object) => tenon.http.patch(`${acme.path}/${id}`).set(acme.admin.auth).send(body);
    await patch({ eventTypes: ['api_key.created'], description: null }).expect(200);
    await patch({}).expect(200);
    await patch({ enabled: false }).expect(200);
    expect(await get(acme, `/${id}`)).toMatchObject({
      enabled: false,
      disabledReason: 'by_hand',
      eventTypes: ['api_key.created'],
    });
    await post(acme, `/${id}/test`).expect(409);
    await patch({ enabled: true }).expect(200);
    expect(await get(acme, `/${id}`)).toMatchObject({ enabled: true, disabledReason: null });
    await tenon.http.delete(`${acme.path}/${id}`).set(acme.admin.auth).expect(204);
    await tenon.http.delete(`${acme.path}/${id}`).set(acme.admin.auth).expect(404);
    const { rows } = await tenon.db.sql.query(
      `select action from audit_log where organization_id = $1 and action like 'webhook.%' order by id`,
      [acme.organizationId],
    );
    expect(rows.map(({ action }) => String(action))).toEqual(
      ['created', 'updated', 'updated', 'updated', 'deleted'].map((verb) => `webhook.${verb}`),
    );
  });

  it.each([
    ['no type', { eventTypes: [] }],
    ['an unknown type', { eventTypes: ['member.sang'] }],
    ['an unknown area', { eventTypes: ['weather.*'] }],
    ['a type twice', { eventTypes: ['*', '*'] }],
    ['a secret', { secret: 'whsec_mine' }],
    ['headers', { headers: { 'webhook-id': 'mine' } }],
    ['another organization', { organizationId: 'x' }],
    ['a broken description', { description: 'a\nb' }],
    ['no address', { url: 'hooks' }],
    ['a user in the address', { url: 'http://user:pass@127.0.0.1:4000/' }],
    ['a fragment', { url: 'http://127.0.0.1:4000/#a' }],
    ['a file', { url: 'file:///etc/passwd' }],
    ['a port of mail', { url: 'http://127.0.0.1:25/' }],
    ['a port of SSH', { url: 'https://127.0.0.1:22/' }],
    ['a very long address', { url: `http://127.0.0.1:4000/${'a'.repeat(2_048)}` }],
  ])('with %s are refused', async (_, body) => {
    const { body: answer } = await tryMake(platformAt(), body).expect(400);
    expect(answer).toMatchObject({ code: 'validation_failed', errors: [{ field: Object.keys(body)[0] }] });
  });

  it('of a type that is none are told which one, and where types are listed', async () => {
    const { body } = await tryMake(platformAt(), { eventTypes: ['member.*', 'nope.*'] }).expect(400);
    expect(body.errors).toHaveLength(1);
    expect(body.errors[0].message).toMatch(/^There is no event type nope\.\*: .*\/api\/v1\/webhooks\/event-types/);
    const { body: odd } = await tryMake(platformAt(), { eventTypes: [{}] }).expect(400);
    expect(odd.errors[0].message).toMatch(/^Not an event type: /);
  });

  it('are at most 20, also when 50 are made at once', async () => {
    const acme = await newTenant();
    expect(countStatuses(await atOnce(50, () => tryMake(acme)))).toEqual({ 201: 20, 409: 30 });
    expect((await tryMake(acme)).body).toMatchObject({ code: 'webhook_limit_reached' });
    await make(await newTenant());
  });

  it('tell what the trail says, so who makes one has to be allowed to read it', async () => {
    const acme = await newTenant();
    await tenon.db.sql.query(
      `insert into organization_roles (organization_id, key, name, permissions, created_at, updated_at)
       values ($1, 'hooks', 'Hooks', '{webhooks:manage}', now(), now())`,
      [acme.organizationId],
    );
    const limited = { ...acme, admin: await insertMember(tenon, acme.organizationId, 'hooks') };
    await tryMake(limited).expect(403);
    const { id } = await make(acme);
    await tenon.http.patch(`${acme.path}/${id}`).set(limited.admin.auth).send({ url: receiver.url }).expect(403);
    const { body: test } = await post(limited, `/${id}/test`).expect(202);
    expect(await get(limited, `/${id}/deliveries/${test.id}`)).toMatchObject({ type: 'webhook.tested', payload: null });
    expect(await get(acme, `/${id}/deliveries/${test.id}`)).toMatchObject({ payload: { type: 'webhook.tested' } });
    const owner = await insertMember(tenon, acme.organizationId, 'owner');
    const key = await insertApiKey(tenon.db, acme.organizationId, owner, { scopes: ['webhooks:manage'] });
    await tryMake({ ...acme, admin: key }).expect(403);
    await post(limited, `/${id}/rotate-secret`, {}).expect(403);
  });

  it('show their secrets to people, never to API keys, which see to the rest', async () => {
    const acme = await newTenant();
    const { id } = await make(acme);
    const owner = await insertMember(tenon, acme.organizationId, 'owner');
    const byKey = { ...acme, admin: await insertApiKey(tenon.db, acme.organizationId, owner) };
    for (const refused of [await tryMake(byKey), await post(byKey, `/${id}/rotate-secret`, {})]) {
      expect([refused.status, refused.body.detail]).toEqual([403, 'It takes a session: an API key cannot do this']);
      expect(refused.text).not.toContain('whsec_');
    }
    expect((await get<{ data: object[] }>(byKey)).data).toHaveLength(1);
    await post(byKey, `/${id}/test`).expect(202);
    await tenon.http.patch(`${acme.path}/${id}`).set(byKey.admin.auth).send({ description: 'By a key' }).expect(200);
  });

  it('listen to types that are listed, which are all that the trail has', async () => {
    const acme = await newTenant();
    const { body } = await tenon.http.get(`${PLATFORM}/event-types`).set(acme.admin.auth).expect(200);
    expect(body.types).toEqual(EVENT_TYPES);
    expect(body.types).toContain('member.role_changed');
  });
});

describe('P16 deliveries', () => {
  it('carry what was asked for and nothing else, signed, in the words of the organization’s trail', async () => {
    const [acme, rival] = [await newTenant(), await newTenant()];
    const { id, secret } = await make(acme, { eventTypes: ['organization.updated'] });
    await rename(rival);
    await rename(acme, 'Renamed');
    await poll(() => types(secret)).toEqual(['organization.updated']);
    const [request] = receiver.received;
    const event = verified(secret, request!);
    const [entry] = (await entriesOf(tenon.db, 'organization.updated')).slice(-1);
    expect(event).toMatchObject({
      type: 'organization.updated',
      timestamp: (entry!.occurred_at as Date).toISOString(),
      data: {
        id: entry!.id,
        organizationId: acme.organizationId,
        after: { name: 'Renamed' },
        actorRole: 'platform-admin',
      },
    });
    // Who of the platform it was, and from where, is not the organization's to know.
    expect(event.data).toMatchObject({ actorId: null, ip: null, userAgent: null, sessionId: null });
    expect(request!.body).not.toContain(platform.userId);
    expect(request!.headers).toMatchObject({
      'webhook-id': entry!.id,
      'content-type': 'application/json',
      host: `127.0.0.1:${receiver.port}`,
    });
    await poll(() => deliveriesOf(acme, { id })).toMatchObject([
      { id: entry!.id, status: 'delivered', nextAttemptAt: null, attempts: [{ status: 204, error: null }] },
    ]);
    // What was posted is shown, as it was.
    const { payload } = await get<{ payload: object }>(acme, `/${id}/deliveries/${String(entry!.id)}`);
    expect(JSON.stringify(payload)).toBe(request!.body);
  });

  it('of the platform tell of every organization, and of what belongs to none', async () => {
    const acme = await newTenant();
    const { secret } = await make(platformAt(), { eventTypes: ['organization.*', 'session.opened'] });
    await rename(acme);
    await signInAdmin(tenon);
    await poll(() => types(secret).toSorted()).toEqual(['organization.updated', 'session.opened']);
    const told = receiver.received.map((request) => verified(secret, request));
    expect(told.map(({ data }) => data.organizationId).toSorted()).toEqual([acme.organizationId, null].toSorted());
    const renamed = told.find(({ type }) => type === 'organization.updated')!;
    expect(renamed.data).toMatchObject({ actorId: platform.userId, ip: '127.0.0.1' });
  });

  it('case 6: of a change that is rolled back there is none', async () => {
    const acme = await newTenant();
    const { id } = await make(acme, { eventTypes: ['organization.*'] });
    const { sql } = tenon.db;
    await sql.query('begin');
    await sql.query(
      `insert into audit_log (id, occurred_at, organization_id, actor_kind, action, outcome)
       values (uuid_v7(), now(), $1, 'system', 'organization.updated', 'success')`,
      [acme.organizationId],
    );
    await sql.query('rollback');
    const { rows } = await sql.query('select * from webhook_deliveries where endpoint_id = $1', [id]);
    expect(rows).toEqual([]);
  });

  it('of a change of many organizations go to each of them', async () => {
    const tenants = [await newTenant(), await newTenant(), await newTenant()];
    const made = [];
    for (const tenant of tenants) made.push(await make(tenant, { eventTypes: ['organization.updated'] }));
    await tenon.db.sql.query(
      `insert into audit_log (id, occurred_at, organization_id, actor_kind, action, outcome)
       select uuid_v7(), now(), id, 'system', 'organization.updated', 'success' from unnest($1::uuid[]) id`,
      [tenants.map(({ organizationId }) => organizationId)],
    );
    await poll(() => receiver.received.length).toBe(3);
    for (const { secret } of made)
      expect(receiver.received.filter((request) => attempt(() => verified(secret, request)))).toHaveLength(1);
  });

  it('case 4: the application’s login can neither make nor see those of others', async () => {
    const acme = await newTenant();
    const { id } = await make(acme);
    const { sql } = tenon.db;
    await sql.query('begin');
    await sql.query('set local role tenon_app');
    expect((await sql.query('select from webhook_endpoints')).rowCount).toBe(0);
    expect((await sql.query('select from webhook_deliveries')).rowCount).toBe(0);
    await expect(
      sql.query(`insert into webhook_deliveries (endpoint_id, event_id, event_type) values ($1, $1, 'x')`, [id]),
    ).rejects.toThrow('permission denied');
    await sql.query('rollback');
  });

  it('are tried again with the same id and a new signature, until they arrive', async () => {
    const acme = await newTenant();
    const { id, secret } = await make(acme, { eventTypes: ['organization.updated'] });
    receiver.answer = (response) => response.writeHead(500).end('Oh <b>no</b>\0!');
    await rename(acme);
    await poll(() => deliveriesOf(acme, { id })).toMatchObject([
      // What somebody within this network answers is not shown.
      { status: 'pending', attempts: [{ status: 500, error: 'The receiver answered 500', body: null }] },
    ]);
    expect(await get(acme, `/${id}`)).toMatchObject({ failingSince: expect.any(String) });
    receiver.answer = (response) => response.writeHead(200).end();
    await hurry();
    await poll(() => deliveriesOf(acme, { id })).toMatchObject([
      { status: 'delivered', attempts: [{ status: 500 }, { status: 200, error: null }] },
    ]);
    expect(await get(acme, `/${id}`)).toMatchObject({ failingSince: null });
    const [first, second] = receiver.received;
    expect(first!.headers['webhook-id']).toBe(second!.headers['webhook-id']);
    expect(verified(secret, first!)).toEqual(verified(secret, second!));
  });

  it('wait as Standard Webhooks has it, and are given up after the eighth try', async () => {
    const acme = await newTenant();
    const { id } = await make(acme, { eventTypes: ['organization.updated'] });
    receiver.answer = (response) => response.writeHead(503).end();
    await rename(acme);
    const waits: number[] = [];
    for (let tries = 1; tries <= 8; tries += 1) {
      await poll(async () => (await deliveriesOf(acme, { id }))[0]?.attempts.length).toBe(tries);
      const { rows } = await tenon.db.sql.query(
        `select extract(epoch from due_at - now())::int as wait from webhook_deliveries where endpoint_id = $1`,
        [id],
      );
      waits.push(rows[0].wait);
      await hurry();
    }
    const [MINUTE, HOUR] = [60, 3600];
    const expected = [5, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR];
    for (const [at, wait] of expected.entries()) {
      expect(waits[at]).toBeGreaterThanOrEqual(wait * 0.8 - 2);
      expect(waits[at]).toBeLessThanOrEqual(wait * 1.2 + 1);
    }
    expect(waits[7]).toBeNull();
    expect(await deliveriesOf(acme, { id }, '?status=failed')).toHaveLength(1);
    expect(await deliveriesOf(acme, { id }, '?status=pending')).toEqual([]);
    // Not for days yet.
    expect(await get(acme, `/${id}`)).toMatchObject({ enabled: true });
  });

  it('wait as long as the receiver asks for, and so does all else for it', async () => {
    const acme = await newTenant();
    const { id } = await make(acme, { eventTypes: ['organization.updated'] });
    receiver.answer = (response) => response.writeHead(429, { 'retry-after': '3600' }).end();
    await rename(acme);
    await poll(async () => (await deliveriesOf(acme, { id }))[0]?.attempts.length).toBe(1);
    const { rows } = await tenon.db.sql.query(
      `select due_at > now() + interval '59 minutes' as waits, paused_until > now() + interval '59 minutes' as paused
         from webhook_deliveries d join webhook_endpoints e on e.id = d.endpoint_id where e.id = $1`,
      [id],
    );
    expect(rows).toEqual([{ waits: true, paused: true }]);
    await rename(acme);
    await hurry();
    // A look at what is due has passed once another one's event has arrived.
    const other = await newTenant();
    await make(other);
    await poll(() => receiver.received.some(({ body }) => body.includes(other.organizationId))).toBe(true);
    expect(receiver.received.filter(({ body }) => body.includes(acme.organizationId))).toHaveLength(1);
  });

  it('410 Gone switches the webhook off, in the trail and by mail; on again, it sends what it missed', async () => {
    const acme = await newTenant();
    const { id } = await make(acme, { eventTypes: ['organization.updated'] });
    receiver.answer = (response) => response.writeHead(410).end();
    await rename(acme);
    await poll(() => get<WebhookBody>(acme, `/${id}`)).toMatchObject({ enabled: false, disabledReason: 'gone' });
    const entry = (await entriesOf(tenon.db, 'webhook.disabled')).find(({ target_id: target }) => target === id);
    expect(entry).toMatchObject({ organization_id: acme.organizationId, actor_kind: 'system', reason: 'gone' });
    const { text } = await mailTo(tenon, acme.admin.email, 'webhook-disabled');
    expect(text).toContain('410 Gone');
    expect(text).toContain(`Webhook: ${id}`);
    expect(text).toContain(`Receiver: 127.0.0.1:${receiver.port}\n`);
    await rename(acme);
    expect(await deliveriesOf(acme, { id })).toMatchObject([{ status: 'failed', attempts: [{ status: 410 }] }]);
    receiver.answer = (response) => response.writeHead(204).end();
    await post(acme, `/${id}/replay`, {}).expect(409);
    await tenon.http.patch(`${acme.path}/${id}`).set(acme.admin.auth).send({ enabled: true }).expect(200);
    expect((await post(acme, `/${id}/replay`, { since: '2020-01-01' }).expect(202)).body).toEqual({ deliveries: 1 });
    await poll(() => deliveriesOf(acme, { id })).toMatchObject([{ status: 'delivered' }]);
  });

  it('failing for five days switch the webhook off, when one is given up', async () => {
    const { id } = await make(platformAt(), { eventTypes: ['organization.updated'] });
    receiver.answer = (response) => response.writeHead(500).end();
    await rename(await newTenant());
    await poll(async () => (await deliveriesOf(platformAt(), { id }))[0]?.attempts.length).toBe(1);
    await tenon.db.sql.query(`update webhook_endpoints set failing_since = now() - interval '6 days' where id = $1`, [
      id,
    ]);
    await tenon.db.sql.query('update webhook_deliveries set due_at = now(), tries = 7 where endpoint_id = $1', [id]);
    await poll(() => get<WebhookBody>(platformAt(), `/${id}`)).toMatchObject({
      enabled: false,
      disabledReason: 'failing',
    });
    expect((await mailTo(tenon, platform.email, 'webhook-disabled')).text).toContain('five days');
  });

  it('are repeated one by one, 50 times at once as once, and all that failed since a time', async () => {
    const acme = await newTenant();
    const { id, secret } = await make(acme, { eventTypes: ['organization.updated'] });
    await rename(acme);
    await poll(async () => (await deliveriesOf(acme, { id }))[0]?.status).toBe('delivered');
    const [delivery] = await deliveriesOf(acme, { id });
    receiver.answer = (response) => response.writeHead(400).end();
    const answers = await atOnce(50, () => post(acme, `/${id}/deliveries/${delivery!.id}/replay`));
    expect(countStatuses(answers)).toEqual({ 202: 50 });
    await poll(async () => (await deliveriesOf(acme, { id }))[0]?.attempts.length).toBe(2);
    expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id']))).toEqual(new Set([delivery!.id]));
    expect(types(secret)).toHaveLength(2);
    const replays = (await entriesOf(tenon.db, 'webhook.replayed')).filter(({ target_id: target }) => target === id);
    expect(replays).toHaveLength(1);
    expect(replays[0]).toMatchObject({ after: { deliveries: 1, deliveryId: delivery!.id } });

    await tenon.db.sql.query('update webhook_deliveries set due_at = null where endpoint_id = $1', [id]);
    expect((await post(acme, `/${id}/replay`, { since: '2099-01-01' }).expect(202)).body).toEqual({ deliveries: 0 });
    receiver.answer = (response) => response.writeHead(204).end();
    const since = new Date(Date.now() - 60_000).toISOString();
    expect((await post(acme, `/${id}/replay`, { since }).expect(202)).body).toEqual({ deliveries: 1 });
    await poll(async () => (await deliveriesOf(acme, { id }))[0]?.status).toBe('delivered');
    expect((await post(acme, `/${id}/replay`, {}).expect(202)).body).toEqual({ deliveries: 0 });
  });

  it('of a test go to the webhook alone, whatever it listens to', async () => {
    const acme = await newTenant();
    const { id, secret } = await make(acme, { eventTypes: ['domain.lapsed'] });
    await make(acme, { eventTypes: ['domain.lapsed'], url: `${receiver.url}/other` });
    const { body } = await post(acme, `/${id}/test`).expect(202);
    expect(body).toMatchObject({ type: 'webhook.tested', status: 'pending', attempts: [] });
    await poll(() => receiver.received.length).toBe(1);
    expect(verified(secret, receiver.received[0]!)).toMatchObject({ type: 'webhook.tested', data: { id: body.id } });
    expect(receiver.received[0]!.path).toBe('/');
  });

  it('are signed with both secrets while the old one lives, and never with a third', async () => {
    const acme = await newTenant();
    const first = await make(acme, { eventTypes: ['domain.lapsed'] });
    const rotate = async (body: object = {}): Promise<string> =>
      ((await post(acme, `/${first.id}/rotate-secret`, body).expect(200)).body as WebhookBody).secret;
    const send = async () => {
      receiver.received.length = 0;
      await post(acme, `/${first.id}/test`).expect(202);
      await poll(() => receiver.received.length).toBe(1);
      return receiver.received[0]!;
    };
    const second = await rotate();
    expect(await get(acme, `/${first.id}`)).toMatchObject({ previousSecretExpiresAt: expect.any(String) });
    const both = await send();
    expect(verified(first.secret, both)).toEqual(verified(second, both));
    const third = await rotate({ overlapSeconds: 3600 });
    const newer = await send();
    expect(verified(second, newer)).toEqual(verified(third, newer));
    expect(() => verified(first.secret, newer)).toThrow('No matching signature');
    await tenon.db.sql.query(`update webhook_endpoints set previous_secret_expires_at = now() where id = $1`, [
      first.id,
    ]);
    const later = await send();
    expect(later.headers['webhook-signature']).not.toContain(' ');
    expect(() => verified(second, later)).toThrow('No matching signature');
    const fourth = await rotate({ overlapSeconds: 0 });
    const last = await send();
    expect(last.headers['webhook-signature']).not.toContain(' ');
    expect(verified(fourth, last)).toMatchObject({ type: 'webhook.tested' });
    expect(await entriesOf(tenon.db, 'webhook.secret_rotated')).toHaveLength(3);
  });

  it('of one receiver that never answers do not hold those of another', async () => {
    const [slow, quick] = [await newTenant(), await newTenant()];
    const held: (() => void)[] = [];
    receiver.answer = (response, { path }) => {
      if (path === '/slow') held.push(() => response.writeHead(204).end());
      else response.writeHead(204).end();
    };
    await make(slow, { url: `${receiver.url}/slow` });
    await make(quick, { url: `${receiver.url}/quick`, eventTypes: ['organization.updated'] });
    await atOnce(30, () => rename(slow));
    await poll(() => held.length).toBeGreaterThan(0);
    await atOnce(30, () => rename(quick));
    await poll(() => receiver.received.filter(({ path }) => path === '/quick').length).toBe(30);
    // Never more than a batch at once for one receiver.
    expect(held.length).toBeLessThanOrEqual(10);
    for (const answer of held) answer();
  });

  it('are paged, the newest first', async () => {
    const acme = await newTenant();
    const { id } = await make(acme, { eventTypes: ['domain.lapsed'] });
    for (let index = 0; index < 3; index += 1) await post(acme, `/${id}/test`).expect(202);
    const first = await get<{ data: DeliveryBody[]; meta: { nextCursor: string } }>(acme, `/${id}/deliveries?limit=2`);
    const rest = await get<{ data: DeliveryBody[] }>(acme, `/${id}/deliveries?limit=2&cursor=${first.meta.nextCursor}`);
    const ids = [...first.data, ...rest.data].map((delivery) => delivery.id);
    expect(ids).toHaveLength(3);
    expect(ids).toEqual(ids.toSorted().toReversed());
    for (const query of ['?status=lost', '?cursor=x', '?limit=0', "?status=failed'%20or%201=1"])
      await tenon.http.get(`${acme.path}/${id}/deliveries${query}`).set(acme.admin.auth).expect(400);
  });
});

describe('P16 the keys of secrets', () => {
  it('secrets move to the key that encrypts, and stay what they are; what is over is forgotten', async () => {
    const acme = await newTenant();
    const first = await make(acme, { eventTypes: ['domain.lapsed'] });
    const second = (await post(acme, `/${first.id}/rotate-secret`, {}).expect(200)).body as WebhookBody;
    const em = tenon.app.get(EntityManager);
    const [older] = TEST_KEYS;
    const newer = { id: 'newer', key: Buffer.alloc(32, 9) };
    const sealed = async () => {
      const { rows } = await tenon.db.sql.query(
        `select split_part(secret, '.', 2) as key, split_part(previous_secret, '.', 2) as previous from webhook_endpoints`,
      );
      return rows;
    };
    expect(await resealSecrets(em, new SecretBox(TEST_KEYS))).toBe(0);
    expect(await resealSecrets(em, new SecretBox([newer, older!]))).toBe(1);
    expect(await sealed()).toEqual([{ key: 'newer', previous: 'newer' }]);
    expect(await resealSecrets(em, new SecretBox([older!, newer]))).toBe(1);
    await post(acme, `/${first.id}/test`).expect(202);
    await poll(() => receiver.received.length).toBe(1);
    for (const { secret } of [first, second]) verified(secret, receiver.received[0]!);
    await tenon.db.sql.query('update webhook_endpoints set previous_secret_expires_at = now()');
    expect(await resealSecrets(em, new SecretBox(TEST_KEYS))).toBe(0);
    expect(await sealed()).toEqual([{ key: 'test', previous: null }]);
  });
});

it('P16 a server that lacks a key of a secret does not start, and says which', async () => {
  const { id } = await make(await newTenant());
  const gone = new SecretBox([{ id: 'gone', key: Buffer.alloc(32, 8) }]);
  const seal = async (column: string) =>
    tenon.db.sql.query(
      `update webhook_endpoints set ${column} = $2, previous_secret_expires_at = now() + interval '1 hour'
                         where id = $1`,
      [id, gone.encrypt('whsec_', sealOfSecret(id))],
    );
  const started = async (): Promise<void> => {
    const instance = await startApp({ db: tenon.db, ready: false });
    const failed = (step: string, cause: unknown): never => {
      throw new Error(step, { cause });
    };
    await instance.app
      .get(Readiness)
      .startUp(failed, sleep)
      .finally(() => instance.close());
  };
  await seal('previous_secret');
  await expect(started()).rejects.toThrow(
    'A secret of a webhook does not open: No secret key with the id "gone"; SECRET_KEYS has to keep it while it is in use',
  );
  // Over, and forgotten by the next night: nothing is signed with it any more.
  await tenon.db.sql.query('update webhook_endpoints set previous_secret_expires_at = now()');
  await started();
  await seal('secret');
  await expect(started()).rejects.toThrow('"gone"');
});

describe('P16 the history of deliveries', () => {
  it('leaves by month, 30 days after its end', async () => {
    const { sql } = tenon.db;
    const month = async (age: string): Promise<string> => {
      const { rows } = await sql.query(
        `select to_char(m, 'YYYYMM') as name, uuid_v7_floor(m) as first, uuid_v7_floor(m + interval '1 month') as after
           from (select date_trunc('month', now() at time zone 'UTC') - $1::interval as m) t`,
        [age],
      );
      const name = `webhook_deliveries_p${rows[0].name}`;
      await sql.query(
        `create table if not exists ${name} partition of webhook_deliveries for values from ('${rows[0].first}') to ('${rows[0].after}')`,
      );
      return name;
    };
    const [old, older] = [await month('3 months'), await month('13 months')];
    const kept = await month('1 month');
    expect(await rollDeliveryPartitions(tenon.app.get(EntityManager))).toEqual({ made: 0, dropped: 2 });
    const { rows } = await sql.query(
      `select inhrelid::regclass::text as name from pg_inherits where inhparent = 'webhook_deliveries'::regclass`,
    );
    const names = rows.map(({ name }) => String(name));
    expect(names).toContain(kept);
    expect(names).not.toContain(old);
    expect(names).not.toContain(older);
    expect(names).toHaveLength(6);
  });
});

function attempt(work: () => unknown): boolean {
  try {
    work();
    return true;
  } catch {
    return false;
  }
}
