import { OWN_ATTRIBUTES } from './attributes.js';
import { type Bucketing, tenonBucketing } from './bucketing.js';
import { all, compileConditions } from './conditions.js';
import { decide, type Decision, type Details, frozen } from './decision.js';
import type { Definition, Rollout, Subject, Variant } from './model.js';
import { unleashBucketing } from './unleash-bucketing.js';

export interface CompiledRollout {
  /** What somebody inside gets, null outside. */
  readonly give: (subject: Subject) => Decision | null;
  readonly lacks: (subject: Subject) => boolean;
  /** What a decision says about it, without the rule. */
  readonly details: Details;
  readonly readsContext: boolean;
}

/** A roll-out of a rule, named in `details`, or of the whole configuration. */
export function compileRollout(
  { key, type, variants: ofFeature }: Definition,
  rollout: Rollout,
  environment: string,
  rule: Details = {},
): CompiledRollout {
  const variants = rollout.variants ?? ofFeature ?? [];
  const bucket = rollout.bucketing === 'unleash' ? unleashBucketing : tenonBucketing;
  const weights = variants.map(({ weight }) => weight);
  const bucketing = bucket(rollout, key, environment, weights);
  const { by } = bucketing;
  const details = { by, percentage: rollout.percentage };
  const inside = type === 'boolean' ? decide(true, 'rollout', { ...rule, ...details }) : null;
  return {
    give:
      variants.length === 0
        ? (subject) => (bucketing.inside(subject) ? inside : null)
        : giveVariant(variants, bucketing, { ...rule, ...details }, inside, environment),
    lacks: bucketing.lacks,
    details,
    readsContext: [by, rollout.variantBy ?? by].some((name) => !OWN_ATTRIBUTES.includes(name)),
  };
}

/** A variant whose own conditions hold, else the one of the subject's bucket. */
function giveVariant(
  variants: readonly Variant[],
  bucketing: Bucketing,
  details: Details,
  none: Decision | null,
  environment: string,
): CompiledRollout['give'] {
  const decisions = variants.map(({ key, value }) => decide(frozen(value), 'rollout', details, key));
  const forced = variants.flatMap(({ forced: when = [] }, index) =>
    when.map((condition) => ({ holds: all(compileConditions([condition], environment).holds), index })),
  );
  return (subject) => {
    if (!bucketing.inside(subject)) return null;
    for (const { holds, index } of forced) if (holds(subject)) return decisions[index]!;
    return decisions[bucketing.variant(subject)] ?? none;
  };
}
