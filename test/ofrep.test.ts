import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { VERSION } from '../src/kernel/version.js';
import { entriesOf } from './harness/accounts.js';
import { insertApiKey, insertServiceAccount, type KeyOwner } from './harness/api-keys.js';
import { startApp, type TestApp } from './harness/app.js';
import { insertFeatures, insertOverride, newFeatureKey } from './harness/features.js';
import { askFlags, type FlagsAnswer } from './harness/flags.js';
import { insertMember, insertOrganization } from './harness/organizations.js';

const COUNTRY = { attribute: 'country', operator: 'in', values: ['de'] } as const;

let tenon: TestApp;
let organizationId: string;
let owner: KeyOwner;
let auth: { authorization: string };

beforeAll(async () => {
  tenon = await startApp();
});
beforeEach(async () => {
  ({ organizationId } = await insertOrganization(tenon.db));
  owner = await insertServiceAccount(tenon.db, organizationId);
  ({ auth } = await insertApiKey(tenon.db, organizationId, owner));
});
afterAll(() => tenon.close());

const ask = (key: string, context?: unknown): Promise<FlagsAnswer> => askFlags(tenon, auth, { key, context });
const configured = (configuration: object): object => ({ configurations: { production: configuration } });

describe('F8 one flag says its value, and why in the words of OpenFeature', () => {
  it('STATIC: nothing is asked', async () => {
    const [key] = await insertFeatures(tenon, { type: 'json', defaultValue: { rows: [1, 2] } });
    const { status, body, headers } = await ask(key!);
    expect({ status, body }).toEqual({
      status: 200,
      body: { key, value: { rows: [1, 2] }, reason: 'STATIC', metadata: { reason: 'default' } },
    });
    expect(headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(headers.get('cache-control')).toBe('no-store');
  });

  it('TARGETING_MATCH and DEFAULT: a rule gives it, or passes by', async () => {
    const [key] = await insertFeatures(
      tenon,
      configured({ rules: [{ name: 'Germans', when: [COUNTRY], value: true }] }),
    );
    expect((await ask(key!, { country: 'de' })).body).toEqual({
      key,
      value: true,
      reason: 'TARGETING_MATCH',
      metadata: { reason: 'rule', rule: 'Germans' },
    });
    expect((await ask(key!, { country: 'fr' })).body).toMatchObject({ value: false, reason: 'DEFAULT' });
  });

  it('SPLIT, with its variant: a roll-out gives it', async () => {
    const [key] = await insertFeatures(tenon, {
      type: 'string',
      defaultValue: 'none',
      variants: [{ key: 'blue', value: '#00f' }],
      ...configured({ rollout: { by: 'targetingKey', percentage: 100 } }),
    });
    expect((await ask(key!, { targetingKey: 'ada' })).body).toEqual({
      key,
      value: '#00f',
      reason: 'SPLIT',
      variant: 'blue',
      metadata: { reason: 'rollout', by: 'targetingKey', percentage: 100 },
    });
  });

  it('DISABLED: switched off, kept out by its plan, its parent or a conflict', async () => {
    const [off, planned, child, one, other] = [1, 2, 3, 4, 5].map(() => newFeatureKey()) as [
      string,
      string,
      string,
      string,
      string,
    ];
    await insertFeatures(
      tenon,
      { key: off, defaultValue: true, ...configured({ enabled: false }) },
      { key: planned, defaultValue: true, plans: { standard: false } },
      { key: child, defaultValue: true, dependencies: [off] },
      { key: one, defaultValue: true, conflicts: [other] },
      { key: other, defaultValue: true },
    );
    const expected: [string, object][] = [
      [off, { reason: 'kill_switch', environment: 'production' }],
      [planned, { reason: 'entitlement', plan: 'standard' }],
      [child, { reason: 'dependency', parent: off, parentReason: 'kill_switch' }],
      [one, { reason: 'conflict', with: other }],
    ];
    for (const [key, metadata] of expected)
      expect((await ask(key)).body).toEqual({ key, value: false, reason: 'DISABLED', metadata });
  });

  it('an override is told without the words of who gave it', async () => {
    const [key] = await insertFeatures(tenon, {});
    await insertOverride(tenon, organizationId, key!, true);
    const { body } = await ask(key!);
    expect(body).toMatchObject({
      value: true,
      reason: 'TARGETING_MATCH',
      metadata: { reason: 'override', scope: 'everywhere' },
    });
    expect(JSON.stringify(body)).not.toContain('For a test');
  });
});

describe('F8 what is wrong has a key and a code', () => {
  it.each([
    ['unknown', {}],
    ['draft', { lifecycle: 'draft' }],
    ['archived', { lifecycle: 'archived' }],
  ] as const)('a flag that is %s is FLAG_NOT_FOUND', async (name, facts) => {
    const key = newFeatureKey(name);
    if (name !== 'unknown') await insertFeatures(tenon, { key, ...facts });
    const { status, body } = await ask(key);
    expect({ status, body }).toMatchObject({
      status: 404,
      body: { key, errorCode: 'FLAG_NOT_FOUND', errorDetails: expect.any(String) },
    });
    expect((await askFlags(tenon, auth)).body.flags.map((flag: { key: string }) => flag.key)).not.toContain(key);
  });

  it.each([
    'A',
    'a b',
    '-a',
    '__proto__',
    'constructor',
    'toString',
    'a'.repeat(101),
    'a'.repeat(2_000),
    "a' or 1=1 --",
    'ä',
  ])('the key %s is FLAG_NOT_FOUND', async (key) => {
    const { status, body } = await ask(encodeURIComponent(key));
    expect({ status, body }).toMatchObject({ status: 404, body: { key, errorCode: 'FLAG_NOT_FOUND' } });
  });

  it('a roll-out without the targeting key is TARGETING_KEY_MISSING, among others an entry', async () => {
    const [key] = await insertFeatures(tenon, configured({ rollout: { by: 'targetingKey', percentage: 50 } }));
    const { status, body } = await ask(key!, { country: 'de' });
    expect({ status, body }).toMatchObject({ status: 400, body: { key, errorCode: 'TARGETING_KEY_MISSING' } });
    const bulk = await askFlags(tenon, auth);
    expect(bulk.status).toBe(200);
    expect(bulk.body.flags).toContainEqual(body);
  });

  it.each([['a text'], [[]], [null], [7], [{ targetingKey: 7 }], [{ name: 'a'.repeat(3_000) }]])(
    'the context %j is INVALID_CONTEXT',
    async (context) => {
      const [key] = await insertFeatures(tenon, {});
      expect(await ask(key!, context)).toMatchObject({ status: 400, body: { key, errorCode: 'INVALID_CONTEXT' } });
      expect(await askFlags(tenon, auth, { context })).toMatchObject({
        status: 400,
        body: { errorCode: 'INVALID_CONTEXT' },
      });
    },
  );

  it('without a body and with what another version of the protocol might send, the context is empty', async () => {
    const [key] = await insertFeatures(tenon, { defaultValue: true });
    const path = `/ofrep/v1/evaluate/flags/${key}`;
    for (const body of [undefined, {}, { context: {}, organizationId: 'x', tracking: true }])
      expect((await tenon.http.post(path).set(auth).send(body).expect(200)).body.value).toBe(true);
  });
});

describe('F8 who asks', () => {
  const refusal = async (headers: Record<string, string>): Promise<string> => {
    const { status, body, headers: answered } = await askFlags(tenon, headers);
    expect(answered.get('content-type')).toBe('application/problem+json; charset=utf-8');
    expect(answered.get('x-request-id')).toBe(body.requestId);
    return `${status} ${body.code}`;
  };

  it('an API key, in either header; nothing else', async () => {
    const { key } = await insertApiKey(tenon.db, organizationId, owner);
    const member = await insertMember(tenon, organizationId, 'owner');
    const ways: Record<string, string>[] = [{ authorization: `Bearer ${key}` }, { 'x-api-key': key }];
    for (const headers of ways) expect((await askFlags(tenon, headers)).status).toBe(200);
    expect(await refusal({})).toBe('401 authentication_required');
    expect(await refusal(member.auth)).toBe('401 token_invalid');
    const flipped = key.slice(0, -1) + (key.endsWith('x') ? 'y' : 'x');
    expect(await refusal({ 'x-api-key': flipped })).toBe('401 token_invalid');
    expect(await refusal({ 'x-api-key': key, ...auth })).toBe('401 token_invalid');
  });

  it('a key without the scope is refused, and that stands in the trail', async () => {
    const { id, auth: without } = await insertApiKey(tenon.db, organizationId, owner, { scopes: ['features:read'] });
    expect(await refusal(without)).toBe('403 permission_denied');
    const denied = await entriesOf(tenon.db, 'permission.denied');
    expect(denied.find(({ api_key_id }) => api_key_id === id)).toMatchObject({ organization_id: organizationId });
  });

  it('a key that was revoked, has expired, or whose organization is not active', async () => {
    const { id, auth: short } = await insertApiKey(tenon.db, organizationId, owner);
    expect((await askFlags(tenon, short)).status).toBe(200);
    const person = await insertMember(tenon, organizationId, 'owner');
    await tenon.http.delete(`/api/v1/organizations/${organizationId}/api-keys/${id}`).set(person.auth).expect(204);
    expect(await refusal(short)).toBe('401 token_invalid');
    const { auth: past } = await insertApiKey(tenon.db, organizationId, owner, {
      expiresAt: new Date(Date.now() - 1_000),
    });
    expect(await refusal(past)).toBe('401 token_invalid');
    await tenon.http.post(`/api/v1/organizations/${organizationId}/deactivate`).set(person.auth).expect(200);
    expect(await refusal(auth)).toBe('403 organization_inactive');
  });

  it('case 2: a key shows its own organization and environment alone', async () => {
    const [key] = await insertFeatures(tenon, {
      configurations: { staging: { enabled: true, rules: [{ name: 'all', when: [], value: true }] } },
    });
    const other = await insertOrganization(tenon.db);
    const otherOwner = await insertServiceAccount(tenon.db, other.organizationId);
    const theirs = await insertApiKey(tenon.db, other.organizationId, otherOwner);
    const staging = await insertApiKey(tenon.db, organizationId, owner, { environment: 'staging' });
    const valueFor = async (headers: Record<string, string>): Promise<unknown> =>
      (await askFlags(tenon, headers, { key: key!, context: { environment: 'staging', organizationId } })).body.value;
    expect(await valueFor(auth)).toBe(false);
    expect(await valueFor(staging.auth)).toBe(true);
    await insertOverride(tenon, organizationId, key!, true, { environment: 'production' });
    const mine = await insertFeatures(tenon, {});
    expect(mine).toHaveLength(1);
    expect(await valueFor(theirs.auth)).toBe(false);
  });
});

describe('F8 case 36: entity tags', () => {
  const tagOf = async (headers: Record<string, string>, context: unknown = {}): Promise<string> =>
    (await askFlags(tenon, headers, { context })).etag!;

  it('the same state is not modified, whatever the order of the context', async () => {
    const { etag, headers } = await askFlags(tenon, auth, { context: { a: 1, b: { c: [1, 'x'], d: null } } });
    expect(etag).toMatch(/^"[\w-]{43}"$/);
    expect(headers.get('cache-control')).toBe('private, no-cache');
    for (const tags of [etag!, `W/${etag}`, `"other", W/"x,y", ${etag}`, '*', ` * `]) {
      const again = await askFlags(tenon, auth, {
        context: { b: { d: null, c: [1, 'x'] }, a: 1.0 },
        'if-none-match': tags,
      });
      expect(again, tags).toMatchObject({ status: 304, body: null, etag });
    }
    for (const tags of ['"other"', etag!.replaceAll('"', ''), etag!.slice(0, -1), 'W/*', ''])
      expect(
        (await askFlags(tenon, auth, { context: { a: 1, b: { c: [1, 'x'], d: null } }, 'if-none-match': tags })).status,
        tags,
      ).toBe(200);
  });

  it('another context is modified, however alike', async () => {
    const contexts = [
      {},
      { a: 1 },
      { a: '1' },
      { a: true },
      { a: null },
      { a: [1] },
      { a: [[1]] },
      { a: { 0: 1 } },
      { b: 1 },
      { a: 'null' },
    ];
    const tags = await Promise.all(contexts.map((context) => tagOf(auth, context)));
    expect(new Set(tags).size).toBe(contexts.length);
  });

  it('another plan, override or configuration is modified; another organization and key has tags of its own', async () => {
    const seen = new Set([await tagOf(auth)]);
    const isNew = async (headers = auth): Promise<void> => {
      const tag = await tagOf(headers);
      expect(seen).not.toContain(tag);
      seen.add(tag);
    };
    const [key] = await insertFeatures(tenon, {});
    await isNew();
    const owns = await insertMember(tenon, organizationId, 'admin');
    const override = `/api/v1/organizations/${organizationId}/features/${key}`;
    await tenon.http.put(override).set(owns.auth).send({ value: true, reason: 'A trial' }).expect(200);
    await isNew();
    await tenon.db.sql.query(
      `insert into plans (key, name, created_at, updated_at) values ('gold', 'Gold', now(), now())`,
    );
    await tenon.db.sql.query(`update organizations set plan_key = 'gold' where id = $1`, [organizationId]);
    await tenon.db.sql.query(`select pg_notify('tenon_changes', $1)`, [
      JSON.stringify({ topic: 'organizations', keys: [organizationId] }),
    ]);
    await expect.poll(async () => seen.has(await tagOf(auth))).toBe(false);
    const other = await insertOrganization(tenon.db);
    const stranger = await insertServiceAccount(tenon.db, other.organizationId);
    await isNew((await insertApiKey(tenon.db, other.organizationId, stranger)).auth);
    await isNew((await insertApiKey(tenon.db, organizationId, owner)).auth);
    expect(VERSION).toBeTruthy();
  });

  it('keys that send the same bytes in turn get their own answers and tags, and broken bytes are refused each time', async () => {
    const [key] = await insertFeatures(tenon, {});
    await insertOverride(tenon, organizationId, key!, true);
    const other = await insertOrganization(tenon.db);
    const stranger = await insertServiceAccount(tenon.db, other.organizationId);
    const theirs = (await insertApiKey(tenon.db, other.organizationId, stranger)).auth;
    const context = { targetingKey: 'ada', turn: newFeatureKey() };
    const tags: (string | null)[] = [];
    for (let turn = 0; turn < 6; turn += 1) {
      const mine = turn % 2 === 0;
      const { etag, body } = await askFlags(tenon, mine ? auth : theirs, { context });
      expect(body.flags.find((flag: { key: string }) => flag.key === key).value).toBe(mine);
      tags.push(etag);
    }
    expect(new Set(tags).size).toBe(2);
    expect(tags.slice(2)).toEqual([...tags.slice(0, 2), ...tags.slice(0, 2)]);
    for (let turn = 0; turn < 3; turn += 1) {
      const refused = await fetch(`${tenon.url}/ofrep/v1/evaluate/flags`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...auth },
        body: '{"context":{"a":1,"a":2}}',
      });
      expect(refused.status).toBe(400);
    }
  });

  it('the same state is the same answer, byte by byte, until something is another', async () => {
    const [key] = await insertFeatures(tenon, {});
    const all = async (): Promise<{ etag: string | null; body: unknown }> => {
      const { etag, body } = await askFlags(tenon, auth, { context: { a: 1 } });
      return { etag, body };
    };
    const first = await all();
    for (let again = 0; again < 3; again += 1) expect(await all()).toEqual(first);
    const owns = await insertMember(tenon, organizationId, 'admin');
    const override = `/api/v1/organizations/${organizationId}/features/${key}`;
    const valueOf = async (): Promise<unknown> =>
      ((await all()).body as { flags: { key: string; value: unknown }[] }).flags.find((flag) => flag.key === key)
        ?.value;
    for (const value of [true, false, true]) {
      await tenon.http.put(override).set(owns.auth).send({ value, reason: 'A trial' }).expect(200);
      for (let again = 0; again < 3; again += 1) expect(await valueOf()).toBe(value);
    }
  });

  it('an override that ends and a condition on time that turns make another tag', async () => {
    const soon = new Date(Date.now() + 700);
    const [timed, given] = await insertFeatures(
      tenon,
      configured({
        rules: [
          {
            name: 'later',
            when: [{ attribute: 'currentTime', operator: 'after', values: [soon.toISOString()] }],
            value: true,
          },
        ],
      }),
      {},
    );
    await insertOverride(tenon, organizationId, given!, true, { expiresAt: soon });
    const values = async (): Promise<unknown[]> => {
      const { body } = await askFlags(tenon, auth);
      return [timed, given].map((key) => body.flags.find((flag: { key: string }) => flag.key === key).value);
    };
    const before = await tagOf(auth);
    expect(await values()).toEqual([false, true]);
    await expect.poll(values).toEqual([true, false]);
    expect(await tagOf(auth)).not.toBe(before);
    expect(await askFlags(tenon, auth, { 'if-none-match': before })).toMatchObject({ status: 200 });
  });
});
