import { setTimeout as sleep } from 'node:timers/promises';
import { MikroORM } from '@mikro-orm/postgresql';
import { afterEach, describe, expect, it } from 'vitest';
import { Readiness } from '../src/kernel/readiness.js';
import { atOnce, countStatuses, entriesOf, insertPerson, openSession } from './harness/accounts.js';
import { PASSWORD, startApp, type TestApp, type TestAppOptions } from './harness/app.js';
import { createDatabase, type TestDatabase } from './harness/database.js';
import { mailTo } from './harness/people.js';
import { PostgresProxy } from './harness/postgres-proxy.js';

/** Longer than any answer may take; who waits so long was forgotten. */
const HUNG_MS = 12_000;

const open: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const item of open.splice(0).reverse()) await item.close();
});

async function start(options: TestAppOptions): Promise<TestApp> {
  const tenon = await startApp({ ...options, hurried: true });
  open.push(tenon);
  return tenon;
}

/** A database behind proxies, which can go away without a word. */
async function proxied(): Promise<{ db: TestDatabase; proxies: PostgresProxy[] }> {
  const db = await createDatabase();
  open.push({ close: () => db.drop() });
  const proxies = [await PostgresProxy.start(db.appUrl), await PostgresProxy.start(db.ownerUrl)];
  for (const proxy of proxies) open.push(proxy);
  return { db: { ...db, appUrl: proxies[0]!.url, ownerUrl: proxies[1]!.url }, proxies };
}

interface Answer {
  status: number;
  body: Record<string, unknown>;
}

/** A request that has to be answered: with success, a refusal of ours, or 503 as a problem. */
async function ask({ url }: TestApp, path: string, init: RequestInit & { json?: object } = {}): Promise<Answer> {
  const { json, headers, ...rest } = init;
  const answer = await fetch(`${url}${path}`, {
    ...rest,
    headers: { ...headers, ...(json && { 'content-type': 'application/json' }) } as Record<string, string>,
    body: json && JSON.stringify(json),
    signal: AbortSignal.timeout(HUNG_MS),
  });
  const text = await answer.text();
  const body = text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
  if (answer.status === 503) {
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
    expect(body.code).toBe('service_unavailable');
    // What PostgreSQL said is ours to know.
    expect(text).not.toMatch(/terminat|backend|ECONN|connection|postgres/i);
  }
  return { status: answer.status, body };
}

const isReady = async ({ http }: TestApp): Promise<boolean> => (await http.get('/health/ready')).status === 200;

describe('case 13: the database restarts under load', () => {
  it('every backend is killed, again and again: 503 at worst, nothing acknowledged is lost, the pool is whole', async () => {
    const POOL = 4;
    const tenon = await start({ env: { DATABASE_POOL_SIZE: String(POOL) } });
    const people = await atOnce(6, async () => {
      const { userId, email } = await insertPerson(tenon.db);
      return { userId, email, ...(await openSession(tenon, userId)), acknowledged: 0, tried: 0 };
    });
    const seen = new Set<number>();
    let load = true;
    const working = people.map(async (person) => {
      const headers = person.auth;
      let { refreshToken } = person;
      while (load) {
        person.tried += 1;
        const json = { fullName: `Number ${person.tried}` };
        const wrote = await ask(tenon, '/api/v1/users/me', { method: 'PATCH', headers, json });
        if (wrote.status === 200) person.acknowledged = person.tried;
        const read = await ask(tenon, '/api/v1/organizations', { headers });
        const refreshed = await ask(tenon, '/api/v1/auth/refresh', { method: 'POST', json: { refreshToken } });
        if (refreshed.status === 200) refreshToken = refreshed.body.refreshToken as string;
        for (const { status } of [wrote, read, refreshed]) seen.add(status);
      }
    });
    const acknowledged = () => people.reduce((sum, person) => sum + person.acknowledged, 0);
    for (let kill = 0; kill < 12; kill += 1) {
      // In the midst of work, and not while everybody connects again.
      const before = acknowledged();
      await expect.poll(acknowledged).toBeGreaterThan(before + people.length);
      await tenon.db.sql.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
          where datname = current_database() and application_name like 'tenon%'`,
      );
    }
    load = false;
    await Promise.all(working);
    expect([...seen].sort()).toEqual([200, 503]);

    await expect.poll(() => isReady(tenon)).toBe(true);
    const after = await atOnce(40, (i) => ask(tenon, '/api/v1/users/me', { headers: people[i % people.length]!.auth }));
    expect(countStatuses(after)).toEqual({ 200: 40 });
    for (const { userId, acknowledged: last, tried } of people) {
      const { rows } = await tenon.db.sql.query('select full_name from users where id = $1', [userId]);
      const stored = Number(rows[0].full_name.split(' ')[1]);
      expect(stored).toBeGreaterThanOrEqual(last);
      expect(stored).toBeLessThanOrEqual(tried);
      // The change and its entry committed together.
      const entries = await entriesOf(tenon.db, 'user.updated', userId);
      expect(entries.map(({ after }) => after)).toContainEqual({ fullName: `Number ${stored}` });
    }
    const pool = await tenon.app.get(MikroORM).em.getConnection().getNativeClient();
    const all = await atOnce(POOL, () => pool.connect());
    for (const client of all) client.release();
    // What runs outside of requests is back, too.
    const { email } = people[0]!;
    await ask(tenon, '/api/v1/auth/password/forgot', { method: 'POST', json: { email } });
    await mailTo(tenon, email, 'password-reset');
  });

  it('gone altogether: alive, not ready, 503 for every call; back by itself', async () => {
    const { db, proxies } = await proxied();
    const tenon = await start({ db });
    const { userId, email } = await insertPerson(db);
    const { auth } = await openSession(tenon, userId);
    expect((await ask(tenon, '/api/v1/users/me', { headers: auth })).status).toBe(200);
    for (const proxy of proxies) {
      proxy.refusing = true;
      proxy.cut();
    }
    for (const answer of await atOnce(20, (i) =>
      i % 2
        ? ask(tenon, '/api/v1/users/me', { headers: auth })
        : ask(tenon, '/api/v1/auth/login', { method: 'POST', json: { email, password: PASSWORD } }),
    ))
      expect(answer.status).toBe(503);
    await tenon.http.get('/health/live').expect(200, { status: 'alive' });
    expect((await tenon.http.get('/health').expect(503)).body.status).toBe('unhealthy');
    expect((await tenon.http.get('/health/ready').expect(503)).body.dependencies.database).toMatchObject({
      state: 'down',
    });
    for (const proxy of proxies) proxy.refusing = false;
    await expect.poll(() => isReady(tenon)).toBe(true);
    expect((await ask(tenon, '/api/v1/users/me', { headers: auth })).status).toBe(200);
    const login = await ask(tenon, '/api/v1/auth/login', { method: 'POST', json: { email, password: PASSWORD } });
    expect(login.status).toBe(200);
  });

  it('down at the start: it is tried again and again, alive, not ready; then it comes up', async () => {
    const { db, proxies } = await proxied();
    for (const proxy of proxies) proxy.refusing = true;
    const tenon = await start({ db, ready: false });
    const failures: string[] = [];
    const coming = tenon.app.get(Readiness).startUp(
      (step) => failures.push(step),
      () => sleep(20),
    );
    await expect.poll(() => failures.length).toBeGreaterThan(2);
    await tenon.http.get('/health/live').expect(200);
    expect((await tenon.http.get('/health/ready').expect(503)).body).toMatchObject({
      ready: false,
      waitingFor: 'schema',
    });
    await tenon.http.get('/health').expect(503);
    for (const [path, method] of [
      ['/api/v1/users/me', 'GET'],
      ['/api/v1/auth/login', 'POST'],
    ] as const)
      expect((await ask(tenon, path, { method, ...(method === 'POST' && { json: {} }) })).status).toBe(503);
    for (const proxy of proxies) proxy.refusing = false;
    await coming;
    await expect.poll(() => isReady(tenon)).toBe(true);
    const { email } = await insertPerson(db);
    const login = await ask(tenon, '/api/v1/auth/login', { method: 'POST', json: { email, password: PASSWORD } });
    expect(login.status).toBe(200);
  });
});

describe('case 14: the pool is exhausted', () => {
  it('503 within the acquire time-out, health answers, and who held a connection is served', async () => {
    const tenon = await start({ env: { DATABASE_POOL_SIZE: '2' } });
    const { userId } = await insertPerson(tenon.db);
    const { auth } = await openSession(tenon, userId);
    await ask(tenon, '/api/v1/users/me', { headers: auth });
    const blocker = await tenon.db.sql.connect();
    await blocker.query('begin; lock table users in access exclusive mode');
    open.push({ close: async () => blocker.release(true) });
    let answered = 0;
    const asked = atOnce(10, async () => {
      const answer = await ask(tenon, '/api/v1/users/me', { headers: auth });
      answered += 1;
      return answer;
    });
    // On another connection: a transaction sees one picture of the activity only.
    const waiting = () =>
      tenon.db.sql.query(
        `select from pg_stat_activity
          where datname = current_database() and wait_event_type = 'Lock' and application_name = 'tenon'`,
      );
    await expect.poll(async () => (await waiting()).rowCount).toBe(2);
    await tenon.http.get('/health/live').expect(200);
    await tenon.http.get('/health').expect(503);
    await expect.poll(() => answered).toBe(8);
    await tenon.http.get('/health/live').expect(200);
    await blocker.query('commit');
    expect(countStatuses(await asked)).toEqual({ 200: 2, 503: 8 });
    const after = await atOnce(20, () => ask(tenon, '/api/v1/users/me', { headers: auth }));
    expect(countStatuses(after)).toEqual({ 200: 20 });
    await tenon.http.get('/health').expect(200);
  });
});
