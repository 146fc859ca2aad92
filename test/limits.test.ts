import { execFile } from 'node:child_process';
import { createServer } from 'node:net';
import { promisify } from 'node:util';
import { MikroORM } from '@mikro-orm/postgresql';
import { Body, type CanActivate, Controller, type ExecutionContext, Get, Module, Post } from '@nestjs/common';
import { APP_GUARD, NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { Pool } from 'pg';
import supertest from 'supertest';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { loadEnv } from '../config/env.js';
import { DatabaseModule } from '../src/database/database.module.js';
import { entities } from '../src/entities.js';
import { JobsModule } from '../src/jobs/jobs.module.js';
import { Actor } from '../src/kernel/actor.js';
import type { ActingRequest } from '../src/kernel/authorize.js';
import { KernelModule } from '../src/kernel/kernel.module.js';
import { ProblemFilter } from '../src/kernel/problem.filter.js';
import { Limit, Unlimited } from '../src/limits/limit.decorator.js';
import { mailboxOf, networkOf } from '../src/limits/limit-subject.js';
import { removeExpiredLimits } from '../src/limits/limits.cleanup.js';
import { LimitsGuard } from '../src/limits/limits.guard.js';
import { LimitsModule } from '../src/limits/limits.module.js';
import { documentLimits } from '../src/limits/limits.openapi.js';
import { LimitsService } from '../src/limits/limits.service.js';
import { limits } from '../src/limits/limits.js';
import { PostgresLimitStorage } from '../src/limits/postgres-limit-storage.js';
import { normalizeEmail } from '../src/users/email.js';
import { freePort, TEST_KEYS } from './harness/app.js';
import { createDatabase, type TestDatabase } from './harness/database.js';

const SECRET = Buffer.alloc(32, 9);
const MINUTE_MS = 60_000;

describe('P5 storage of rate limits', () => {
  let db: TestDatabase;
  const pools: Pool[] = [];
  const storageOn = (url: string): PostgresLimitStorage => {
    const pool = new Pool({ connectionString: url, max: 4, connectionTimeoutMillis: 1_000 });
    pool.on('error', () => undefined);
    pools.push(pool);
    return new PostgresLimitStorage(async () => pool, SECRET);
  };
  beforeAll(async () => {
    db = await createDatabase();
  });
  afterAll(async () => {
    await Promise.all(pools.map((pool) => pool.end()));
    await db.drop();
  });

  it('four processes and a limit of 100 let exactly 100 through', async () => {
    const places = (await Promise.all(Array.from({ length: 4 }, () => hitsOfAProcess(db.appUrl, 'four', 100)))).flat();
    expect(places.filter(({ isBlocked }) => !isBlocked)).toHaveLength(100);
    expect(places.map(({ totalHits }) => totalHits).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 400 }, (_, index) => index + 1),
    );
  });

  it('one process with 400 at once gives each its own place', async () => {
    const storage = storageOn(db.appUrl);
    const records = await Promise.all(
      Array.from({ length: 400 }, () => storage.increment('one', MINUTE_MS, 100, MINUTE_MS, 'test')),
    );
    expect(records.map(({ totalHits }) => totalHits)).toEqual(Array.from({ length: 400 }, (_, index) => index + 1));
    expect(records.filter(({ isBlocked }) => isBlocked)).toHaveLength(300);
    expect(records[399]).toEqual({ totalHits: 400, timeToExpire: 60, isBlocked: true, timeToBlockExpire: 60 });
  });

  it('instances that count the same keys in other orders do not lock each other out', async () => {
    const storages = Array.from({ length: 4 }, () => storageOn(db.appUrl));
    const keys = Array.from({ length: 100 }, (_, index) => `crossed ${index}`);
    for (let round = 0; round < 10; round += 1)
      await Promise.all(
        storages.flatMap((storage, index) =>
          (index % 2 ? keys : keys.toReversed()).map((key) =>
            storage.increment(key, MINUTE_MS, 100, MINUTE_MS, 'crossed'),
          ),
        ),
      );
    const { rows } = await db.sql.query(
      `select hits, count(*)::int from rate_limit_tracking where policy = 'crossed' group by hits`,
    );
    expect(rows).toEqual([{ hits: 40, count: 100 }]);
  });

  it('a window ends when the database says so, and the next one starts at one', async () => {
    const storage = storageOn(db.appUrl);
    const hit = () => storage.increment('window', MINUTE_MS, 2, MINUTE_MS, 'window');
    const before = [await hit(), await hit(), await hit()];
    expect(before.map(({ isBlocked }) => isBlocked)).toEqual([false, false, true]);
    await db.sql.query(`update rate_limit_tracking set expires_at = now() where policy = 'window'`);
    expect(await hit()).toEqual({ totalHits: 1, timeToExpire: 60, isBlocked: false, timeToBlockExpire: 0 });
  });

  it('tells the seconds that are left of the window, not its length', async () => {
    const storage = storageOn(db.appUrl);
    await storage.increment('rest', MINUTE_MS, 2, MINUTE_MS, 'rest');
    await db.sql.query(
      `update rate_limit_tracking set expires_at = now() + interval '20 minutes' where policy = 'rest'`,
    );
    expect(await storage.increment('rest', MINUTE_MS, 2, MINUTE_MS, 'rest')).toMatchObject({
      totalHits: 2,
      timeToExpire: 1200,
    });
  });

  it('case 12: neither address nor e-mail stands in the table', async () => {
    await storageOn(db.appUrl).increment('auth-recipient ada@example.com', MINUTE_MS, 2, MINUTE_MS, 'hidden');
    const { rows } = await db.sql.query(`select * from rate_limit_tracking where policy = 'hidden'`);
    expect(rows[0].key).toHaveLength(16);
    expect(JSON.stringify(rows)).not.toContain('ada');
  });

  it("case 4: the application's login cannot remove a count", async () => {
    const [pool] = pools;
    await expect(pool!.query('delete from rate_limit_tracking')).rejects.toThrow('permission denied');
    await expect(pool!.query('truncate rate_limit_tracking')).rejects.toThrow('permission denied');
  });

  it('case 14: when no connection comes, everybody who waits is told at once', async () => {
    const pool = new Pool({ connectionString: db.appUrl, max: 1, connectionTimeoutMillis: 200 });
    pools.push(pool);
    const storage = new PostgresLimitStorage(async () => pool, SECRET);
    const held = await pool.connect();
    const answers = await Promise.allSettled(
      Array.from({ length: 50 }, () => storage.increment('starved', MINUTE_MS, 2, MINUTE_MS, 'starved')),
    );
    held.release();
    expect(answers.every(({ status }) => status === 'rejected')).toBe(true);
    expect(await storage.increment('starved', MINUTE_MS, 2, MINUTE_MS, 'starved')).toMatchObject({ totalHits: 1 });
  });
});

describe('P5 subjects', () => {
  it.each([
    ['2001:db8:1:2::1', '2001:db8:1:2:ffff:ffff:ffff:ffff'],
    ['2001:db8:1:2::1', '2001:DB8:1:2:0::2%eth0'],
    ['203.0.113.7', '::ffff:203.0.113.7'],
  ])('%s and %s count as one', (one, other) => {
    expect(networkOf(other)).toBe(networkOf(one));
  });

  it.each([
    ['2001:db8:1:2::1', '2001:db8:1:3::1'],
    ['203.0.113.7', '203.0.113.8'],
  ])('%s and %s count apart', (one, other) => {
    expect(networkOf(other)).not.toBe(networkOf(one));
  });

  it.each([
    'Ada@Example.COM',
    ' ada@example.com ',
    'ada@example.com.',
    'ａｄａ@example.com',
    'ada@ｅxample。com',
    'JÖRG@Bücher.example',
    'jo\u0308rg@xn--bcher-kva.example',
    'İnci@example.com',
  ])('case 19: "%s" is the mailbox that the account has', (typed) => {
    expect(mailboxOf(typed)).toBe(normalizeEmail(typed));
  });

  it.each([
    [undefined],
    [null],
    [7],
    [['ada@example.com']],
    [{ $ne: '' }],
    [''],
    ['ada'],
    ['a@b@c'],
    ['x'.repeat(2 ** 20)],
  ])('%j is no mailbox', (value) => {
    expect(mailboxOf(value)).toBeNull();
  });
});

@Controller('probe')
class ProbeController {
  @Get()
  plain(): string {
    return 'plain';
  }

  @Post('mail')
  @Limit('auth', { by: ['ip', 'recipient'] })
  mail(@Body() _body: unknown): string {
    return 'mail';
  }

  @Post('other-mail')
  @Limit('auth', { by: ['ip', 'recipient'] })
  otherMail(@Body() _body: unknown): string {
    return 'other mail';
  }

  @Post('strict')
  @Limit('strict')
  strict(): string {
    return 'strict';
  }

  @Get('health')
  @Unlimited()
  health(): string {
    return 'health';
  }
}

/** Signs in whom a header names. */
class ActorGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<ActingRequest>();
    const origin = { ip: request.ip, userAgent: null, requestId: null };
    const userId = request.headers['x-test-user'];
    request.actor =
      typeof userId === 'string' ? Actor.user(origin, { userId, sessionId: null }) : Actor.anonymous(origin);
    return true;
  }
}

interface Probe {
  app: NestFastifyApplication;
  http: ReturnType<typeof supertest>;
}

/** Routes of each sort behind the real guard, with the router and the proxy settings of the application. */
async function startProbe(databaseUrl: string, env: Record<string, string> = {}): Promise<Probe> {
  const environment = loadEnv({ NODE_ENV: 'test', DATABASE_URL: databaseUrl, DATABASE_POOL_SIZE: '2', ...env });
  @Module({
    imports: [
      KernelModule.forRoot(environment, TEST_KEYS),
      DatabaseModule.forRoot(environment, entities, []),
      JobsModule,
      LimitsModule,
    ],
    controllers: [ProbeController],
    providers: [
      { provide: APP_GUARD, useClass: ActorGuard },
      { provide: APP_GUARD, useExisting: LimitsGuard },
    ],
  })
  class ProbeModule {}
  const adapter = new FastifyAdapter({
    trustProxy: environment.trustProxy,
    exposeHeadRoutes: false,
    routerOptions: { ignoreTrailingSlash: false, ignoreDuplicateSlashes: false, caseSensitive: true },
  });
  const app = await NestFactory.create<NestFastifyApplication>(ProbeModule, adapter, {
    logger: false,
    abortOnError: false,
  });
  app.useGlobalFilters(new ProblemFilter(environment));
  await app.listen(0, '127.0.0.1');
  return { app, http: supertest(await app.getUrl()) };
}

describe('P5 limits of routes', () => {
  let db: TestDatabase;
  let probe: Probe;
  beforeAll(async () => {
    db = await createDatabase();
    probe = await startProbe(db.appUrl);
  });
  afterAll(async () => {
    await probe.app.close();
    await db.drop();
  });
  beforeEach(() => db.sql.query('truncate rate_limit_tracking'));

  /** Leaves `left` requests in every window that is open. */
  const leave = (policy: string, left: number) => {
    const [kind, by] = policy.split('-') as ['auth', 'ip'];
    return db.sql.query('update rate_limit_tracking set hits = $2 where policy = $1', [
      policy,
      limits[kind][by].requests - left,
    ]);
  };

  it('says where the caller stands on every limited answer', async () => {
    const { headers } = await probe.http.get('/probe').set('x-test-user', 'ada').expect(200);
    expect(headers).toMatchObject({
      ratelimit: '"api-account";r=599;t=60',
      'ratelimit-policy': '"api-account";q=600;w=60',
      'x-ratelimit-limit': '600',
      'x-ratelimit-remaining': '599',
      'x-ratelimit-reset': '60',
    });
    expect(headers).not.toHaveProperty('retry-after');
  });

  it('answers 429 with Retry-After once the window is full', async () => {
    await probe.http.get('/probe').expect(200);
    await leave('api-ip', 1);
    await probe.http.get('/probe').expect(200);
    const { body, headers } = await probe.http.get('/probe').expect(429);
    expect(body).toMatchObject({ status: 429, code: 'rate_limit_exceeded' });
    expect(headers).toMatchObject({
      ratelimit: expect.stringMatching(/^"api-ip";r=0;t=\d+$/),
      'x-ratelimit-remaining': '0',
      'retry-after': expect.stringMatching(/^\d+$/),
    });
    expect(headers['retry-after']).toBe(headers['x-ratelimit-reset']);
  });

  it('lets through again when the window is over', async () => {
    await probe.http.get('/probe').expect(200);
    await leave('api-ip', 0);
    await probe.http.get('/probe').expect(429);
    await db.sql.query('update rate_limit_tracking set expires_at = now()');
    await probe.http.get('/probe').expect(200);
  });

  it('counts accounts apart from each other and from their address', async () => {
    await probe.http.get('/probe').set('x-test-user', 'ada').expect(200);
    await leave('api-account', 0);
    await probe.http.get('/probe').set('x-test-user', 'ada').expect(429);
    await probe.http.get('/probe').set('x-test-user', 'eve').expect(200);
    await probe.http.get('/probe').expect(200);
  });

  it('tells of the limit that is closest to its end, and lists all', async () => {
    const { headers } = await probe.http.post('/probe/mail').send({ email: 'ada@example.com' }).expect(201);
    expect(headers).toMatchObject({
      ratelimit: '"auth-ip";r=599;t=60, "auth-recipient";r=19;t=3600',
      'ratelimit-policy': '"auth-ip";q=600;w=60, "auth-recipient";q=20;w=3600',
      'x-ratelimit-limit': '20',
      'x-ratelimit-remaining': '19',
      'x-ratelimit-reset': '3600',
    });
  });

  it('case 17: a mailbox gets so many mails of a kind, whether its account exists or not, in every spelling', async () => {
    for (const email of ['ada@example.com', 'nobody@example.com']) {
      const answers = [];
      for (let count = 0; count < limits.auth.recipient.requests; count += 1)
        answers.push((await probe.http.post('/probe/mail').send({ email })).status);
      expect(new Set(answers)).toEqual(new Set([201]));
      for (const spelling of [email, email.toUpperCase(), ` ${email}`, `${email}.`, email.replace('a', 'ａ')])
        await probe.http.post('/probe/mail').send({ email: spelling }).expect(429);
    }
    // Another template is counted apart.
    await probe.http.post('/probe/other-mail').send({ email: 'ada@example.com' }).expect(201);
  });

  it('case 7: an e-mail that is none is counted by address alone', async () => {
    for (const email of [['ada@example.com'], { $ne: '' }, 7, null, undefined]) {
      const { headers } = await probe.http.post('/probe/mail').send({ email }).expect(201);
      expect(headers['ratelimit-policy']).toBe('"auth-ip";q=600;w=60');
    }
  });

  it('case 9: X-Forwarded-For moves no limit without a trusted proxy', async () => {
    await probe.http.get('/probe').expect(200);
    await leave('api-ip', 0);
    for (const header of ['x-forwarded-for', 'forwarded', 'x-real-ip', 'cf-connecting-ip', 'x-client-ip'])
      await probe.http
        .get('/probe')
        .set(header, header === 'forwarded' ? 'for=198.51.100.1' : '198.51.100.1')
        .expect(429);
  });

  it('case 9: behind a trusted proxy the address that it names is counted, an IPv6 one by its /64', async () => {
    const behind = await startProbe(db.appUrl, { TRUST_PROXY: 'loopback' });
    try {
      const from = (ip: string) => behind.http.get('/probe').set('x-forwarded-for', ip);
      await from('2001:db8:1:2::1').expect(200);
      await leave('api-ip', 0);
      await from('2001:db8:1:2:aaaa::9').expect(429);
      await from('2001:db8:1:3::1').expect(200);
      // What the client wrote before the proxy's own entry is no address of it.
      await from('198.51.100.1, 2001:db8:1:2::7').expect(429);
    } finally {
      await behind.app.close();
    }
  });

  it('case 10: no spelling of a path reaches a route past its limit', async () => {
    await probe.http.post('/probe/strict').expect(201);
    await leave('strict-ip', 0);
    for (const path of [
      '/probe/strict',
      '//probe/strict',
      '/probe//strict',
      '/probe/strict/',
      '/PROBE/Strict',
      '/probe/%73trict',
      '/probe/./strict',
      '/probe/x/../strict',
      '/probe/%2e/strict',
      '/probe/strict?a=1',
      '/probe/strict;a=1',
      '/probe/strict%2f',
    ])
      expect([404, 429], path).toContain((await probe.http.post(path)).status);
    await probe.http.post('/probe/%73trict').expect(429);
    for (const header of ['x-http-method-override', 'x-method-override', 'x-http-method'])
      await probe.http.post('/probe/strict').set(header, 'GET').expect(429);
    await probe.http.head('/probe').expect(404);
  });

  it('50 at once meet a limit of 5', async () => {
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => probe.http.post('/probe/strict').set('x-test-user', 'ada')),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(limits.strict.account.requests);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(50 - limits.strict.account.requests);
  });

  it('counts what no guard sees, such as wrong tokens, by address', async () => {
    const service = probe.app.get(LimitsService);
    expect(await service.hit('api', { ip: '203.0.113.7' })).toMatchObject({ ratelimit: '"api-ip";r=1199;t=60' });
    await leave('api-ip', 0);
    await expect(service.hit('api', { ip: '203.0.113.7' })).rejects.toMatchObject({
      code: 'rate_limit_exceeded',
      headers: { 'retry-after': expect.any(String) },
    });
  });

  it('leaves probes alone', async () => {
    const { headers } = await probe.http.get('/probe/health').expect(200);
    expect(headers).not.toHaveProperty('ratelimit');
    expect((await db.sql.query('select 1 from rate_limit_tracking')).rowCount).toBe(0);
  });

  it('RATE_LIMITS=off counts nothing', async () => {
    const off = await startProbe(db.appUrl, { RATE_LIMITS: 'off' });
    try {
      const { headers } = await off.http.get('/probe').expect(200);
      expect(headers).not.toHaveProperty('ratelimit');
      expect((await db.sql.query('select 1 from rate_limit_tracking')).rowCount).toBe(0);
    } finally {
      await off.app.close();
    }
  });

  it('stand in the OpenAPI document', () => {
    const document = SwaggerModule.createDocument(probe.app, new DocumentBuilder().build());
    documentLimits(document);
    const operation = (path: string, method: 'get' | 'post') =>
      document.paths[path]![method]! as unknown as Record<string, unknown>;
    expect(operation('/probe', 'get')).toMatchObject({
      'x-rate-limit': { kind: 'api', by: ['account'] },
      responses: { 200: { headers: { RateLimit: { $ref: '#/components/headers/RateLimit' } } } },
    });
    expect(operation('/probe/mail', 'post')).toMatchObject({
      'x-rate-limit': { kind: 'auth', by: ['ip', 'recipient'] },
    });
    expect(operation('/probe/health', 'get')).toMatchObject({
      'x-rate-limit': false,
      responses: { 200: { description: '' } },
    });
    expect(document.components!.headers).toHaveProperty('Retry-After');
  });
});

describe('P5 limits without a database', () => {
  let probe: Probe | undefined;
  afterEach(async () => {
    await probe?.app.close();
    probe = undefined;
  });

  it('case 13: what guards sign-in is refused, and the rest goes on to its route', async () => {
    probe = await startProbe(`postgres://tenon:secret@127.0.0.1:${await freePort()}/none`);
    const { body, headers } = await probe.http.post('/probe/mail').send({ email: 'ada@example.com' }).expect(503);
    expect(body.code).toBe('service_unavailable');
    expect(headers).toHaveProperty('retry-after');
    await probe.http.post('/probe/strict').expect(503);
    await probe.http.get('/probe').expect(200);
    await probe.http.get('/probe/health').expect(200);
  });

  it('case 14: a request that has waited for a connection in vain is refused and does not wait again', async () => {
    // Takes connections and never answers.
    const silent = createServer(() => undefined);
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as { port: number };
    try {
      probe = await startProbe(`postgres://tenon:secret@127.0.0.1:${port}/none`);
      await probe.http.get('/probe').expect(503);
    } finally {
      silent.close();
    }
  });
});

describe('P5 expired limits', () => {
  it('are removed in batches, without those of running windows', async () => {
    const db = await createDatabase();
    const probe = await startProbe(db.appUrl);
    try {
      await db.sql.query(`
        insert into rate_limit_tracking select decode(md5(n::text), 'hex'), 'api-ip', 1, now() - interval '1 hour',
               now() + case when n <= 250 then -1 else 1 end * interval '1 minute' * (n % 7 + 1)
          from generate_series(1, 300) as n`);
      const { em } = probe.app.get(MikroORM);
      expect(await removeExpiredLimits(em.fork(), 20)).toBe(250);
      const { rows } = await db.sql.query(
        'select count(*)::int, min(expires_at) > now() as running from rate_limit_tracking',
      );
      expect(rows).toEqual([{ count: 50, running: true }]);
    } finally {
      await probe.app.close();
      await db.drop();
    }
  });
});

/** A process of its own that hits one key `count` times at once, with a limit of 100. */
async function hitsOfAProcess(
  url: string,
  key: string,
  count: number,
): Promise<{ totalHits: number; isBlocked: boolean }[]> {
  const script = `
    import { Pool } from 'pg';
    const [url, key, count, module] = process.argv.slice(1);
    const { PostgresLimitStorage } = await import(module);
    const pool = new Pool({ connectionString: url, max: 4 });
    const storage = new PostgresLimitStorage(async () => pool, Buffer.alloc(32, 9));
    const hits = Array.from({ length: Number(count) }, () => storage.increment(key, 60_000, 100, 60_000, 'test'));
    console.log(JSON.stringify(await Promise.all(hits)));
    await pool.end();`;
  const module = new URL('../src/limits/postgres-limit-storage.ts', import.meta.url).href;
  const args = ['--no-warnings', '--input-type=module', '--eval', script, '--', url, key, String(count), module];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return JSON.parse(stdout) as { totalHits: number; isBlocked: boolean }[];
}
