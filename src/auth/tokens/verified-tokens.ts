import { hash } from 'node:crypto';
import type { AccessClaims } from './access-claims.js';

/** A token whose signature was verified, and by which key. */
export interface VerifiedToken {
  claims: AccessClaims;
  kid: string;
}

/**
 * Remembers what was verified, so that a signature costs its 100 µs once in a token's life. Two generations: when the
 * newer one is full it becomes the older one, which is forgotten; what is still used moves over. Keyed by SHA-256, so
 * that no usable token stands in memory.
 */
export class VerifiedTokens {
  private newer = new Map<string, VerifiedToken>();
  private older = new Map<string, VerifiedToken>();

  /** @param capacity tokens at most; about 1 KiB each. */
  constructor(private readonly capacity: number) {}

  get(token: string): VerifiedToken | undefined {
    const key = hash('sha256', token, 'base64');
    const verified = this.newer.get(key) ?? this.older.get(key);
    if (verified && !this.newer.has(key)) this.put(key, verified);
    return verified;
  }

  add(token: string, verified: VerifiedToken): void {
    this.put(hash('sha256', token, 'base64'), verified);
  }

  get size(): number {
    return this.newer.size + this.older.size;
  }

  private put(key: string, verified: VerifiedToken): void {
    if (this.newer.size >= this.capacity / 2) {
      this.older = this.newer;
      this.newer = new Map();
    }
    this.newer.set(key, verified);
  }
}
