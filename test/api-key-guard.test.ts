import { Controller, Get, Post } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newApiKey } from '../src/auth/api-keys/key-format.js';
import type { Actor } from '../src/kernel/actor.js';
import { AuthorizeKey, CurrentActor, PublicOrSession } from '../src/kernel/authorize.js';
import { newId } from '../src/kernel/ids.js';
import { entriesOf, openSession, recordStatements } from './harness/accounts.js';
import { insertApiKey, insertServiceAccount } from './harness/api-keys.js';
import { startApp, type TestApp } from './harness/app.js';
import { insertMember, insertOrganization, type Member } from './harness/organizations.js';
import { operations } from './harness/openapi-operations.js';

@Controller('probe')
class ProbeController {
  @Get()
  @AuthorizeKey('features:evaluate')
  who(@CurrentActor() actor: Actor): object {
    return { ...actor, permissions: [...actor.permissions] };
  }

  @Post('open')
  @PublicOrSession()
  open(): void {}
}

let tenon: TestApp;
let organizationId: string;
let path: string;
let owner: Member;
let key: Awaited<ReturnType<typeof insertApiKey>>;
beforeAll(async () => {
  tenon = await startApp({ controllers: [ProbeController] });
  ({ organizationId, path } = await insertOrganization(tenon.db));
  owner = await insertMember(tenon, organizationId, 'owner');
  key = await insertApiKey(tenon.db, organizationId, owner);
});
afterAll(() => tenon.close());

type Header = Record<string, string>;
const get = (headers: Header, at = `${path}/members`) => tenon.http.get(at).set(headers);
async function answerOf(headers: Header, at?: string): Promise<string> {
  const { status, body } = await get(headers, at);
  return status < 400 ? `${status}` : `${status} ${body.code}`;
}

describe('A18 an API key is shown', () => {
  it('as a bearer token or as X-API-Key, and opens what its scopes and its owner permit', async () => {
    expect(await answerOf(key.auth)).toBe('200');
    expect(await answerOf({ 'x-api-key': key.key })).toBe('200');
    const { body } = await get(key.auth, path).expect(200);
    expect(body.id).toBe(organizationId);
  });

  it('never beside another credential, which might be somebody else’s', async () => {
    for (const authorization of [owner.auth.authorization, key.auth.authorization, 'Basic eDp5']) {
      const { status, body, headers } = await get({ authorization, 'x-api-key': key.key });
      expect([status, body.code]).toEqual([401, 'token_invalid']);
      expect(body.detail).toContain('do not go together');
      expect(headers['www-authenticate']).toBe('Bearer error="invalid_token"');
    }
  });

  it('case 7: what is no key is 401, whatever it is', async () => {
    const wrong = [
      newApiKey(),
      key.key.slice(0, -1),
      `${key.key}x`,
      key.key.toLowerCase(),
      'tnn_',
      'x',
      owner.accessToken,
      `${key.key}, ${key.key}`,
      ' ',
    ];
    for (const text of wrong) expect(await answerOf({ 'x-api-key': text }), text).toBe('401 token_invalid');
    for (const text of wrong.filter((one) => one !== owner.accessToken))
      expect(await answerOf({ authorization: `Bearer ${text}` }), text).toBe('401 token_invalid');
    expect(await answerOf({ authorization: `Basic ${key.key}` })).toBe('401 token_invalid');
  });

  it('a mistyped or invented key is refused without a statement, one that could be with one question', async () => {
    const { key: text } = key;
    const typo = text.slice(0, 20) + (text[20] === 'a' ? 'b' : 'a') + text.slice(21);
    await answerOf(key.auth);
    const statements = recordStatements(tenon);
    try {
      for (const wrong of [typo, `tnn_${'a'.repeat(42)}`, `tnn_${'a'.repeat(5_000)}`])
        expect(await answerOf({ authorization: `Bearer ${wrong}` })).toBe('401 token_invalid');
      expect(statements.take().flat()).toEqual([]);
      await answerOf({ authorization: `Bearer ${newApiKey()}` });
      expect(
        statements
          .take()
          .flat()
          .filter((one) => one.includes('from api_keys')),
      ).toHaveLength(1);
      // A known one is believed from memory.
      expect(await answerOf(key.auth, '/probe')).toBe('200');
      expect(statements.take().flat()).toEqual([]);
    } finally {
      statements.stop();
    }
  });
});

describe('A18 what a key opens', () => {
  it('case 2: another organization is not found, and the attempt stands in the trail of its own', async () => {
    const other = await insertOrganization(tenon.db);
    expect(await answerOf(key.auth, `${other.path}/members`)).toBe('404 not_found');
    expect(await answerOf(key.auth, `/api/v1/organizations/${newId()}/members`)).toBe('404 not_found');
    expect(await answerOf(key.auth, `/api/v1/organizations/x/members`)).toBe('404 not_found');
    expect(await answerOf(key.auth, `${path.replace(organizationId, organizationId.toUpperCase())}/members`)).toBe(
      '200',
    );
    const denied = await entriesOf(tenon.db, 'permission.denied');
    expect(denied.find(({ target_id }) => target_id === other.organizationId)).toMatchObject({
      organization_id: organizationId,
      api_key_id: key.id,
    });
  });

  it.each(operations().filter(({ requirement }) => requirement !== undefined))(
    '$name: nothing but a scope, within its organization',
    async ({ method, path: route, requirement, takesKeys, body }) => {
      const ofTenant = route.includes('{organizationId}') || route.startsWith('/ofrep/');
      const scoped = ofTenant && takesKeys;
      const at = route.replace('{organizationId}', organizationId).replaceAll(/\{\w+\}/g, newId());
      const none = await insertApiKey(tenon.db, organizationId, owner, { scopes: [] });
      for (const [auth, all] of [
        [key.auth, true],
        [none.auth, false],
      ] as const) {
        if (all && scoped) continue;
        const answer = await fetch(`${tenon.url}${at}`, {
          method,
          headers: { ...auth, ...(body && { 'content-type': 'application/json' }) },
          body: body && JSON.stringify(body),
        });
        const refusal = (await answer.json()) as { code: string; detail: string };
        expect([answer.status, refusal.code]).toEqual([403, 'permission_denied']);
        expect(refusal.detail).toBe(
          scoped ? `It takes the permission ${requirement}` : 'It takes a session: an API key cannot do this',
        );
      }
    },
  );

  it('a route for keys alone: the actor is in the organization of the key, and no session will do', async () => {
    const { body } = await get(key.auth, '/probe').expect(200);
    expect(body).toMatchObject({
      kind: 'user',
      userId: owner.userId,
      organizationId,
      role: 'api-key',
      platformRole: null,
      sessionId: null,
      apiKey: { id: key.id, environment: 'production' },
    });
    const account = await insertServiceAccount(tenon.db, organizationId, { role: 'viewer' });
    const its = await insertApiKey(tenon.db, organizationId, account, { environment: 'staging' });
    const { body: second } = await get(its.auth, '/probe').expect(200);
    expect(second).toMatchObject({
      kind: 'service_account',
      userId: null,
      serviceAccountId: account.serviceAccountId,
      apiKey: { environment: 'staging' },
    });
    expect(second.permissions).not.toContain('features:override');
    const blind = await insertApiKey(tenon.db, organizationId, owner, { scopes: ['features:read'] });
    expect(await answerOf(blind.auth, '/probe')).toBe('403 permission_denied');
    const session = await get(owner.auth, '/probe');
    expect([session.status, session.body.detail]).toEqual([403, 'It takes an API key: a session cannot do this']);
    expect(await answerOf({}, '/probe')).toBe('401 authentication_required');
  });

  it('a public route that knows sessions is for those', async () => {
    const post = (headers: Header) => tenon.http.post('/probe/open').set(headers);
    await post({}).expect(201);
    await post((await openSession(tenon, owner.userId)).auth).expect(201);
    await post(key.auth).expect(403);
    await post({ 'x-api-key': key.key }).expect(403);
    await post({ 'x-api-key': newApiKey() }).expect(401);
  });
});
