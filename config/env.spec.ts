import { describe, expect, it } from 'vitest';
import { EnvError, loadEnv } from './env.js';

const KEY = `k1:${Buffer.alloc(32, 1).toString('base64')}`;
const PRODUCTION = {
  NODE_ENV: 'production',
  DATABASE_URL: 'postgres://tenon:secret@db/tenon',
  MAIL_URL: 'smtp://mail:25',
  SECRET_KEYS: KEY,
};

function problemsOf(source: Record<string, string>): readonly string[] {
  try {
    loadEnv(source);
  } catch (error) {
    if (error instanceof EnvError) return error.problems;
    throw error;
  }
  return [];
}

describe('P1 the environment', () => {
  it('has the defaults of the contract', () => {
    expect(loadEnv({})).toMatchObject({
      host: '127.0.0.1',
      port: 3000,
      publicUrl: 'http://127.0.0.1:3000',
      appUrl: 'http://127.0.0.1:3000',
      dataDir: '.tenon',
      passwordMinLength: 15,
      rateLimits: true,
      trustProxy: false,
      docs: true,
      nodeEnv: 'development',
      mailFrom: { name: 'Tenon', address: 'no-reply@localhost' },
    });
  });

  it('names every problem at once, and repeats no secret', () => {
    const problems = problemsOf({
      PORT: '99999',
      PASSWORD_MIN_LENGTH: '7',
      DATABASE_URL: 'mysql://root:hunter2@db/x',
      SECRET_KEYS: 'k1:c2hvcnQ=,k1:c2hvcnQ=',
      TRUST_PROXY: 'everybody',
      CORS_ORIGINS: 'https://app.example.com/path',
      RATE_LIMITS: 'sometimes',
      DNS_SERVERS: 'dns.example.com',
      WEBHOOK_TARGETS: 'private',
      MAIL_FROM: 'nobody',
    });
    for (const name of [
      'PORT',
      'PASSWORD_MIN_LENGTH',
      'DATABASE_URL',
      'SECRET_KEYS',
      'TRUST_PROXY',
      'CORS_ORIGINS',
      'RATE_LIMITS',
      'DNS_SERVERS',
      'WEBHOOK_TARGETS',
      'MAIL_FROM',
    ])
      expect(problems.some((problem) => problem.startsWith(name))).toBe(true);
    expect(problems.join()).not.toContain('hunter2');
    expect(problems.join()).not.toContain('c2hvcnQ');
  });

  it('takes production as the contract describes it, and nothing less', () => {
    expect(problemsOf(PRODUCTION)).toEqual([]);
    for (const name of ['DATABASE_URL', 'MAIL_URL', 'SECRET_KEYS'] as const) {
      const { [name]: _, ...rest } = PRODUCTION;
      expect(problemsOf(rest).some((problem) => problem.startsWith(name))).toBe(true);
    }
    expect(problemsOf({ ...PRODUCTION, RATE_LIMITS: 'off' })).toEqual(['RATE_LIMITS=off is refused in production']);
    const { DATABASE_URL: _, ...embedded } = PRODUCTION;
    expect(problemsOf({ ...embedded, ALLOW_EMBEDDED: '1' })).toEqual([]);
  });

  it('counts an empty value as none', () => {
    expect(loadEnv({ DATABASE_URL: '', PORT: ' ', REDIS_URL: '' })).toMatchObject({
      port: 3000,
      databaseUrl: undefined,
    });
  });

  it('trusts the proxies that are named, and their networks', () => {
    expect(loadEnv({ TRUST_PROXY: '10.0.0.0/8, loopback, ::1' }).trustProxy).toEqual(['10.0.0.0/8', 'loopback', '::1']);
    expect(loadEnv({ TRUST_PROXY: 'off' }).trustProxy).toBe(false);
  });

  it('takes DNS servers by address, with a port or without', () => {
    const servers = ['192.0.2.53', '127.0.0.1:5353', '2001:db8::53', '[::1]:53'];
    expect(loadEnv({ DNS_SERVERS: servers.join(', ') }).dnsServers).toEqual(servers);
    expect(loadEnv({}).dnsServers).toEqual([]);
    for (const wrong of ['localhost', '192.0.2.53:', '192.0.2.53:0', '192.0.2.53:65536', '[192.0.2.53]:53', '::1:x'])
      expect(problemsOf({ DNS_SERVERS: wrong }), wrong).toHaveLength(1);
  });
});
