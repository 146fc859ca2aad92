import { createServer } from 'node:net';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { documentLimits } from '../src/limits/limits.openapi.js';
import { LimitsService } from '../src/limits/limits.service.js';
import { limits } from '../src/limits/limits.js';
import { freePort, PASSWORD, startApp, type TestApp } from './harness/app.js';
import { createDatabase, type TestDatabase } from './harness/database.js';
import { newEmail } from './harness/people.js';
import { type Probe, startProbe } from './limits.probe.js';

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

describe('P5 limits of the application', () => {
  let tenon: TestApp;
  beforeAll(async () => {
    tenon = await startApp({ env: { RATE_LIMITS: 'on' } });
  });
  afterAll(() => tenon.close());
  beforeEach(() => tenon.db.sql.query('truncate rate_limit_tracking'));
  const fill = () => tenon.db.sql.query('update rate_limit_tracking set hits = 10000');

  it('case 9, 10: signing in is limited by address, whatever the headers and the path say', async () => {
    const login = (path = '/api/v1/auth/login') =>
      tenon.http.post(path).send({ email: 'nobody@example.com', password: 'not the right one' });
    const { headers } = await login().expect(401);
    expect(headers['ratelimit-policy']).toBe('"auth-ip";q=600;w=60');
    await fill();
    const { body } = await login().set('x-forwarded-for', '198.51.100.1').expect(429);
    expect(body.code).toBe('rate_limit_exceeded');
    for (const path of ['//api/v1/auth/login', '/api/v1/auth/login/', '/API/v1/auth/LOGIN', '/api/v1/auth/%6cogin'])
      expect([404, 429], path).toContain((await login(path)).status);
  });

  it('case 9: behind a trusted proxy a port makes no other client, and no text stands for an address', async () => {
    const behind = await startApp({ db: tenon.db, env: { RATE_LIMITS: 'on', TRUST_PROXY: 'loopback' } });
    try {
      const register = (forwarded: string, email = newEmail()) =>
        behind.http
          .post('/api/v1/auth/register')
          .set('x-forwarded-for', forwarded)
          .send({ email, password: PASSWORD, fullName: 'Ada Lovelace' });
      const email = newEmail();
      await register('203.0.113.7:52100', email).expect(201);
      await register('198.51.100.1, https://evil.example/', email).expect(201);
      const { rows } = await tenon.db.sql.query('select ip from registrations where email = $1 order by id', [email]);
      expect(rows).toEqual([{ ip: '203.0.113.7' }, { ip: '127.0.0.1' }]);
      await fill();
      await register('203.0.113.7:52101').expect(429);
      await register('https://other.example/').expect(429);
      await register('203.0.113.8').expect(201);
    } finally {
      await behind.close();
    }
  });

  it('a flood of wrong tokens meets a limit', async () => {
    const wrong = () => tenon.http.get('/api/v1/auth/sessions').set('authorization', 'Bearer wrong');
    await wrong().expect(401);
    await fill();
    const { body, headers } = await wrong().expect(429);
    expect(body.code).toBe('rate_limit_exceeded');
    expect(headers).toHaveProperty('retry-after');
  });
});
