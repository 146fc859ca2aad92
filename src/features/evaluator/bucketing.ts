import { identity, reader } from './attributes.js';
import type { Rollout, Subject } from './model.js';
import { hashAfter, hashState } from './murmur3.js';

/** Who is inside of a roll-out, and which variant is whose. */
export interface Bucketing {
  readonly by: string;
  inside(subject: Subject): boolean;
  /** The index of a variant, -1 for none. */
  variant(subject: Subject): number;
  /** Whether somebody is outside because the attribute is missing. */
  lacks(subject: Subject): boolean;
}

/** Buckets; a percentage has three decimals. */
export const TOTAL = 100_000;
const HASHES = 2 ** 32;

/**
 * Ours, after flagd's `fractional` operation (https://flagd.dev/reference/custom-operations/fractional-operation/):
 * bucket = floor(murmur3(`salt:value`) × total / 2³²), inside when bucket < percentage × 1000. Nobody leaves when a
 * percentage grows, because the bucket stays. Variants hash under another salt, so that they tell nothing about
 * membership and stay when the percentage changes.
 */
export function tenonBucketing(
  rollout: Rollout,
  featureKey: string,
  environment: string,
  weights: readonly (number | undefined)[],
): Bucketing {
  const { by = 'targetingKey', salt = featureKey, percentage } = rollout;
  const { variantBy = by, variantSalt = `${salt}:variant` } = rollout;
  const read = reader(by, environment);
  const readForVariant = reader(variantBy, environment);
  const membership = hashState(`${salt}:`);
  const variants = hashState(`${variantSalt}:`);
  const limit = hashLimit(Math.round(percentage * 1000));
  const limits = shares(weights).map(hashLimit);
  return {
    by,
    inside(subject) {
      const id = identity(read(subject));
      return id !== undefined && hashAfter(membership, id) < limit;
    },
    variant(subject) {
      const id = identity(readForVariant(subject));
      if (id === undefined) return -1;
      const hash = hashAfter(variants, id);
      for (let index = 0; index < limits.length; index++) if (hash < limits[index]!) return index;
      return -1;
    },
    lacks: (subject) => identity(read(subject)) === undefined,
  };
}

/** floor(hash × total / 2³²) < buckets is hash < this; exact, since what isn't whole is 1/100,000 away from it. */
function hashLimit(buckets: number): number {
  return (buckets * HASHES) / TOTAL;
}

/** Where the share of each variant ends, in buckets. Without weights, or with nothing but zeros, all are equal. */
function shares(weights: readonly (number | undefined)[]): number[] {
  const sum = weights.reduce<number>((total, weight) => total + (weight ?? 0), 0);
  let before = 0;
  return weights.map((weight) => {
    before += sum > 0 ? (weight ?? 0) : 1;
    return Math.round((before * TOTAL) / (sum > 0 ? sum : weights.length));
  });
}
