import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, SignJWT, decodeJwt, decodeProtectedHeader } from 'jose';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { errors } from '../src/kernel/errors.js';
import { newId } from '../src/kernel/ids.js';
import { newToken } from '../src/kernel/tokens.js';
import { createDatabase, type TestDatabase } from './harness/database.js';
import { PUBLIC_URL, startTokens, type TokensInstance } from './harness/tokens.js';

let db: TestDatabase;
let instance: TokensInstance;

beforeAll(async () => {
  db = await createDatabase();
  instance = await startTokens(db);
});
afterAll(async () => {
  await instance.close();
  await db.drop();
});
afterEach(() => {
  vi.useRealTimers();
});

const GRANT = { userId: newId(), sessionId: newId(), authTime: new Date('2026-11-21T08:00:00.900Z'), methods: ['pwd'] };

function issue(): string {
  return instance.tokens.issue(GRANT).token;
}

function encode(value: unknown): string {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
}

const now = (): number => Math.floor(Date.now() / 1000);
const goodHeader = () => ({ alg: 'EdDSA', typ: 'at+jwt', kid: instance.keys.signer().kid });
const goodClaims = () => ({
  iss: PUBLIC_URL,
  aud: `${PUBLIC_URL}/api`,
  sub: newId(),
  sid: newId(),
  jti: newId(),
  iat: now(),
  exp: now() + 900,
  auth_time: now(),
  amr: ['pwd'],
});

/** A token of any header and claims, signed by our own key unless told: what is refused is not the signature. */
function forge(
  header: object | string,
  claims: object | string,
  key: KeyObject = instance.keys.signer().privateKey,
): string {
  const signed = `${encode(header)}.${encode(claims)}`;
  return `${signed}.${sign(null, Buffer.from(signed), key).toString('base64url')}`;
}

function without<T extends object>(object: T, key: keyof T): Partial<T> {
  const copy: Partial<T> = { ...object };
  delete copy[key];
  return copy;
}

/** Refused with the one answer for everything, and not remembered. */
async function expectRefused(token: string): Promise<void> {
  await expect(instance.tokens.verify(token), token.slice(0, 300)).rejects.toMatchObject({
    name: 'Problem',
    code: 'token_invalid',
    status: 401,
    detail: errors.token_invalid.title,
    headers: {},
  });
  expect(instance.tokens.verifyCached(token)).toBeUndefined();
}

describe('A7 access tokens', () => {
  it('say who, since when and how, and neither role, organization nor e-mail', async () => {
    const { token, expiresIn } = instance.tokens.issue(GRANT);
    expect(expiresIn).toBe(900);
    expect(decodeProtectedHeader(token)).toEqual(goodHeader());
    const { iat, ...claims } = decodeJwt(token);
    expect(claims).toEqual({
      iss: PUBLIC_URL,
      aud: `${PUBLIC_URL}/api`,
      sub: GRANT.userId,
      sid: GRANT.sessionId,
      jti: expect.any(String),
      exp: iat! + 900,
      auth_time: Date.parse('2026-11-21T08:00:00Z') / 1000,
      amr: ['pwd'],
    });
    expect(decodeJwt(issue()).jti).not.toBe(claims.jti);
  });

  it('are verified once, and then known at once', async () => {
    const token = issue();
    expect(instance.tokens.verifyCached(token)).toBeUndefined();
    const claims = await instance.tokens.verify(token);
    const { iat, exp, jti } = decodeJwt(token);
    expect(claims).toEqual({
      userId: GRANT.userId,
      sessionId: GRANT.sessionId,
      tokenId: jti,
      authTime: Date.parse('2026-11-21T08:00:00Z') / 1000,
      issuedAt: iat,
      expiresAt: exp,
      methods: ['pwd'],
    });
    expect(instance.tokens.verifyCached(token)).toBe(claims);
    expect(Object.isFrozen(claims) && Object.isFrozen(claims.methods)).toBe(true);
  });

  it('are verified without the database', async () => {
    const token = issue();
    const lock = await db.sql.connect();
    await lock.query('begin; lock table signing_keys, user_sessions, users in access exclusive mode');
    await expect(instance.tokens.verify(token)).resolves.toBeDefined();
    await lock.query('rollback');
    lock.release();
  });

  it('end after 15 minutes, also those that were verified before', async () => {
    const [known, unknown] = [issue(), issue()];
    await instance.tokens.verify(known);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 899_000 });
    expect(instance.tokens.verifyCached(known)).toBeDefined();
    vi.setSystemTime(Date.now() + 10_000);
    await expectRefused(known);
    await expectRefused(unknown);
  });

  it('bear clocks that differ by 5 seconds', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 4_000 });
    const early = issue();
    vi.useRealTimers();
    await expect(instance.tokens.verify(early)).resolves.toBeDefined();
  });
});

describe('A7 case 22: what is no access token of ours', () => {
  it('the forged ones of this file would be valid without their fault', async () => {
    await expect(instance.tokens.verify(forge(goodHeader(), goodClaims()))).resolves.toBeDefined();
  });

  it('alg none', async () => {
    const token = issue();
    const [, payload, signature] = token.split('.');
    for (const alg of ['none', 'None', 'NONE', '', null, 0, ['EdDSA'], undefined]) {
      await expectRefused(`${encode({ ...goodHeader(), alg })}.${payload}.`);
      await expectRefused(`${encode({ ...goodHeader(), alg })}.${payload}.${signature}`);
    }
    await expectRefused(`${encode({ alg: 'none' })}.${payload}`);
  });

  it('HS256 with the public key as secret', async () => {
    const [jwk] = instance.keys.published();
    const publicKey = instance.keys.verifier(jwk!.kid)!;
    const der = publicKey.export({ format: 'der', type: 'spki' });
    const pem = publicKey.export({ format: 'pem', type: 'spki' }).toString();
    const secrets = [der, pem, pem.trim(), jwk!.x, Buffer.from(jwk!.x, 'base64url'), JSON.stringify(jwk)];
    for (const secret of secrets)
      for (const [alg, digest] of [
        ['HS256', 'sha256'],
        ['HS512', 'sha512'],
        ['EdDSA', 'sha512'],
      ] as const) {
        const signed = `${encode({ ...goodHeader(), alg })}.${encode(goodClaims())}`;
        await expectRefused(`${signed}.${createHmac(digest, secret).update(signed).digest('base64url')}`);
      }
  });

  it('a key of the sender: in the header, behind its addresses, or under our id', async () => {
    let asked = 0;
    const theirs = generateKeyPairSync('ed25519');
    const jwk = { ...(await exportJWK(theirs.publicKey)), kid: 'theirs', alg: 'EdDSA', use: 'sig' };
    const server = createServer((_, response) => {
      asked += 1;
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys: [jwk] }));
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`;
    const headers = [{ jwk }, { jku: url }, { x5u: url }, { x5c: [jwk.x] }, { jwk, jku: url, x5u: url, x5t: 'x' }, {}];
    for (const extra of headers)
      for (const kid of [goodHeader().kid, 'theirs', url, newId(), undefined])
        await expectRefused(forge({ ...goodHeader(), ...extra, kid }, goodClaims(), theirs.privateKey));
    expect(asked).toBe(0);
    server.close();
  });

  it('a key of another kind under our id', async () => {
    for (const { alg, privateKey } of [
      { alg: 'ES256', privateKey: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey },
      { alg: 'RS256', privateKey: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey },
      { alg: 'Ed25519', privateKey: instance.keys.signer().privateKey },
    ])
      await expectRefused(
        await new SignJWT(goodClaims()).setProtectedHeader({ ...goodHeader(), alg }).sign(privateKey),
      );
  });

  it('tricks with the key id', async () => {
    const { kid } = goodHeader();
    const tricks = [
      '../../../../dev/null',
      '/proc/self/environ',
      'file:///dev/null',
      'http://127.0.0.1/jwks.json',
      `${kid}' or '1'='1`,
      `'; drop table signing_keys; --`,
      `${kid}\0`,
      ` ${kid}`,
      kid.toUpperCase(),
      '__proto__',
      'constructor',
      '',
      '*',
      'x'.repeat(1_000),
      null,
      0,
      true,
      [kid],
      { $ne: null },
      undefined,
    ];
    for (const trick of tricks) await expectRefused(forge({ ...goodHeader(), kid: trick }, goodClaims()));
    expect((await db.sql.query('select from signing_keys')).rows).toHaveLength(1);
  });

  it('one without exp, aud, iss, typ, sub, sid, jti, iat, auth_time or amr', async () => {
    await expectRefused(forge(without(goodHeader(), 'typ'), goodClaims()));
    for (const claim of Object.keys(goodClaims()) as (keyof ReturnType<typeof goodClaims>)[]) {
      await expectRefused(forge(goodHeader(), without(goodClaims(), claim)));
      await expectRefused(forge(goodHeader(), { ...goodClaims(), [claim]: null }));
      await expectRefused(forge(goodHeader(), { ...goodClaims(), [claim]: { a: 1 } }));
    }
  });

  it('claims of other values or types', async () => {
    const url = new URL(PUBLIC_URL);
    const wrong: Record<string, unknown>[] = [
      { iss: `${PUBLIC_URL}/` },
      { iss: `http://${url.host}` },
      { iss: `${PUBLIC_URL}.evil.test` },
      { iss: [PUBLIC_URL] },
      { aud: PUBLIC_URL },
      { aud: `${PUBLIC_URL}/api/` },
      { aud: `${PUBLIC_URL}/other` },
      { aud: [] },
      { sub: 'admin' },
      { sub: `${newId()}' or true --` },
      { sid: '' },
      { sid: 1 },
      { jti: 'x' },
      { exp: now() - 6 },
      { exp: String(now() + 900) },
      { exp: 1e308 * 10 },
      { iat: now() + 60 },
      { iat: String(now()) },
      { iat: now() - 1_000, exp: now() + 86_400 },
      { nbf: now() + 60 },
      { auth_time: 'now' },
      { auth_time: 1.5 },
      { amr: 'pwd' },
      { amr: [1] },
    ];
    for (const claims of wrong) await expectRefused(forge(goodHeader(), { ...goodClaims(), ...claims }));
  });

  it('another kind of token, by typ', async () => {
    const types = [
      'JWT',
      'jwt',
      'mfa+jwt',
      'rt+jwt',
      'id+jwt',
      'logout+jwt',
      'dpop+jwt',
      'at+jwt;x',
      '',
      null,
      ['at+jwt'],
    ];
    for (const typ of types) await expectRefused(forge({ ...goodHeader(), typ }, goodClaims()));
  });

  it('extensions that have to be understood', async () => {
    for (const extra of [
      { crit: ['exp'], exp: now() + 900 },
      { crit: ['x'], x: 1 },
      { crit: [] },
      { crit: 'x' },
      { crit: ['b64'], b64: false },
      { crit: ['b64'], b64: true, zip: 'DEF' },
    ])
      await expectRefused(forge({ ...goodHeader(), ...extra }, goodClaims()));
  });

  it('our other tokens', async () => {
    const mailToken = newToken();
    await expectRefused(mailToken);
    await expectRefused(newToken(64));
    const { rows } = await db.sql.query<{ private_key: string; kid: string }>(
      'select private_key, kid from signing_keys',
    );
    await expectRefused(rows[0]!.private_key);
    await expectRefused(rows[0]!.kid);
  });

  it('what was changed after signing', async () => {
    const token = issue();
    const [header, payload, signature] = token.split('.') as [string, string, string];
    await expectRefused(`${header}.${encode({ ...decodeJwt(token), sub: newId() })}.${signature}`);
    await expectRefused(`${header}.${encode({ ...decodeJwt(token), exp: now() + 86_400 })}.${signature}`);
    await expectRefused(`${header}.${payload}.${signature.slice(0, -4)}`);
    await expectRefused(`${header}.${payload}.${encode('\0'.repeat(64))}`);
    await expectRefused(`${header}.${payload}.`);
    await expectRefused(`${header}.${payload}`);
    await expectRefused(`${token}.${signature}`);
    await expectRefused(`${token}.x.y`);
    await expectRefused(forge(goodHeader(), `[${JSON.stringify(goodClaims())}]`));
    await expectRefused(forge(goodHeader(), 'null'));
    await expectRefused(forge(goodHeader(), '{'));
    await expectRefused(forge('null', goodClaims()));
    await expectRefused(forge('"x"', goodClaims()));
  });

  it('what is no token at all, or a very large one', async () => {
    const garbage = ['', ' ', '.', '..', '...', 'a.b.c', 'null', '{}', '\0', '💥.💥.💥', 'undefined', '-._.~'];
    for (const text of garbage) await expectRefused(text);
    await expectRefused(forge(goodHeader(), { ...goodClaims(), padding: 'x'.repeat(2_048) }));
    await expectRefused(`${issue()}${'A'.repeat(1024 * 1024)}`);
    await expectRefused('.'.repeat(1024 * 1024));
    // Deterministic, so that a failure can be repeated.
    let seed = 1;
    const random = (max: number): number => (seed = (seed * 48_271) % 2_147_483_647) % max;
    const token = issue();
    for (let round = 0; round < 2_000; round += 1) {
      const at = random(token.length);
      const char = 'ABCabc019-_. {"\n'[random(16)]!;
      if (token[at] === char || at === token.length - 1) continue;
      await expectRefused(token.slice(0, at) + char + token.slice(at + 1));
    }
  });
});
