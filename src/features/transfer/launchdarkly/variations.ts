import type { Json } from '../../../kernel/json.js';
import type { FeatureType, Variant } from '../../definitions/feature-definition.entity.js';
import type { RolloutData } from '../../evaluator/model.js';
import { equal } from '../../evaluator/values.js';
import { toKey } from '../foreign-names.js';
import { toAttribute } from './conditions.js';
import type { LaunchDarklyEnvironment, LaunchDarklyFlag, LaunchDarklyRollout, LaunchDarklyServe } from './document.js';

/** What a rule gives, one or two of them: who is outside of the first goes on to the second. */
export type Given = { value: Json } | { variant: string } | { rollout: RolloutData };
/** Thousandths of a percent. */
const WHOLE = 100_000;

/** The variations of a flag as the values of a feature. */
export class Variations {
  readonly type: FeatureType;
  readonly defaultValue: Json;
  /** What has no weights here has none at all. */
  readonly variants: Variant[] | null;
  /** Of those that are off: what they are is the default. */
  readonly off: number;
  /** The shares of the first roll-out: a feature has one list of weights. */
  private readonly weights: number[] | null;

  constructor(private readonly flag: LaunchDarklyFlag) {
    const { variations } = flag;
    const environments = Object.values(flag.environments ?? {});
    this.type = typeOf(variations.map(({ value }) => value));
    this.off = this.offOf(environments);
    this.defaultValue = this.type === 'boolean' ? false : variations[this.off]!.value;
    const rollouts = environments.flatMap(({ rules, fallthrough }) =>
      [...(rules ?? []), fallthrough ?? {}].flatMap(({ rollout }) => (rollout ? [this.shares(rollout)] : [])),
    );
    this.weights = (this.type === 'boolean' ? undefined : rollouts.find((shares) => shares !== null)) ?? null;
    this.variants = this.type === 'boolean' ? null : this.toVariants();
  }

  valueOf(variation: number): Json | undefined {
    return this.flag.variations[variation]?.value;
  }

  /** What is given, in the order in which it is tried; or why it cannot be. */
  give({ variation, rollout }: LaunchDarklyServe): Given[] | string {
    if (!rollout) {
      const value = variation == null ? undefined : this.valueOf(variation);
      if (value === undefined) return 'It gives no variation that there is';
      return [this.variants ? { variant: this.variants[variation!]!.key } : { value }];
    }
    const by = toAttribute(rollout.bucketBy ?? 'key', rollout.contextKind);
    if (by === null)
      return `A roll-out cannot go by "${rollout.bucketBy ?? 'key'}" of a ${rollout.contextKind ?? 'user'}`;
    const shares = this.shares(rollout);
    if (!shares) return 'Its shares are not 100 % of variations that there are';
    if (this.type === 'boolean') {
      const on = shares.reduce((sum, share, at) => sum + (this.valueOf(at) === true ? share : 0), 0);
      return [{ rollout: { by, percentage: on / 1_000 } }, { value: false }];
    }
    if (!equal(shares, this.weights)) return 'A feature has one list of shares, and another roll-out of it has others';
    return [{ rollout: { by, percentage: 100 } }];
  }

  /** Per variation its share; null where they are not whole. */
  private shares({ variations }: LaunchDarklyRollout): number[] | null {
    const shares = this.flag.variations.map(() => 0);
    for (const { variation, weight } of variations) {
      if (variation >= shares.length) return null;
      shares[variation]! += weight;
    }
    return shares.reduce((sum, share) => sum + share, 0) === WHOLE ? shares : null;
  }

  private offOf(environments: readonly LaunchDarklyEnvironment[]): number {
    const { variations, defaults } = this.flag;
    const candidates = [...environments.map(({ offVariation }) => offVariation), defaults?.offVariation];
    return candidates.find((at) => at != null && at < variations.length) ?? variations.length - 1;
  }

  private toVariants(): Variant[] {
    const taken = new Set<string>();
    return this.flag.variations.map(({ name, value }, at) => {
      let key = toKey(name || (typeof value === 'object' ? '' : String(value))) ?? `variation-${at}`;
      // It may be what another one is called.
      for (let count = at; taken.has(key); count += 1) key = `variation-${count}`;
      taken.add(key);
      return { key, value, ...(this.weights && { weight: this.weights[at]! / 1_000 }) };
    });
  }
}

function typeOf(values: readonly Json[]): FeatureType {
  for (const type of ['boolean', 'string', 'number'] as const)
    if (values.every((value) => typeof value === type)) return type;
  return 'json';
}
