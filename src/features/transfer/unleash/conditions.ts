import { checkConditions } from '../../evaluator/check-conditions.js';
import type { ConditionData, Operator, Scalar } from '../../evaluator/model.js';
import type { UnleashFlagConstraint } from './document.js';

/** Conditions that say the same, or why there are none. */
export type Conditions = ConditionData[] | { why: string };

const TEXTS: Record<string, Operator> = {
  STR_CONTAINS: 'contains',
  STR_STARTS_WITH: 'starts_with',
  STR_ENDS_WITH: 'ends_with',
};
const ONE: Record<string, Operator> = {
  NUM_GT: 'greater_than',
  NUM_GTE: 'greater_or_equal',
  NUM_LT: 'less_than',
  NUM_LTE: 'less_or_equal',
  DATE_AFTER: 'after',
  DATE_BEFORE: 'before',
  SEMVER_EQ: 'semver_equals',
  SEMVER_GT: 'semver_greater_than',
  SEMVER_LT: 'semver_less_than',
};

/** Whom Unleash calls `userId` we call `targetingKey`, as do its providers for OpenFeature. */
export function toAttribute(contextName: string): string {
  return contextName === 'userId' ? 'targetingKey' : contextName;
}

/** A constraint in our operators, of which each holds for exactly the same people. */
export function toConditions(constraint: UnleashFlagConstraint): Conditions {
  const conditions = translate(constraint);
  if (!Array.isArray(conditions)) return conditions;
  const [fault] = checkConditions(conditions);
  return fault ? { why: fault.message } : conditions;
}

function translate({
  contextName,
  operator,
  values,
  value,
  inverted,
  caseInsensitive,
}: UnleashFlagConstraint): Conditions {
  const attribute = toAttribute(contextName);
  const condition = (name: Operator, wanted: Scalar[]): ConditionData => ({
    attribute,
    operator: name,
    values: wanted,
  });
  if (operator === 'IN' || operator === 'NOT_IN') {
    const isOneOf = (operator === 'IN') !== (inverted ?? false);
    const listed = values ?? [];
    // None of no values is everybody.
    if (!isOneOf && listed.length === 0) return [];
    return [condition(isOneOf ? 'in' : 'not_in', listed)];
  }
  if (inverted) return { why: `There is no opposite of ${operator} that also holds where ${attribute} is missing` };
  const text = Object.hasOwn(TEXTS, operator) ? TEXTS[operator] : undefined;
  if (text && caseInsensitive) return { why: 'Texts are compared with their case' };
  if (text) return [condition(text, values ?? [])];
  if (operator === 'NUM_EQ')
    return [condition('greater_or_equal', [Number(value)]), condition('less_or_equal', [Number(value)])];
  const one = Object.hasOwn(ONE, operator) ? ONE[operator] : undefined;
  if (!one) return { why: `There is no operator like ${operator}` };
  return [condition(one, [operator.startsWith('NUM_') ? Number(value) : (value ?? '')])];
}
