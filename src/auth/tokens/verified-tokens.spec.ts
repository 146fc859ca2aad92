import { describe, expect, it } from 'vitest';
import type { AccessClaims } from './access-claims.js';
import { VerifiedTokens } from './verified-tokens.js';

const verified = { kid: 'k', claims: {} as AccessClaims };

describe('A7 verified tokens', () => {
  it('are found by the whole token', () => {
    const tokens = new VerifiedTokens(10);
    tokens.add('a.b.c', verified);
    expect(tokens.get('a.b.c')).toBe(verified);
    expect(tokens.get('a.b.d')).toBeUndefined();
    expect(tokens.get('')).toBeUndefined();
  });

  it('are never more than the capacity, however many are shown', () => {
    const tokens = new VerifiedTokens(100);
    for (let n = 0; n < 10_000; n += 1) {
      tokens.add(`token ${n}`, verified);
      expect(tokens.size).toBeLessThanOrEqual(100);
    }
    expect(tokens.get('token 9999')).toBe(verified);
    expect(tokens.get('token 0')).toBeUndefined();
  });

  it('stay while they are used', () => {
    const tokens = new VerifiedTokens(100);
    tokens.add('used', verified);
    for (let n = 0; n < 10_000; n += 1) {
      tokens.add(`token ${n}`, verified);
      if (n % 40 === 0) expect(tokens.get('used')).toBe(verified);
    }
  });

  it('case 12: keep no token that could be used', () => {
    const tokens = new VerifiedTokens(10);
    tokens.add('secret.token.text', verified);
    expect(JSON.stringify(tokens, (_, value: unknown) => (value instanceof Map ? [...value] : value))).not.toContain(
      'secret',
    );
  });
});
