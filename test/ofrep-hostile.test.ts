import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { insertApiKey, insertServiceAccount } from './harness/api-keys.js';
import { startApp, type TestApp } from './harness/app.js';
import { insertFeatures } from './harness/features.js';
import { insertOrganization } from './harness/organizations.js';

let tenon: TestApp;
let auth: { authorization: string };
let flag: string;
beforeAll(async () => {
  tenon = await startApp();
  const { organizationId } = await insertOrganization(tenon.db);
  const account = await insertServiceAccount(tenon.db, organizationId);
  ({ auth } = await insertApiKey(tenon.db, organizationId, account, { scopes: ['features:evaluate'] }));
  [flag] = (await insertFeatures(tenon, {
    configurations: {
      production: { rules: [{ name: 'x', when: [{ attribute: 'a', operator: 'in', values: ['b'] }], value: true }] },
    },
  })) as [string];
});
afterAll(() => tenon.close());

const ROUTES = ['one', 'all'] as const;
const pathOf = (route: (typeof ROUTES)[number]): string =>
  `/ofrep/v1/evaluate/flags${route === 'one' ? `/${flag}` : ''}`;

async function send(
  path: string,
  body: string | Buffer,
  { method = 'POST', ...headers }: Record<string, string> = {},
): Promise<{ status: number; text: string; headers: Headers }> {
  const answer = await fetch(`${tenon.url}${path}`, {
    method,
    redirect: 'manual',
    headers: { 'content-type': 'application/json', ...auth, ...headers },
    body: method === 'HEAD' || method === 'GET' ? undefined : new Uint8Array(Buffer.from(body)),
  });
  return { status: answer.status, text: await answer.text(), headers: answer.headers };
}

describe.each(ROUTES)('F8 case 7: hostile bodies, asking for %s', (route) => {
  it.each([
    ['no JSON', '{"context":'],
    ['a key twice', '{"context":{"a":1,"a":2}}'],
    ['a key that reaches a prototype', '{"context":{"__proto__":{"a":"b"}}}'],
    ['another one', '{"context":{"constructor":{"prototype":{}}}}'],
    ['NUL', '{"context":{"a":"\\u0000"}}'],
    ['a lone surrogate', '{"context":{"a":"\\ud800"}}'],
    ['10⁵ levels', `{"context":${'['.repeat(100_000)}${']'.repeat(100_000)}}`],
    ['null', 'null'],
    ['a list', '[]'],
    ['a text', '"context"'],
  ])('%s is PARSE_ERROR', async (_, body) => {
    const { status, text } = await send(pathOf(route), body);
    expect([status, JSON.parse(text).errorCode]).toEqual([400, 'PARSE_ERROR']);
    if (route === 'one') expect(JSON.parse(text).key).toBe(flag);
  });

  it('what is too large, compressed or of another type is refused before it is read', async () => {
    expect((await send(pathOf(route), Buffer.alloc(2 ** 20 + 1, ' '))).status).toBe(413);
    expect((await send(pathOf(route), gzipSync('{}'), { 'content-encoding': 'gzip' })).status).toBe(415);
    expect((await send(pathOf(route), '{}', { 'content-type': 'text/plain' })).status).toBe(415);
  });

  it('a context of any sort is answered, and believed in nothing that we say ourselves', async () => {
    for (const context of [
      { a: ['b'], nested: { a: 'b' }, toString: 'b', n: 1e300 },
      { organizationId: 'x', plan: 'enterprise', environment: 'staging' },
    ])
      expect((await send(pathOf(route), JSON.stringify({ context }))).status).toBe(200);
  });
});

describe('F8 case 7: where nothing is, and before pages of other origins', () => {
  it.each([
    ['POST', '/ofrep/v1/nope'],
    ['PUT', '/ofrep/v1/evaluate/flags'],
    ['OPTIONS', '/ofrep/v1/evaluate/flags'],
  ])('%s %s is 404 whatever its body is, which nobody reads', async (method, path) => {
    const bodies: (string | Buffer)[] = ['{"context":', '{"context":[]}', '[]', Buffer.alloc(2 ** 20 + 1, ' ')];
    for (const body of bodies) {
      const { status, text, headers } = await send(path, body, { method, authorization: '' });
      expect([status, JSON.parse(text).code]).toEqual([404, 'not_found']);
      expect(headers.get('content-type')).toContain('application/problem+json');
      expect(headers.get('x-request-id')).toBeTruthy();
    }
    const packed = await send(path, gzipSync('{}'), { method, 'content-encoding': 'gzip' });
    expect([packed.status, JSON.parse(packed.text).code]).toEqual([415, 'unsupported_media_type']);
  });
});

describe('F8 case 8: SQL where a key is expected', () => {
  it.each([`' or 1=1 --`, `x'; drop table users; --`, '%', '__proto__', 'a'.repeat(5_000), '../flags', 'A', ''])(
    '%s is no flag',
    async (key) => {
      const { status, text } = await send(`/ofrep/v1/evaluate/flags/${encodeURIComponent(key)}`, '{}');
      expect(status).toBe(404);
      if (text.includes('errorCode')) expect(JSON.parse(text).errorCode).toBe('FLAG_NOT_FOUND');
    },
  );
});

describe('F8 case 10: other ways to write an address', () => {
  it('open nothing, and ask for a key', async () => {
    const known = pathOf('all');
    for (const path of [
      `/${known}`,
      `${known}/`,
      known.toUpperCase(),
      known.replace('ofrep', '%6ffrep'),
      `${known}?token=x`,
    ]) {
      const { status } = await send(path, '{}', { authorization: '' });
      expect([401, 404], path).toContain(status);
    }
    for (const method of ['GET', 'HEAD', 'PUT', 'DELETE', 'PATCH'])
      expect((await send(known, '{}', { method })).status, method).toBe(404);
    expect((await send(known, '{}', { 'x-http-method-override': 'DELETE' })).status).toBe(200);
  });

  it('every answer has its request id and the headers of the API', async () => {
    for (const { headers } of [
      await send(pathOf('all'), '{}'),
      await send(pathOf('one'), '{'),
      await send(pathOf('all'), '{}', { authorization: '' }),
    ]) {
      expect(headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('content-security-policy')).toContain("default-src 'none'");
    }
  });
});
