import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import supertest from 'supertest';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../harness/port.js';
import { type MailCatcher, startMailCatcher } from '../harness/smtp.js';
import { LOGIN_PASSWORD, type Postgres15, startPostgres15 } from './postgres15.js';
import { launch, listening, printedAdmin, type ServerProcess, stop } from './server.js';

const SUITE_TIMEOUT_MS = 1_200_000;
const secretKeys = `test:${randomBytes(32).toString('base64')}`;

let postgres: Postgres15;
let smtp: MailCatcher;
const servers: ServerProcess[] = [];

beforeAll(async () => {
  smtp = await startMailCatcher();
  postgres = await startPostgres15();
  // All that a DBA does: an ordinary owner, a login, and a database for them.
  for (const statement of [
    `create role shop_owner login createrole password '${LOGIN_PASSWORD}'`,
    `create role shop_app login password '${LOGIN_PASSWORD}'`,
    'create database shop owner shop_owner',
    'create database shop_empty owner shop_owner',
  ])
    await postgres.dba.query(statement);
});
afterEach(async () => {
  for (const server of servers.splice(0)) await stop(server);
});
afterAll(async () => {
  await postgres?.stop();
  await smtp?.close();
});

/** The built server in production, as `npm run start:prod` starts it. */
async function production(env: Record<string, string>): Promise<{ server: ServerProcess; url: string }> {
  const port = await freePort();
  const server = launch(process.execPath, ['scripts/run.mjs', '--production', 'src/main'], {
    cwd: process.cwd(),
    env: {
      PORT: String(port),
      PUBLIC_URL: 'https://tenon.test',
      SECRET_KEYS: secretKeys,
      MAIL_URL: smtp.url,
      ...env,
    },
  });
  servers.push(server);
  return { server, url: `http://127.0.0.1:${port}` };
}

describe('P1 PostgreSQL 15 with an ordinary owner and a login of its DBA', () => {
  it('is migrated by the owner and served in production; the admin signs in', async () => {
    const { server, url } = await production({
      DATABASE_URL: postgres.url('shop_app', 'shop'),
      DATABASE_OWNER_URL: postgres.url('shop_owner', 'shop'),
    });
    await listening(server);
    const http = supertest(url);
    const { body: health } = await http.get('/health').expect(200);
    expect(health.status).toBe('healthy');
    const { body: ready } = await http.get('/health/ready').expect(200);
    expect(ready.dependencies.database).toMatchObject({ state: 'up' });

    const { email, password } = printedAdmin(server.output());
    const { body } = await http.post('/api/v1/auth/login').send({ email, password }).expect(200);
    await http.get('/api/v1/users/me').set('authorization', `Bearer ${body.accessToken}`).expect(200);

    const { rows } = await postgres.dba.query<{ rolname: string; rolsuper: boolean }>(
      `select rolname, rolsuper from pg_roles where rolname like 'shop%' or rolname like 'tenon%' order by rolname`,
    );
    expect(rows.map(({ rolname }) => rolname)).toEqual([
      'shop_app',
      'shop_owner',
      'tenon_app',
      'tenon_gate',
      'tenon_system',
    ]);
    expect(rows.every(({ rolsuper }) => !rolsuper)).toBe(true);
    expect(await stop(server)).toBe(0);
  });

  it('is served without the owner once the schema is current', async () => {
    const { server, url } = await production({ DATABASE_URL: postgres.url('shop_app', 'shop') });
    await listening(server);
    await supertest(url).get('/health').expect(200);
    expect(server.output()).not.toContain('password:');
  });

  it('sends mail through SMTP with links of PUBLIC_URL', async () => {
    const { server, url } = await production({ DATABASE_URL: postgres.url('shop_app', 'shop') });
    await listening(server);
    await supertest(url)
      .post('/api/v1/auth/register')
      .send({ email: 'ada@example.com', password: 'correct horse battery staple', fullName: 'Ada Lovelace' })
      .expect(201);
    while (smtp.to('ada@example.com').length === 0) await sleep(100);
    expect(smtp.to('ada@example.com')[0]!.text).toContain('https://tenon.test/verify-email?token=');
  });

  it('says that the schema is missing, alive but not ready, when it may not migrate', async () => {
    const { server, url } = await production({ DATABASE_URL: postgres.url('shop_app', 'shop_empty') });
    while (!server.output().includes('waiting for schema')) await sleep(100);
    expect(server.output()).toContain('npm run migrate -- up');
    await supertest(url).get('/health/live').expect(200);
    await supertest(url).get('/health/ready').expect(503);
  });
});

describe('O8 a login that row security does not bind', () => {
  beforeAll(async () => {
    for (const statement of [
      `create role shop_bypass login bypassrls password '${LOGIN_PASSWORD}'`,
      `create role shop_all login password '${LOGIN_PASSWORD}'`,
      'grant tenon_app, tenon_gate to shop_bypass, shop_all',
      'grant tenon_system to shop_all',
    ])
      await postgres.dba.query(statement);
  });

  it.each([
    ['postgres', 'is a superuser'],
    ['shop_owner', 'owns the tables'],
    ['shop_bypass', 'has BYPASSRLS'],
    ['shop_all', 'inherits tenon_system'],
  ])('case 4: production refuses %s, which %s, in a sentence', async (login, fault) => {
    const { server } = await production({ DATABASE_URL: postgres.url(login, 'shop') });
    expect(await server.exit).toBe(1);
    expect(server.output()).toContain(`The login of DATABASE_URL ${fault}`);
    expect(server.output()).not.toMatch(/^\s+at /m);
    expect(server.output()).not.toContain(encodeURIComponent(LOGIN_PASSWORD));
  });
});

describe('P1 the whole suite', () => {
  it(
    'passes on PostgreSQL 15',
    async () => {
      const suite = launch(process.execPath, ['scripts/test.mjs'], {
        cwd: process.cwd(),
        env: {
          TEST_SUPERUSER_URL: postgres.url('postgres'),
          TEST_OWNER_URL: postgres.url('shop_owner'),
          TEST_APP_URL: postgres.url('shop_app'),
        },
      });
      servers.push(suite);
      const exit = await suite.exit;
      expect(exit, suite.output().slice(-5_000)).toBe(0);
      expect(suite.output()).toMatch(/^[1-9]\d* passed, 0 failed$/m);
    },
    SUITE_TIMEOUT_MS,
  );
});
