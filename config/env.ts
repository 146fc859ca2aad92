import { isIP } from 'node:net';
import { availableParallelism } from 'node:os';
import parseAddress from 'nodemailer/lib/addressparser';

/** Everything that is wrong with the environment, told at once. */
export class EnvError extends Error {
  constructor(readonly problems: readonly string[]) {
    super(`The environment is not usable:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.name = 'EnvError';
  }
}

/** One key that encrypts secrets at rest; the first of the list encrypts, all of them decrypt. */
export interface SecretKey {
  id: string;
  /** 32 bytes. */
  key: Buffer;
}

const NODE_ENVS = ['development', 'production', 'test'] as const;
const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

/** Domains that RFC 2606 keeps for examples and tests, and what people put behind a plus sign. */
const TEST_ADDRESSES = ['*@example.com', '*@example.net', '*@example.org', '*@*.example', '*@*.test', '*+test@*'];

/** The validated environment. The only reader of `process.env` is {@link loadEnv}; everybody else is given this. */
export class Env {
  readonly nodeEnv!: (typeof NODE_ENVS)[number];
  readonly host!: string;
  readonly port!: number;
  /** Base of every link; never the request's Host header. Without a trailing slash. */
  readonly publicUrl!: string;
  /** Where the links of mails lead. Without a trailing slash. */
  readonly appUrl!: string;
  readonly corsOrigins!: readonly string[];
  readonly databaseUrl?: string;
  readonly databaseOwnerUrl?: string;
  readonly databaseDirectUrl?: string;
  /** Connections of this process's pool. */
  readonly databasePoolSize!: number;
  readonly dataDir!: string;
  readonly redisUrl?: string;
  readonly mailUrl?: string;
  readonly mailFrom!: Readonly<{ name: string; address: string }>;
  /** Empty: keys are generated in {@link dataDir} (development only). */
  readonly secretKeys!: readonly SecretKey[];
  readonly adminEmail?: string;
  readonly adminPassword?: string;
  /** In code points. */
  readonly passwordMinLength!: number;
  readonly rateLimits!: boolean;
  /** What Fastify's `trustProxy` takes: false, or the addresses and networks that may set X-Forwarded-For. */
  readonly trustProxy!: false | string[];
  /** `ip` or `ip:port` of the resolvers that look for proofs of domains and receivers of webhooks; empty: the system's. */
  readonly dnsServers!: readonly string[];
  /** `public`: by https to public addresses; `any`: by http, too, and into this network. */
  readonly webhookTargets!: 'public' | 'any';
  readonly docs!: boolean;
  readonly metricsToken?: string;
  readonly allowEmbedded!: boolean;
  /** Whether a purge may be executed: in production only with PURGE_ALLOWED=1. */
  readonly purgeAllowed!: boolean;
  /** Addresses of test accounts, lower case; `*` stands for anything. */
  readonly purgeTestAddresses!: readonly string[];
  readonly logLevel!: (typeof LOG_LEVELS)[number];

  get production(): boolean {
    return this.nodeEnv === 'production';
  }
}

/**
 * Reads and validates the environment.
 * @param also what a room finds wrong with it, told with the rest.
 * @throws EnvError that names every wrong or missing value, not only the first.
 */
export function loadEnv(
  source: Readonly<Record<string, string | undefined>> = process.env,
  also: (env: Env) => readonly string[] = () => [],
): Env {
  const problems: string[] = [];
  const read = new Reader(source, problems);

  const nodeEnv = read.oneOf('NODE_ENV', NODE_ENVS, 'development');
  const production = nodeEnv === 'production';
  const host = read.text('HOST') ?? '127.0.0.1';
  const port = read.integer('PORT', 3000, 0, 65_535);
  const urlHost = isIP(host) === 6 ? `[${host}]` : host;
  const publicUrl = read.url('PUBLIC_URL', ['http:', 'https:']) ?? `http://${urlHost}:${port}`;
  const env: Env = Object.assign(new Env(), {
    nodeEnv,
    host,
    port,
    publicUrl,
    appUrl: read.url('APP_URL', ['http:', 'https:']) ?? publicUrl,
    corsOrigins: read.origins('CORS_ORIGINS'),
    databaseUrl: read.url('DATABASE_URL', ['postgres:', 'postgresql:']),
    databaseOwnerUrl: read.url('DATABASE_OWNER_URL', ['postgres:', 'postgresql:']),
    databaseDirectUrl: read.url('DATABASE_DIRECT_URL', ['postgres:', 'postgresql:']),
    databasePoolSize: read.integer('DATABASE_POOL_SIZE', Math.max(10, availableParallelism() * 4), 2, 500),
    dataDir: read.text('DATA_DIR') ?? '.tenon',
    redisUrl: read.url('REDIS_URL', ['redis:', 'rediss:']),
    mailUrl: read.url('MAIL_URL', ['smtp:', 'smtps:']),
    mailFrom: read.mailbox('MAIL_FROM', { name: 'Tenon', address: 'no-reply@localhost' }),
    secretKeys: read.secretKeys('SECRET_KEYS'),
    adminEmail: read.text('ADMIN_EMAIL'),
    adminPassword: read.text('ADMIN_PASSWORD'),
    // NIST SP 800-63B-4, 3.1.1.2: 15 where the password is the only factor, never below 8.
    passwordMinLength: read.integer('PASSWORD_MIN_LENGTH', 15, 8, 128),
    rateLimits: read.oneOf('RATE_LIMITS', ['on', 'off'], 'on') === 'on',
    trustProxy: read.proxies('TRUST_PROXY'),
    dnsServers: read.dnsServers('DNS_SERVERS'),
    webhookTargets: read.oneOf('WEBHOOK_TARGETS', ['public', 'any'], 'public'),
    docs: read.oneOf('DOCS', ['on', 'off'], 'on') === 'on',
    metricsToken: read.text('METRICS_TOKEN'),
    allowEmbedded: read.oneOf('ALLOW_EMBEDDED', ['1', '0'], '0') === '1',
    purgeAllowed: read.oneOf('PURGE_ALLOWED', ['1', '0'], '0') === '1' || !production,
    purgeTestAddresses: read.addressPatterns('PURGE_TEST_ADDRESSES', TEST_ADDRESSES),
    logLevel: read.oneOf('LOG_LEVEL', LOG_LEVELS, nodeEnv === 'test' ? 'silent' : 'info'),
  });

  if (env.databaseOwnerUrl && !env.databaseUrl) problems.push('DATABASE_OWNER_URL is set, but DATABASE_URL is not');
  if (production) {
    if (!env.mailUrl) problems.push('MAIL_URL is required in production');
    if (env.secretKeys.length === 0) problems.push('SECRET_KEYS is required in production (id:base64 of 32 bytes)');
    if (!env.rateLimits) problems.push('RATE_LIMITS=off is refused in production');
    if (!env.databaseUrl && !env.allowEmbedded)
      problems.push('DATABASE_URL is required in production (or ALLOW_EMBEDDED=1 for the embedded database)');
  }
  problems.push(...also(env));
  if (problems.length > 0) throw new EnvError(problems);
  return Object.freeze(env);
}

class Reader {
  constructor(
    private readonly source: Readonly<Record<string, string | undefined>>,
    private readonly problems: string[],
  ) {}

  text(name: string): string | undefined {
    const value = this.source[name]?.trim();
    return value === '' ? undefined : value;
  }

  integer(name: string, fallback: number, min: number, max: number): number {
    const text = this.text(name);
    if (text === undefined) return fallback;
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < min || value > max) {
      this.problems.push(`${name} must be a whole number from ${min} to ${max}`);
      return fallback;
    }
    return value;
  }

  oneOf<T extends string>(name: string, allowed: readonly T[], fallback: T): T {
    const text = this.text(name);
    if (text === undefined) return fallback;
    if ((allowed as readonly string[]).includes(text)) return text as T;
    this.problems.push(`${name} must be one of ${allowed.join(', ')}`);
    return fallback;
  }

  url(name: string, protocols: readonly string[]): string | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const url = URL.parse(text);
    // The value itself may hold a password: it is never repeated.
    if (!url || !protocols.includes(url.protocol)) {
      this.problems.push(`${name} must be a URL that starts with ${protocols.map((p) => `${p}//`).join(' or ')}`);
      return undefined;
    }
    if (url.protocol.startsWith('http')) {
      if (url.search || url.hash || url.username) this.problems.push(`${name} takes no query, fragment or user`);
      return text.replace(/\/+$/, '');
    }
    return text;
  }

  mailbox(name: string, fallback: Env['mailFrom']): Env['mailFrom'] {
    const text = this.text(name);
    if (text === undefined) return fallback;
    const [mailbox, second] = parseAddress(text, { flatten: true });
    if (mailbox && !second && !/[\r\n]/.test(text) && /^[^@\s]+@[^@\s]+$/.test(mailbox.address)) return mailbox;
    this.problems.push(`${name} is no address such as "Tenon <no-reply@example.com>"`);
    return fallback;
  }

  origins(name: string): string[] {
    const list = this.list(name);
    for (const item of list) {
      const url = URL.parse(item);
      if (!url || url.origin !== item)
        this.problems.push(`${name}: "${item}" is not an origin such as https://app.example.com`);
    }
    return list;
  }

  proxies(name: string): false | string[] {
    const text = this.text(name);
    if (text === undefined || text === 'off') return false;
    const list = this.list(name);
    const names = ['loopback', 'linklocal', 'uniquelocal'];
    for (const item of list) {
      const [address = '', prefix] = item.split('/');
      const bits = isIP(address) === 6 ? 128 : 32;
      const network =
        isIP(address) !== 0 && (prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits));
      if (!network && !names.includes(item))
        this.problems.push(`${name}: "${item}" is no address, network (10.0.0.0/8) or one of ${names.join(', ')}`);
    }
    return list;
  }

  dnsServers(name: string): string[] {
    const list = this.list(name);
    for (const item of list) {
      const [, inBrackets, v4, port] = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(item) ?? [];
      const server = port === undefined ? isIP(item) !== 0 : isIP(inBrackets ?? '') === 6 || isIP(v4 ?? '') === 4;
      if (!server || Number(port ?? 53) < 1 || Number(port ?? 53) > 65_535)
        this.problems.push(
          `${name}: "${item}" is no address of a DNS server such as 192.0.2.53, 192.0.2.53:53 or [::1]:53`,
        );
    }
    return list;
  }

  addressPatterns(name: string, fallback: readonly string[]): readonly string[] {
    const list = this.list(name).map((item) => item.toLowerCase());
    for (const item of list)
      // `*@*` would be everybody.
      if (!/^[^@\s]+@[^@\s]+$/.test(item) || !/[^*@.]/.test(item))
        this.problems.push(`${name}: "${item}" is no pattern of addresses such as *@example.com or *+test@*`);
    return list.length > 0 ? list : fallback;
  }

  secretKeys(name: string): SecretKey[] {
    const keys = this.list(name).map((item) => {
      const [id = '', encoded = ''] = item.split(/:(.*)/s);
      return { id, key: Buffer.from(encoded, 'base64') };
    });
    for (const { id, key } of keys) {
      if (!/^[A-Za-z0-9_-]{1,32}$/.test(id))
        this.problems.push(`${name}: a key's id is 1 to 32 letters, digits, _ or -`);
      else if (key.length !== 32) this.problems.push(`${name}: key "${id}" is not 32 bytes of base64`);
    }
    if (new Set(keys.map(({ id }) => id)).size < keys.length) this.problems.push(`${name}: an id is given twice`);
    return keys;
  }

  private list(name: string): string[] {
    return (this.text(name) ?? '')
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== '');
  }
}
