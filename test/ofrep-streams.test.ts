import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ChangeBus } from '../src/database/change-bus.js';
import { EventStreams } from '../src/features/openfeature/event-streams.js';
import { StreamLimits } from '../src/features/openfeature/stream-limits.js';
import { StreamTokens } from '../src/features/openfeature/stream-tokens.js';
import { insertApiKey, insertServiceAccount, type KeyOwner } from './harness/api-keys.js';
import { startApp, type TestApp } from './harness/app.js';
import { createDatabase, type TestDatabase } from './harness/database.js';
import { changeFeatures, insertFeatures } from './harness/features.js';
import { askFlags } from './harness/flags.js';
import { insertOrganization } from './harness/organizations.js';
import { PostgresProxy } from './harness/postgres-proxy.js';

const MINUTE = 60_000;
/** Tokens of one instance are those of the other. */
const PUBLIC_URL = 'https://tenon.test';

let db: TestDatabase;
let proxy: PostgresProxy;
let tenon: TestApp;
/** Another instance, whose LISTEN goes through the proxy. */
let second: TestApp;
let organizationId: string;
let owner: KeyOwner;
beforeAll(async () => {
  db = await createDatabase();
  proxy = await PostgresProxy.start(db.appUrl);
  tenon = await startApp({ db, env: { PUBLIC_URL } });
  second = await startApp({ db, env: { PUBLIC_URL, DATABASE_DIRECT_URL: proxy.url } });
  ({ organizationId } = await insertOrganization(db));
  owner = await insertServiceAccount(db, organizationId);
});
afterAll(async () => {
  await Promise.all([tenon.close(), second.close()]);
  await proxy.close();
  await db.drop();
});

const newKey = () => insertApiKey(db, organizationId, owner);
/** A token that was made so many minutes ago. */
const tokenOf = (keyId: string, minutesAgo = 0): string =>
  tenon.app
    .get(StreamTokens)
    .issue({ keyId, organizationId, environment: 'production' }, Date.now() - minutesAgo * MINUTE);

/** Opens a stream; it stays open until `close` is called. */
async function open(token: string): Promise<{ status: number; code?: string; retryAfter: string | null }> {
  const stop = new AbortController();
  const answer = await fetch(`${tenon.url}/ofrep/v1/events?token=${token}`, { signal: stop.signal });
  if (answer.status === 200) opened.push(stop);
  const code = answer.status === 200 ? undefined : ((await answer.json()) as { code: string }).code;
  return { status: answer.status, ...(code && { code }), retryAfter: answer.headers.get('retry-after') };
}
const opened: AbortController[] = [];
async function close(how = opened.length): Promise<void> {
  const before = tenon.app.get(EventStreams).size;
  for (const stop of opened.splice(0, how)) stop.abort();
  await expect.poll(() => tenon.app.get(EventStreams).size).toBe(before - how);
}

describe('F8 how many change streams are open', () => {
  const limits = (): StreamLimits => tenon.app.get(StreamLimits);
  afterEach(async () => {
    await close();
    Object.assign(limits(), new StreamLimits());
  });

  it('2,000 of a key and 5,000 in all', () => {
    expect(limits()).toEqual({ ofKey: 2_000, all: 5_000 });
  });

  it('of one key: 429 beyond it, also at once, until one is closed; another key has its own', async () => {
    limits().ofKey = 5;
    const [one, other] = [tokenOf((await newKey()).id), tokenOf((await newKey()).id)];
    const answers = await Promise.all(Array.from({ length: 20 }, () => open(one)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(5);
    for (const answer of answers.filter(({ status }) => status !== 200))
      expect(answer).toEqual({ status: 429, code: 'rate_limit_exceeded', retryAfter: '30' });
    expect((await open(other)).status).toBe(200);
    await close(1);
    expect((await open(one)).status).toBe(200);
    expect((await open(one)).status).toBe(429);
  });

  it('of a process: 503 beyond it, whosever they are, until one is closed', async () => {
    limits().all = 3;
    const tokens = await Promise.all(Array.from({ length: 5 }, async () => tokenOf((await newKey()).id)));
    const answers = await Promise.all(tokens.map((token) => open(token)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(3);
    for (const answer of answers.filter(({ status }) => status !== 200))
      expect(answer).toEqual({ status: 503, code: 'service_unavailable', retryAfter: '30' });
    await close(1);
    expect((await open(tokens[0]!)).status).toBe(200);
  });

  it('what is refused for another reason is not counted', async () => {
    limits().ofKey = 1;
    const { id } = await newKey();
    await db.sql.query(`update api_keys set expires_at = now() where id = $1`, [id]);
    for (let times = 0; times < 3; times += 1) expect((await open(tokenOf(id))).code).toBe('token_invalid');
    expect(tenon.app.get(EventStreams).size).toBe(0);
  });
});

describe('F8 tokens of streams', () => {
  afterEach(() => close());

  it('open one for at least 5 minutes and never after 10', async () => {
    const { id } = await newKey();
    for (const minutes of [0, 4]) expect((await open(tokenOf(id, minutes))).status).toBe(200);
    for (const minutes of [10, 11, 60 * 24])
      expect(await open(tokenOf(id, minutes))).toMatchObject({ status: 401, code: 'token_invalid' });
  });

  it('are refused when anything in them is another', async () => {
    const [right, secretId, signature] = tokenOf((await newKey()).id).split('.') as [string, string, string];
    const later = Buffer.from(
      JSON.stringify([...(JSON.parse(Buffer.from(right, 'base64url').toString()) as unknown[]).slice(0, 3), 1e15]),
    ).toString('base64url');
    for (const token of [
      `${later}.${secretId}.${signature}`,
      `${right}.unknown.${signature}`,
      `${right}.${secretId}.${signature.slice(1)}`,
      `${right}.${secretId}.`,
      right,
      '',
      '..',
    ])
      expect(await open(token), token).toMatchObject({ status: 401, code: 'token_invalid' });
  });
});

describe('F8 case 35: OFREP on two instances', () => {
  const setDefault = (key: string, value: boolean): Promise<void> =>
    changeFeatures(tenon, [key], (em) =>
      em.execute('update feature_definitions set default_value = ?::jsonb where key = ?', [String(value), key]),
    );

  it('the same state is the same answer and tag on both, and a tag of one is known to the other', async () => {
    await insertFeatures(tenon, { defaultValue: true }, {});
    const { auth } = await newKey();
    const first = await askFlags(tenon, auth);
    await expect.poll(async () => (await askFlags(second, auth)).etag).toBe(first.etag);
    expect((await askFlags(second, auth)).body).toEqual(first.body);
    const again = await askFlags(second, auth, { 'if-none-match': first.etag! });
    expect([again.status, again.body]).toEqual([304, null]);
  });

  it.each(['cut', 'swallowed'] as const)('while the bus is %s, what is changed elsewhere is answered', async (how) => {
    const [key] = await insertFeatures(tenon, {});
    const { auth } = await newKey();
    const value = async (): Promise<unknown> => (await askFlags(second, auth, { key })).body.value;
    await expect.poll(value).toBe(false);
    if (how === 'cut') {
      proxy.refusing = true;
      proxy.cut();
    } else proxy.swallowing = true;
    const bus = second.app.get(ChangeBus);
    await expect.poll(() => bus.up).toBe(false);
    try {
      for (const wanted of [true, false, true]) {
        const before = await askFlags(second, auth);
        await setDefault(key!, wanted);
        expect(await value()).toBe(wanted);
        const after = await askFlags(second, auth, { 'if-none-match': before.etag! });
        expect([after.status, after.etag]).toEqual([200, (await askFlags(tenon, auth)).etag]);
      }
      await db.sql.query('delete from api_keys where organization_id = $1', [organizationId]);
      expect((await askFlags(second, auth, { key })).status).toBe(401);
    } finally {
      proxy.refusing = proxy.swallowing = false;
    }
    await expect.poll(() => bus.up).toBe(true);
    expect((await askFlags(second, (await newKey()).auth, { key })).body.value).toBe(true);
  });
});
