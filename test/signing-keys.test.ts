import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from 'jose';
import { Client } from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { rotateSigningKeys } from '../src/auth/tokens/rotate-signing-keys.js';
import { Actor } from '../src/kernel/actor.js';
import { newId } from '../src/kernel/ids.js';
import { createDatabase, type TestDatabase } from './harness/database.js';
import { PostgresProxy } from './harness/postgres-proxy.js';
import { PUBLIC_URL, startTokens, type TokensInstance } from './harness/tokens.js';

const OPERATOR = Actor.system('test');

let db: TestDatabase;
const instances: TokensInstance[] = [];

beforeEach(async () => {
  db = await createDatabase();
});
afterEach(async () => {
  for (const instance of instances.splice(0)) await instance.close();
  await db.drop();
});

async function start(...options: Parameters<typeof startTokens>[1][]): Promise<TokensInstance[]> {
  const started = await Promise.all(options.map((each) => startTokens(db, each)));
  instances.push(...started);
  return started;
}

async function jwksOf({ app }: TokensInstance) {
  const response = await app.inject('/.well-known/jwks.json');
  return {
    ...response,
    jwks: response.json<JSONWebKeySet>(),
    kids: response.json<JSONWebKeySet>().keys.map(({ kid }) => kid),
  };
}

async function issue({ tokens }: TokensInstance) {
  const grant = { userId: newId(), sessionId: newId(), authTime: new Date(), methods: ['pwd'] };
  const { token } = tokens.issue(grant);
  return { token, kid: decodeProtectedHeader(token).kid };
}

function audited() {
  return db.sql
    .query(`select action, actor_kind, actor_name, target_id, before, after from audit_log order by id`)
    .then(({ rows }) => rows as Record<string, unknown>[]);
}

/** What an operator's SQL, or the clock, would do; heard by every instance. */
async function change(sql: string): Promise<void> {
  await db.sql.query(sql);
  await db.sql.query(`select pg_notify('tenon_changes', '{"topic":"signing-keys","keys":["x"]}')`);
}

describe('A7 signing keys', () => {
  it('case 16: of instances that start at once on an empty database, one makes the key, and says so in the trail', async () => {
    const all = await start({}, {}, {}, {});
    const { rows } = await db.sql.query<{ kid: string }>('select kid from signing_keys');
    expect(rows).toHaveLength(1);
    for (const instance of all) {
      expect((await jwksOf(instance)).kids).toEqual([rows[0]!.kid]);
      expect((await issue(instance)).kid).toBe(rows[0]!.kid);
    }
    expect(await audited()).toEqual([
      expect.objectContaining({
        action: 'signing_key.created',
        actor_kind: 'system',
        actor_name: 'signing-keys',
        target_id: rows[0]!.kid,
      }),
    ]);
  });

  it('a later start finds the key that is there', async () => {
    const [first] = await start({});
    const { token } = await issue(first!);
    const [second] = await start({});
    await expect(second!.tokens.verify(token)).resolves.toBeDefined();
    expect(await audited()).toHaveLength(1);
  });

  it('publishes what others need to verify a token, and nothing private', async () => {
    const [instance] = await start({});
    const { headers, statusCode, jwks } = await jwksOf(instance!);
    expect(statusCode).toBe(200);
    expect(headers['cache-control']).toBe('public, max-age=300');
    expect(headers['content-type']).toMatch(/^application\/json/);
    expect(jwks).toEqual({
      keys: [{ kty: 'OKP', crv: 'Ed25519', x: expect.any(String), kid: expect.any(String), alg: 'EdDSA', use: 'sig' }],
    });
    const { token } = await issue(instance!);
    const { payload } = await jwtVerify(token, createLocalJWKSet(jwks), {
      algorithms: ['EdDSA'],
      issuer: PUBLIC_URL,
      audience: `${PUBLIC_URL}/api`,
      typ: 'at+jwt',
    });
    expect(payload).toEqual(decodeJwt(token));
  });

  it('case 12: the private key is sealed for its row, and out of reach for the login of the application', async () => {
    await start({});
    const { rows } = await db.sql.query<{ row: string }>('select signing_keys::text as row from signing_keys');
    expect(rows[0]!.row).toMatch(/v1\.test\./);
    expect(rows[0]!.row).not.toMatch(/PRIVATE|MC4CAQ/);
    const client = new Client({ connectionString: db.appUrl });
    await client.connect();
    for (const sql of ['select * from signing_keys', 'delete from signing_keys', 'update signing_keys set kid = kid'])
      await expect(client.query(sql)).rejects.toMatchObject({ code: '42501' });
    await client.end();
    await expect(startTokens(db, { secretKeys: [{ id: 'test', key: Buffer.alloc(32, 8) }] })).rejects.toThrow(
      /does not open/,
    );
    await expect(startTokens(db, { secretKeys: [{ id: 'other', key: Buffer.alloc(32, 7) }] })).rejects.toThrow(
      /does not open: No secret key with the id "test"/,
    );
    await db.sql.query('update signing_keys set kid = gen_random_uuid()');
    await expect(startTokens(db)).rejects.toThrow(/does not open/);
  });

  it('rotates with overlap: published first, then signing, and the old one verifies until its tokens are over', async () => {
    const [one, two] = await start({}, {});
    const old = await issue(one!);
    const kid = await one!.keys.rotate(OPERATOR);
    for (const instance of [one!, two!]) {
      await expect.poll(async () => (await jwksOf(instance)).kids).toEqual(expect.arrayContaining([old.kid, kid]));
      expect((await issue(instance)).kid).toBe(old.kid);
    }
    const { rows } = await db.sql.query(
      `select extract(epoch from n.activated_at - now()) > 590 as leads, o.retired_at = n.activated_at as hands_over,
              o.expires_at - o.retired_at >= interval '16 minutes' as overlaps
         from signing_keys o, signing_keys n where o.retired_at is not null and n.retired_at is null`,
    );
    expect(rows).toEqual([{ leads: true, hands_over: true, overlaps: true }]);

    await change(`update signing_keys set activated_at = now() where retired_at is null`);
    for (const instance of [one!, two!]) await expect.poll(async () => (await issue(instance)).kid).toBe(kid);
    for (const instance of [one!, two!]) {
      await expect(instance.tokens.verify(old.token)).resolves.toBeDefined();
      expect(instance.tokens.verifyCached(old.token)).toBeDefined();
    }

    await change(`update signing_keys set expires_at = now() where retired_at is not null`);
    for (const instance of [one!, two!]) {
      await expect.poll(() => instance.tokens.verifyCached(old.token)).toBeUndefined();
      await expect(instance.tokens.verify(old.token)).rejects.toMatchObject({ code: 'token_invalid' });
      expect((await jwksOf(instance)).kids).toEqual([kid]);
    }
    expect((await audited()).at(-1)).toMatchObject({
      action: 'signing_key.rotated',
      actor_kind: 'system',
      target_id: kid,
      before: { kid: old.kid },
      after: { kid, algorithm: 'EdDSA' },
    });
  });

  it('a key takes over, and ends, by time alone', async () => {
    const [instance] = await start({});
    const old = await issue(instance!);
    await instance!.tokens.verify(old.token);
    const kid = await instance!.keys.rotate(OPERATOR);
    await change(
      `update signing_keys set activated_at = least(activated_at, now() + interval '1 second'),
                               expires_at = case when retired_at is not null then now() + interval '2 seconds' end`,
    );
    await expect.poll(async () => (await issue(instance!)).kid).toBe(kid);
    await expect.poll(() => instance!.tokens.verifyCached(old.token)).toBeUndefined();
    expect((await jwksOf(instance!)).kids).toEqual([kid]);
  });

  it('case 1: of 50 rotations at once on two instances, one rotates', async () => {
    const both = await start({}, {});
    const made = await Promise.all(Array.from({ length: 50 }, (_, n) => both[n % 2]!.keys.rotate(OPERATOR)));
    expect(made.filter((kid) => kid !== null)).toHaveLength(1);
    expect((await db.sql.query('select from signing_keys')).rows).toHaveLength(2);
    expect(await audited()).toHaveLength(2);
  });

  it('case 6: a rotation whose audit entry fails is none', async () => {
    const [instance] = await start({});
    await db.sql.query(`alter table audit_log add constraint no check (action <> 'signing_key.rotated')`);
    await expect(instance!.keys.rotate(OPERATOR)).rejects.toThrow();
    expect((await db.sql.query('select from signing_keys where retired_at is null')).rows).toHaveLength(1);
    expect((await jwksOf(instance!)).kids).toHaveLength(1);
  });

  it('the schedule rotates after 90 days, and removes what no longer verifies', async () => {
    const [instance] = await start({});
    const schedule = rotateSigningKeys(instance!.keys);
    const run = () => schedule.run(new AbortController().signal, new Date());
    const { kid: first } = await issue(instance!);
    await change(`update signing_keys set activated_at = now() - interval '89 days'`);
    expect(await run()).toBeNull();
    await change(`update signing_keys set activated_at = now() - interval '90 days'`);
    const second = await run();
    expect(second).toEqual(expect.any(String));
    expect(await run()).toBeNull();
    await change(`update signing_keys set expires_at = now() - interval '1 second' where retired_at is not null`);
    expect(await run()).toBeNull();
    const { rows } = await db.sql.query('select kid from signing_keys');
    expect(rows).toEqual([{ kid: second }]);
    expect((await audited()).map(({ action, target_id }) => [action, target_id])).toEqual([
      ['signing_key.created', first],
      ['signing_key.rotated', second],
      ['signing_key.removed', first],
    ]);
  });

  it('an instance that does not hear of a new key finds it when a token names it', async () => {
    const proxy = await PostgresProxy.start(db.appUrl);
    proxy.swallowing = true;
    const [one, deaf] = await start({}, { directUrl: proxy.url });
    const kid = await one!.keys.rotate(OPERATOR);
    await change(`update signing_keys set activated_at = now() where retired_at is null`);
    await expect.poll(async () => (await issue(one!)).kid).toBe(kid);
    expect(deaf!.bus.up).toBe(false);
    expect(deaf!.keys.verifier(kid!)).toBeUndefined();
    const { token } = await issue(one!);
    const answers = await Promise.all(Array.from({ length: 50 }, () => deaf!.tokens.verify(token)));
    expect(answers).toHaveLength(50);
    await proxy.close();
  });

  it('case 22: 200 tokens with invented key ids ask the database once, and are all refused', async () => {
    const [instance] = await start({});
    const { token } = await issue(instance!);
    const invented = Array.from({ length: 200 }, () => {
      const header = { ...decodeProtectedHeader(token), kid: newId() };
      return [Buffer.from(JSON.stringify(header)).toString('base64url'), ...token.split('.').slice(1)].join('.');
    });
    const lock = await db.sql.connect();
    await lock.query('begin; lock table signing_keys in access exclusive mode');
    const answers = Promise.allSettled(invented.map((each) => instance!.tokens.verify(each)));
    const waiting = async () => {
      const { rows } = await db.sql.query(
        `select from pg_stat_activity
          where datname = current_database() and wait_event_type = 'Lock' and query like '%from signing_keys%'`,
      );
      return rows.length;
    };
    await expect.poll(waiting).toBe(1);
    // A known key goes on verifying meanwhile.
    await expect(instance!.tokens.verify(token)).resolves.toBeDefined();
    expect(await waiting()).toBe(1);
    await lock.query('rollback');
    lock.release();
    for (const answer of await answers)
      expect(answer).toMatchObject({ status: 'rejected', reason: { code: 'token_invalid' } });
  });
});
