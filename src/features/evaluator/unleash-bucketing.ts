import { identity, reader, type Read } from './attributes.js';
import type { Bucketing } from './bucketing.js';
import type { Rollout, Subject } from './model.js';
import { hashAfter, hashState } from './murmur3.js';

/** https://docs.getunleash.io/concepts/stickiness: variants hash with a seed of their own. */
const VARIANT_SEED = 86_028_157;
/** `by` that is no attribute: the first that is there, or chance; and chance alone. Its `userId` is our `targetingKey`. */
const DEFAULT = 'default';
const RANDOM = 'random';
const MEMBERSHIP_DEFAULTS = ['targetingKey', 'userId', 'sessionId'];
const VARIANT_DEFAULTS = [...MEMBERSHIP_DEFAULTS, 'remoteAddress'];

/**
 * As clients of Unleash do it, for people who come from there and shall keep what they have: 1 to 100 from
 * murmur3(`group:id`), inside up to the percentage; variants 1 to the sum of the weights.
 */
export function unleashBucketing(
  rollout: Rollout,
  featureKey: string,
  environment: string,
  weights: readonly (number | undefined)[],
): Bucketing {
  const { by = 'targetingKey', salt = featureKey, percentage } = rollout;
  const { variantBy = by, variantSalt = salt } = rollout;
  const identify = identifier(by, MEMBERSHIP_DEFAULTS, environment);
  const identifyForVariant = identifier(variantBy, VARIANT_DEFAULTS, environment);
  const membership = hashState(`${salt}:`);
  const variants = hashState(`${variantSalt}:`, VARIANT_SEED);
  const ends = shareEnds(rollout.variants ? weights.map((weight = 0) => weight) : perMille(weights));
  const sum = ends.at(-1) ?? 0;
  return {
    by,
    inside(subject) {
      const id = identify(subject);
      return percentage > 0 && id !== undefined && (hashAfter(membership, id) % 100) + 1 <= percentage;
    },
    variant(subject) {
      if (sum <= 0) return -1;
      const id = identifyForVariant(subject) ?? chance();
      const bucket = (hashAfter(variants, id) % sum) + 1;
      return ends.findIndex((end) => bucket <= end);
    },
    lacks: (subject) => identify(subject) === undefined,
  };
}

/** Unleash weighs in thousandths, and a bucket goes up to the sum: in percent the same weights would move people. */
function perMille(weights: readonly (number | undefined)[]): number[] {
  return weights.map((weight) => (weight === undefined ? 1000 / weights.length : weight * 10));
}

/** Rounded, because in binary 1.1 × 10 is not 11. */
function shareEnds(weights: readonly number[]): number[] {
  let end = 0;
  return weights.map((weight) => Math.round((end += weight) * 1000) / 1000);
}

function identifier(by: string, defaults: string[], environment: string): (subject: Subject) => string | undefined {
  if (by === RANDOM) return chance;
  if (by !== DEFAULT) return identified(reader(by, environment));
  const candidates = defaults.map((name) => identified(reader(name, environment)));
  return (subject) => {
    for (const candidate of candidates) {
      const id = candidate(subject);
      if (id !== undefined) return id;
    }
    return chance();
  };
}

function identified(read: Read): (subject: Subject) => string | undefined {
  return (subject) => identity(read(subject));
}

function chance(): string {
  return String(Math.random());
}
