import { Agent, request as httpRequest } from 'node:http';
import { MikroORM } from '@mikro-orm/postgresql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { atOnce } from '../harness/accounts.js';
import { startApp, type TestApp } from '../harness/app.js';
import { type Tenant, twoTenants } from '../harness/two-tenants.js';

let tenon: TestApp;
let people: [Tenant, Tenant];
beforeAll(async () => {
  // Two is the least: one for the requests, and one that a job may hold.
  tenon = await startApp({ env: { DATABASE_POOL_SIZE: '2' } });
  people = await twoTenants(tenon);
});
afterAll(() => tenon.close());

interface Ask {
  path: string;
  method?: string;
  body?: object;
  /** Cut the connection before the answer. */
  abort?: true;
  /** What is the asker's own and has to be in the answer. */
  shows?: string;
}

describe('O8 case 3: few connections, many requests of two people', () => {
  const REQUESTS = 10_000;
  const AT_ONCE = 24;
  const kept = new Agent({ keepAlive: true });
  afterAll(() => kept.destroy());

  /** What is asked, in turn: nineteen, so that both people ask everything. */
  const mix = (n: number, who: Tenant, stranger: Tenant): Ask => {
    const [own, foreign] = [who, stranger].map(({ organizationId }) => `/api/v1/organizations/${organizationId}`);
    return [
      { path: '/api/v1/users/me', shows: who.email },
      { path: '/api/v1/organizations', shows: who.organizationName },
      { path: `${own}/members`, shows: who.email },
      { path: '/api/v1/auth/sessions', shows: who.sessionId },
      { path: `${own}/settings`, method: 'PATCH', body: { custom: { of: who.guest, n } }, shows: who.guest },
      { path: '/api/v1/users/me', method: 'PATCH', body: { timeZone: n % 4 < 2 ? 'Europe/London' : 'Asia/Tokyo' } },
      { path: `${foreign}/members` },
      { path: '/api/v1/users/me', method: 'PATCH', body: { role: 'owner' } },
      { path: `${own}/settings` },
      { path: `${own}/invitations`, shows: who.guest },
      { path: `/api/v1/auth/sessions/${stranger.sessionId}`, method: 'DELETE' },
      { path: `${own}/invitations/${stranger.invitationId}`, method: 'DELETE' },
      { path: `${own}/members`, abort: true as const },
      { path: `${own}/invitations`, method: 'POST', body: { email: 'no address', role: 'member' } },
      { path: '/api/v1/users/me/security-events?limit=5' },
      { path: `${foreign}/settings`, method: 'PATCH', body: { custom: { of: who.guest } } },
      { path: '/api/v1/organizations', abort: true as const },
      { path: `${own}/members/${stranger.userId}` },
      { path: '/api/v1/admin/users' },
    ][n % 19]!;
  };

  it('errors and aborts in between: nobody sees a row of the other', async () => {
    const seen = new Set<string>();
    const foreign: string[] = [];
    const one = async (n: number): Promise<void> => {
      const who = people[n % 2]!;
      const stranger = people[(n + 1) % 2]!;
      const ask = mix(n, who, stranger);
      const result = ask.abort ? await abort(ask.path, who) : await send(ask, who);
      seen.add(result.status);
      const { userId, email, organizationName, organizationId, guest } = stranger;
      const secrets = [userId, email, organizationName, organizationId, guest];
      const misses = ask.shows !== undefined && !result.text.includes(ask.shows);
      if (misses || secrets.some((secret) => result.text.includes(secret)))
        foreign.push(`${ask.path} ${result.status} ${result.text}`);
    };
    let next = 0;
    await atOnce(AT_ONCE, async () => {
      while (next < REQUESTS) await one(next++);
    });
    expect(foreign).toEqual([]);
    expect([...seen].sort()).toEqual(['200', '400', '403', '404', 'aborted']);
  }, 600_000);

  /** Not by `fetch`: its streams were a fifth of what all of this costs. */
  function send({ path, method, body }: Ask, { auth }: Tenant): Promise<{ status: string; text: string }> {
    return new Promise((resolve, reject) => {
      const headers = { ...auth, ...(body && { 'content-type': 'application/json' }) };
      const request = httpRequest(`${tenon.url}${path}`, { method, headers, agent: kept });
      request.on('error', reject);
      request.on('response', (answer) => {
        let text = '';
        answer.setEncoding('utf8');
        answer.on('data', (chunk: string) => (text += chunk));
        answer.on('error', reject);
        answer.on('end', () => resolve({ status: String(answer.statusCode), text }));
      });
      request.end(body && JSON.stringify(body));
    });
  }

  function abort(path: string, { auth }: Tenant): Promise<{ status: string; text: string }> {
    return new Promise((resolve) => {
      const request = httpRequest(`${tenon.url}${path}`, { headers: auth, agent: false });
      request.on('error', () => undefined);
      request.on('close', () => resolve({ status: 'aborted', text: '' }));
      request.on('socket', (socket) => socket.on('connect', () => setImmediate(() => request.destroy())));
      request.end();
    });
  }

  it('afterwards a connection of the pool carries nobody', async () => {
    const pool = await tenon.app.get(MikroORM).em.getConnection().getNativeClient();
    for (let n = 0; n < 20; n += 1) {
      const { rows: left } = await pool.query(
        `select current_setting('app.user_id', true) as person, current_setting('app.organization_id', true) as tenant,
                current_user = session_user as itself, (select count(*)::int from users) as people`,
      );
      expect(['', null]).toContain(left[0].person);
      expect(['', null]).toContain(left[0].tenant);
      expect(left[0]).toMatchObject({ itself: true, people: 0 });
    }
  });
});
