import { hashAfter, hashState } from '../evaluator/murmur3.js';

/** As many as `feature_usage_days.users_seen` has: enough for 5,000 users with an error of 7 %, in 128 bytes. */
const BITS = 1_024;
const SALT = hashState('usage:');

/** Users of something, without keeping who they are: each sets one bit. Two of the same thing are joined by `or`. */
export type UserSketch = Uint32Array;

export function newSketch(): UserSketch {
  return new Uint32Array(BITS / 32);
}

/** The bit of a user, on every instance the same; -1 for nobody. */
export function bitOf(user: string | null): number {
  return user === null ? -1 : hashAfter(SALT, user) % BITS;
}

export function see(sketch: UserSketch, bit: number): void {
  sketch[bit >>> 5]! |= 1 << (bit & 31);
}

/** The users of both, as a sketch of its own where there are two. */
export function joined(one: UserSketch | null, other: UserSketch | null): UserSketch | null {
  return one && other ? one.map((word, at) => word | other[at]!) : (one ?? other);
}

/** As PostgreSQL reads a bit string, without its `x`. Which bit is where says nothing, as long as it is the same for all. */
export function toHex(sketch: UserSketch): string {
  return Buffer.from(sketch.buffer, sketch.byteOffset, sketch.byteLength).toString('hex');
}
