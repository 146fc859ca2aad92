import { globSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { errorsHtml, errorsMarkdown } from '../src/docs/errors-page.js';
import { families, familyOf } from '../src/kernel/error-families.js';
import { errors } from '../src/kernel/errors.js';
import { startApp, type TestApp } from './harness/app.js';

const codes = Object.keys(errors);

describe('P4 the registry of errors', () => {
  it('has a page that says the same (npm run docs:errors)', () => {
    expect(readFileSync('docs/errors.md', 'utf8')).toBe(errorsMarkdown());
  });

  it('falls into eight families, each of which has errors', () => {
    expect(families).toHaveLength(8);
    const used = new Set(Object.values(errors).map(({ status }) => familyOf(status)));
    expect(used.size).toBe(8);
  });

  it.each(codes)('%s has a code and a sentence', (code) => {
    expect(code).toMatch(/^[a-z]+(_[a-z]+)*$/);
    expect(errors[code as keyof typeof errors].title).toMatch(/^[A-Z].*[^.]$/);
    expect(errorsMarkdown().split(`id="${code}"`)).toHaveLength(2);
    expect(errorsHtml().split(`id="${code}"`)).toHaveLength(2);
  });

  it('holds no code that nothing uses', () => {
    const source = globSync('src/**/*.ts', {
      exclude: (path) => path.endsWith('.spec.ts') || path.endsWith('kernel/errors.ts'),
    })
      .map((path) => readFileSync(path, 'utf8'))
      .join('\n');
    expect(codes.filter((code) => !source.includes(`'${code}'`))).toEqual([]);
  });
});

describe('P4 problems over HTTP', () => {
  let tenon: TestApp;
  beforeAll(async () => {
    tenon = await startApp();
  });
  afterAll(() => tenon.close());

  it('have a type that leads to their place on the page', async () => {
    const { body } = await tenon.http.get('/nowhere').expect(404);
    const type = new URL(body.type);
    const page = await tenon.http.get(type.pathname).expect(200);
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(page.text).toContain(`id="${type.hash.slice(1)}"`);
  });

  it('are listed on a page to which the description of the API leads, also below a path and with a slash after /docs', async () => {
    const { description } = (await tenon.http.get('/docs/openapi.json').expect(200)).body.info as {
      description: string;
    };
    const [, link] = /\[all of them are listed\]\((.+)\)/.exec(description)!;
    await tenon.http.get('/docs').expect(200);
    const { headers } = await tenon.http.get('/docs/').expect(302);
    const page = new URL(headers.location!, 'https://example.com/tenon/docs/');
    expect(page.pathname).toBe('/tenon/docs');
    expect(new URL(link!, page).pathname).toBe('/tenon/docs/errors');
    expect((await tenon.http.get('/docs/errors').expect(200)).text).toContain('id="not_found"');
  });

  it.each([
    [401, 'get', '/api/v1/users/me', 'authentication_required'],
    [404, 'get', '/api/v1/none', 'not_found'],
    [400, 'post', '/api/v1/auth/login', 'validation_failed'],
  ] as const)('%i: %s %s is %s, in full', async (status, method, path, code) => {
    const { body, headers } = await tenon.http[method](path)
      .send(method === 'post' ? {} : undefined)
      .expect(status);
    expect(headers['content-type']).toBe('application/problem+json; charset=utf-8');
    expect(headers['cache-control']).toBe('no-store');
    expect(body).toMatchObject({ status, code, title: errors[code].title, detail: expect.any(String) });
    expect(body.requestId).toBe(headers['x-request-id']);
    expect(body.type).toBe(`${tenon.url}/docs/errors#${code}`);
    if (code === 'validation_failed')
      expect(body.errors).toContainEqual({ field: 'email', code: expect.any(String), message: expect.any(String) });
  });

  it('say of what is missing or of another type only that', async () => {
    const { body } = await tenon.http.post('/api/v1/auth/login').send({ email: 'ada@example.com', password: 1 });
    expect(body.errors).toEqual([{ field: 'password', code: 'is_string', message: 'password must be a string' }]);
  });

  it('stay where their types lead when DOCS is off, which closes Swagger UI and the document', async () => {
    const closed = await startApp({ env: { DOCS: 'off' }, db: tenon.db });
    try {
      for (const path of ['/docs', '/docs/', '/docs/openapi.json']) await closed.http.get(path).expect(404);
      const { body } = await closed.http.get('/api/v1/none').expect(404);
      expect((await closed.http.get(new URL(body.type).pathname).expect(200)).text).toContain('id="not_found"');
    } finally {
      await closed.close();
    }
  });
});
