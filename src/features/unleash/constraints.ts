import type { Condition, Segment } from '../evaluator/model.js';
import type { UnleashConstraint, UnleashSegment } from './model.js';

const OPERATORS: Record<string, Condition['operator']> = {
  IN: 'in',
  NOT_IN: 'not_in',
  STR_CONTAINS: 'contains',
  STR_STARTS_WITH: 'starts_with',
  STR_ENDS_WITH: 'ends_with',
  NUM_EQ: 'number_equals',
  NUM_GT: 'greater_than',
  NUM_GTE: 'greater_or_equal',
  NUM_LT: 'less_than',
  NUM_LTE: 'less_or_equal',
  DATE_AFTER: 'after',
  DATE_BEFORE: 'before',
  SEMVER_EQ: 'semver_equals',
  SEMVER_GT: 'semver_greater_than',
  SEMVER_GTE: 'semver_greater_or_equal',
  SEMVER_LT: 'semver_less_than',
  SEMVER_LTE: 'semver_less_or_equal',
  REGEX: 'regex',
  IN_CIDR: 'in_cidr',
};

/** A condition that nobody meets. */
export const NEVER: Condition = { attribute: 'targetingKey', operator: 'in', values: [] };

/** An operator that we do not know holds for nobody, also inverted. */
export function toCondition({
  contextName,
  operator,
  values,
  value,
  inverted,
  caseInsensitive,
}: UnleashConstraint): Condition {
  const ours = Object.hasOwn(OPERATORS, operator) ? OPERATORS[operator] : undefined;
  if (ours === undefined) return NEVER;
  const wanted = value === undefined ? (values ?? []) : [value];
  return { attribute: contextName, operator: ours, values: wanted, inverted, caseInsensitive };
}

export function toSegment({ id, constraints }: UnleashSegment): Segment {
  return { key: String(id), when: constraints.map(toCondition) };
}
