import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApp, type TestApp } from './harness/app.js';
import { PostgresProxy } from './harness/postgres-proxy.js';
import { createDatabase, type TestDatabase } from './harness/database.js';
import { signInAdmin } from './harness/people.js';

const TOKEN = 'a-token-of-the-monitoring';

describe('P15 metrics', () => {
  let db: TestDatabase;
  let proxy: PostgresProxy;
  let open: TestApp;
  let closed: TestApp;
  beforeAll(async () => {
    db = await createDatabase();
    proxy = await PostgresProxy.start(db.appUrl);
    closed = await startApp({ db, env: { METRICS_TOKEN: TOKEN } });
    open = await startApp({ db, env: { DATABASE_URL: proxy.url } });
  });
  afterAll(async () => {
    await open.close();
    await closed.close();
    await proxy.close();
    await db.drop();
  });

  const read = async ({ http }: TestApp): Promise<string> => (await http.get('/metrics').expect(200)).text;
  /** The value of a line, such as `name{label="…"}`. */
  const valueOf = (text: string, line: string): string | undefined =>
    text
      .split('\n')
      .find((each) => each.startsWith(`${line} `))
      ?.slice(line.length + 1);

  it('tells of the process, the pool and the outbox, as text for Prometheus', async () => {
    const { headers, text } = await open.http.get('/metrics').expect(200);
    expect(headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(headers['cache-control']).toBe('no-store');
    expect(Number(valueOf(text, 'process_resident_memory_bytes'))).toBeGreaterThan(2 ** 20);
    expect(Number(valueOf(text, 'tenon_database_connections_used'))).toBeGreaterThanOrEqual(0);
    expect(valueOf(text, 'tenon_database_connections_waited_for')).toBe('0');
    expect(valueOf(text, 'tenon_outbox_pending')).toBe('0');
    await db.sql.query(
      `insert into outbox (id, topic, payload, summary, status, attempts, created_at, available_at)
       values (gen_random_uuid(), 'test', '', '{}', 'pending', 0, now(), now() + interval '1 hour')`,
    );
    expect(valueOf(await read(open), 'tenon_outbox_pending')).toBe('1');
  });

  it('counts requests by route, method and status, and no address becomes a label', async () => {
    const { auth } = await signInAdmin(open);
    await open.http.get('/api/v1/admin/users/0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f00').set(auth).expect(404);
    await open.http.get('/api/v1/admin/users/0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f01?secret=1').set(auth).expect(404);
    await open.http.get('/nowhere/1').expect(404);
    await open.http.get('/nowhere/2').expect(404);
    const text = await read(open);
    const line = (method: string, route: string, status: number): string =>
      `http_request_duration_seconds_count{method="${method}",route="${route}",status="${status}"}`;
    expect(valueOf(text, line('GET', '/api/v1/admin/users/:id', 404))).toBe('2');
    expect(valueOf(text, line('POST', '/api/v1/auth/login', 200))).toBe('1');
    expect(valueOf(text, line('GET', 'unknown', 404))).toBe('2');
    expect(text).not.toMatch(/0199a7c2|nowhere|secret/);
  });

  it('asks for the token where one is set', async () => {
    const wrong = [undefined, TOKEN, `Bearer ${TOKEN}x`, `Bearer ${TOKEN.slice(0, -1)}`, 'Bearer ', `Basic ${TOKEN}`];
    for (const authorization of wrong) {
      const request = closed.http.get('/metrics');
      if (authorization !== undefined) void request.set('authorization', authorization);
      const { body, headers, text } = await request.expect(401);
      expect(body.code).toBe(authorization === undefined ? 'authentication_required' : 'token_invalid');
      expect(headers['www-authenticate']).toMatch(/^Bearer/);
      expect(text).not.toContain('process_');
    }
    const { auth } = await signInAdmin(closed);
    await closed.http.get('/metrics').set(auth).expect(401);
    const { text } = await closed.http.get('/metrics').set('authorization', `Bearer ${TOKEN}`).expect(200);
    expect(text).toContain('process_resident_memory_bytes');
  });

  it('case 13: answers while the database is away, without the figures that only it knows', async () => {
    proxy.refusing = true;
    proxy.cut();
    const text = await read(open);
    expect(valueOf(text, 'tenon_outbox_pending')).toBe('Nan');
    expect(valueOf(text, 'process_resident_memory_bytes')).toBeDefined();
    proxy.refusing = false;
    await expect.poll(async () => valueOf(await read(open), 'tenon_outbox_pending')).toBe('1');
  });
});
