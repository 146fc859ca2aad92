import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApp, type TestApp } from './harness/app.js';

const TOKEN = 'q7Y2vWm3Zk9-8Lx0aBcDeFgHiJkLmNoPqRsTuVwXyZ0';
const PAGES = ['verify-email', 'reset-password', 'confirm-email-change', 'undo-email-change', 'accept-invitation'];

let tenon: TestApp;
beforeAll(async () => {
  tenon = await startApp({ env: { PASSWORD_MIN_LENGTH: '17' } });
});
afterAll(() => tenon.close());

describe('A2 A6 A10 O4 pages behind the links of mails', () => {
  it.each(PAGES)('/%s is kept nowhere, told to nobody, framed nowhere, and runs our script alone', async (page) => {
    const { headers, text } = await tenon.http.get(`/${page}?token=${TOKEN}`).expect(200);
    expect(headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-robots-tag': 'noindex, nofollow',
      'x-frame-options': 'DENY',
      'x-content-type-options': 'nosniff',
    });
    expect(headers['content-security-policy']).toContain("default-src 'none'; script-src 'self'; style-src 'self'");
    expect(headers['content-security-policy']).toContain("frame-ancestors 'none'");
    // No script or style within the page: the policy would refuse it.
    expect(text).not.toMatch(/<script(?![^>]* src=)|<style| style=| on\w+=/i);
  });

  it.each(PAGES)('case 12: /%s never holds the token that it was asked with', async (page) => {
    const { headers, text } = await tenon.http.get(`/${page}?token=${TOKEN}`);
    expect(JSON.stringify(headers) + text).not.toContain(TOKEN);
  });

  it.each(PAGES)('/%s is the same whatever its address holds', async (page) => {
    const plain = await tenon.http.get(`/${page}`).expect(200);
    const strange = await tenon.http.get(`/${page}?token=%3Cscript%3E&token=2`).expect(200);
    expect(strange.text).toBe(plain.text);
  });

  it.each(PAGES)('case 10: /%s has one spelling and one method', async (page) => {
    for (const path of [`/${page}/`, `//${page}`, `/${page.toUpperCase()}`]) await tenon.http.get(path).expect(404);
    const { status } = await tenon.http.post(`/${page}`).send({ token: TOKEN });
    expect([404, 405]).toContain(status);
  });

  it('A5 tells the rules of this installation', async () => {
    for (const page of ['reset-password', 'accept-invitation']) {
      const { text } = await tenon.http.get(`/${page}`).expect(200);
      expect(text).toContain('At least 17 characters');
    }
  });

  it('loads script and styles that may be kept for good under their version, and only under that', async () => {
    const { text } = await tenon.http.get('/verify-email');
    const assets = [...text.matchAll(/(?:src|href)="(pages\/[^"]+)"/g)].map(([, path]) => `/${path}`);
    expect(assets).toHaveLength(2);
    for (const asset of assets) {
      const { headers } = await tenon.http.get(asset).expect(200);
      expect(headers['cache-control']).toBe('public, max-age=31536000, immutable');
      const other = await tenon.http.get(`${asset.split('?')[0]}?v=older`).expect(200);
      expect(other.headers['cache-control']).toBe('no-store');
    }
  });
});

describe('P3 policies', () => {
  it('an answer of the API may load and run nothing', async () => {
    for (const path of ['/health', '/api/v1/users/me', '/nowhere']) {
      const { headers } = await tenon.http.get(path);
      expect(headers['content-security-policy']).toBe(
        "default-src 'none';base-uri 'none';form-action 'none';frame-ancestors 'none'",
      );
    }
  });

  it('Swagger UI may run scripts of this origin alone, and nothing is upgraded to HTTPS', async () => {
    const { headers } = await tenon.http.get('/docs').expect(200);
    expect(headers['content-security-policy']).toContain("script-src 'self';");
    expect(headers['content-security-policy']).not.toContain('upgrade-insecure-requests');
    expect(headers['strict-transport-security']).toBeUndefined();
  });
});
