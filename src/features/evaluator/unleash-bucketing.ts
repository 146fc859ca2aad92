import { identity, reader, type Read } from './attributes.js';
import type { Bucketing } from './bucketing.js';
import type { Rollout, Subject } from './model.js';
import { hashAfter, hashState } from './murmur3.js';

/** https://docs.getunleash.io/concepts/stickiness: variants hash with a seed of their own. */
const VARIANT_SEED = 86_028_157;
/** `by` that is no attribute: the first that is there, or chance; and chance alone. */
const DEFAULT = 'default';
const RANDOM = 'random';
const MEMBERSHIP_DEFAULTS = ['userId', 'sessionId'];
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
  const { by = DEFAULT, salt = featureKey, percentage } = rollout;
  const { variantBy = by, variantSalt = salt } = rollout;
  const identify = identifier(by, MEMBERSHIP_DEFAULTS, environment);
  const identifyForVariant = identifier(variantBy, VARIANT_DEFAULTS, environment);
  const membership = hashState(`${salt}:`);
  const variants = hashState(`${variantSalt}:`, VARIANT_SEED);
  const sum = weights.reduce<number>((total, weight) => total + (weight ?? 0), 0);
  return {
    by,
    inside(subject) {
      const id = identify(subject);
      return percentage > 0 && id !== undefined && (hashAfter(membership, id) % 100) + 1 <= percentage;
    },
    variant(subject) {
      if (sum <= 0) return -1;
      const id = identifyForVariant(subject) ?? chance();
      let left = (hashAfter(variants, id) % sum) + 1;
      return weights.findIndex((weight = 0) => (left -= weight) <= 0);
    },
    lacks: (subject) => identify(subject) === undefined,
  };
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
