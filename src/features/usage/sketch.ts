import { hashAfter, hashState } from '../evaluator/murmur3.js';

/** Each part counts half of what the one before it does, the last two the same. */
const PARTS = 16;
const BITS_OF_PART = 128;
/** Of 32 bits. */
export const WORDS = (PARTS * BITS_OF_PART) / 32;
const SALT = hashState('usage:');

/**
 * How many different users, or organizations, there were, without keeping who they are: each sets one bit, and two sketches
 * of the same thing are joined by `or`. A multiresolution bitmap (Estan, Varghese, Fisk 2003): 256 bytes for up to ten million,
 * within 8 % two times out of three, exact where there are few. `estimate_seen` of the database reads it.
 */
export type Sketch = Uint32Array;

export function newSketch(): Sketch {
  return new Uint32Array(WORDS);
}

/** The bit of somebody, on every instance the same; -1 for nobody. */
export function bitOf(somebody: string | null): number {
  if (somebody === null) return -1;
  const hashed = hashAfter(SALT, somebody);
  return Math.min(Math.clz32(hashed), PARTS - 1) * BITS_OF_PART + (hashed % BITS_OF_PART);
}

export function see(sketch: Sketch, bit: number): void {
  sketch[bit >>> 5]! |= 1 << (bit & 31);
}

/** Those of both, as a sketch of its own where there are two. */
export function joined(one: Sketch | null, other: Sketch | null): Sketch | null {
  return one && other ? one.map((word, at) => word | other[at]!) : (one ?? other);
}

/**
 * As PostgreSQL reads a bit string, without its `x`. Which bit is where in a part says nothing, as long as it is the same for
 * all.
 * @returns null: nobody was seen.
 */
export function toHex(sketch: Sketch): string | null {
  if (sketch.every((word) => word === 0)) return null;
  return Buffer.from(sketch.buffer, sketch.byteOffset, sketch.byteLength).toString('hex');
}
