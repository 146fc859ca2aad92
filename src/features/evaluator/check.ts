import type { FieldError } from '../../kernel/problem.js';
import { checkAttribute, checkConditions } from './check-conditions.js';
import type { Definition, FeatureType, Json, RolloutData, RuleData, Variant } from './model.js';
import { fits } from './values.js';

export { checkConditions } from './check-conditions.js';

export const MAX_RULES = 100;

/** Percentages and weights have three decimals, so 100 % are so many. */
const WHOLE = 100_000;

export type CheckedDefinition = Pick<Definition, 'type' | 'defaultValue' | 'variants' | 'plans'>;

export interface CheckedConfiguration {
  rules: readonly RuleData[];
  rollout?: RolloutData | null;
}

/** What is wrong with a definition: values of another type, variants that do not go together. */
export function checkDefinition({ type, defaultValue, variants, plans }: CheckedDefinition): FieldError[] {
  return [
    ...checkValue(type, defaultValue, 'defaultValue'),
    ...checkVariants(type, variants ?? []),
    ...Object.entries(plans).flatMap(([plan, value]) =>
      value === null ? [] : checkValue(type, value, `plans.${plan}`),
    ),
  ];
}

/** What is wrong with a value for a feature of this type. */
export function checkValue(type: FeatureType, value: Json | undefined, field: string): FieldError[] {
  if (fits(type, value)) return [];
  return [
    { field, code: 'value_type_mismatch', message: `The value has to be ${type === 'json' ? 'JSON' : `a ${type}`}` },
  ];
}

/** What is wrong with a feature's configuration for an environment; `segments` are the keys of those that there are. */
export function checkConfiguration(
  definition: Pick<Definition, 'type' | 'variants'>,
  { rules, rollout }: CheckedConfiguration,
  segments: ReadonlySet<string>,
): FieldError[] {
  if (rules.length > MAX_RULES) {
    return [{ field: 'rules', code: 'too_many_rules', message: `There may be ${MAX_RULES} rules` }];
  }
  return [
    ...rules.flatMap((rule, index) => checkRule(definition, rule, segments, `rules.${index}`)),
    ...duplicates(rules.map(({ name }) => name)).map((index) => ({
      field: `rules.${index}.name`,
      code: 'rule_name_duplicate',
      message: 'Another rule has this name',
    })),
    ...(rollout ? checkRollout(definition, rollout, 'rollout') : []),
  ];
}

function checkRule(
  definition: Pick<Definition, 'type' | 'variants'>,
  { when, segments: named = [], value, variant, rollout }: RuleData,
  segments: ReadonlySet<string>,
  field: string,
): FieldError[] {
  const given = [value, variant, rollout].filter((one) => one !== undefined);
  return [
    ...checkConditions(when, `${field}.when`),
    ...named.flatMap((key, index) =>
      segments.has(key)
        ? []
        : [{ field: `${field}.segments.${index}`, code: 'segment_unknown', message: `There is no segment "${key}"` }],
    ),
    ...(given.length === 1
      ? []
      : [{ field, code: 'rule_gives_one', message: 'A rule gives one of value, variant and rollout' }]),
    ...(value === undefined ? [] : checkValue(definition.type, value, `${field}.value`)),
    ...(variant === undefined || definition.variants?.some(({ key }) => key === variant)
      ? []
      : [{ field: `${field}.variant`, code: 'variant_unknown', message: 'The feature has no such variant' }]),
    ...(rollout === undefined ? [] : checkRollout(definition, rollout, `${field}.rollout`)),
  ];
}

function checkRollout(
  { type, variants }: Pick<Definition, 'type' | 'variants'>,
  { by, percentage }: RolloutData,
  field: string,
): FieldError[] {
  const errors = by === undefined ? [] : checkAttribute(by, `${field}.by`);
  if (!isShare(percentage) || percentage > 100) {
    const message = 'A percentage goes from 0 to 100 with up to three decimals';
    errors.push({ field: `${field}.percentage`, code: 'percentage_invalid', message });
  }
  if (type !== 'boolean' && !variants?.length) {
    const message = `A roll-out of a ${type} gives variants, and the feature has none`;
    errors.push({ field, code: 'rollout_needs_variants', message });
  }
  return errors;
}

function checkVariants(type: FeatureType, variants: readonly Variant[]): FieldError[] {
  return [
    ...variants.flatMap(({ value }, index) => checkValue(type, value, `variants.${index}.value`)),
    ...duplicates(variants.map(({ key }) => key)).map((index) => ({
      field: `variants.${index}.key`,
      code: 'variant_key_duplicate',
      message: 'Another variant has this key',
    })),
    ...checkWeights(variants.map(({ weight }) => weight)),
  ];
}

function checkWeights(weights: readonly (number | undefined)[]): FieldError[] {
  const given = weights.filter((weight) => weight !== undefined);
  if (given.length === 0) return [];
  const sum = given.reduce((total, weight) => total + Math.round(weight * 1000), 0);
  if (given.length === weights.length && given.every(isShare) && sum === WHOLE) return [];
  const message =
    'All variants have a weight, from 0 with up to three decimals, and together they are 100; or none has one';
  return [{ field: 'variants', code: 'weights_do_not_add_up', message }];
}

function isShare(value: number): boolean {
  return Number.isFinite(value) && value >= 0 && Number(value.toFixed(3)) === value;
}

/** The places of those that stood before. */
function duplicates(names: readonly string[]): number[] {
  const seen = new Set<string>();
  return names.flatMap((name, index) => (seen.size === seen.add(name).size ? [index] : []));
}
