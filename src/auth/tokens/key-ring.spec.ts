import { sign, verify } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SecretBox } from '../../kernel/secrets.js';
import { generateSigningKey, KeyRing, type SigningKeyRow } from './key-ring.js';

const box = new SecretBox([{ id: 'test', key: Buffer.alloc(32, 1) }]);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

function row(signsIn: number, expiresIn: number | null = null): SigningKeyRow {
  const { kid, jwk, sealed } = generateSigningKey(box);
  return { kid, public_jwk: jwk, private_key: sealed, signs_in: signsIn, expires_in: expiresIn };
}

function ringOf(...rows: SigningKeyRow[]): KeyRing {
  return new KeyRing(rows, performance.now(), box);
}

describe('A7 the ring of signing keys', () => {
  it('signs with what its public key verifies', () => {
    const key = row(-1);
    const ring = ringOf(key);
    const { kid, privateKey } = ring.signer()!;
    const signature = sign(null, Buffer.from('text'), privateKey);
    expect(kid).toBe(key.kid);
    expect(verify(null, Buffer.from('text'), ring.verifier(kid)!, signature)).toBe(true);
  });

  it('hands over from key to key as time passes', () => {
    const [old, next] = [row(-1_000, 30_000), row(10_000)];
    const ring = ringOf(next, old);
    expect(ring.signer()!.kid).toBe(old.kid);
    expect(ring.published().map(({ kid }) => kid)).toEqual([next.kid, old.kid]);
    vi.advanceTimersByTime(10_000);
    expect(ring.signer()!.kid).toBe(next.kid);
    expect(ring.verifier(old.kid)).toBeDefined();
    vi.advanceTimersByTime(20_000);
    expect(ring.verifier(old.kid)).toBeUndefined();
    expect(ring.published().map(({ kid }) => kid)).toEqual([next.kid]);
  });

  it('has nothing to sign with before the first key is due', () => {
    expect(ringOf().signer()).toBeUndefined();
    expect(ringOf(row(10_000)).signer()).toBeUndefined();
  });

  it('does not open a private key of another row, and needs none to verify', () => {
    const [one, two] = [row(-1), row(-2)];
    const ring = ringOf({ ...one, private_key: two.private_key });
    expect(() => ring.signer()).toThrow();
    expect(ring.verifier(one.kid)).toBeDefined();
  });
});
