import type { Json } from '../../kernel/json.js';

/** Which comparison a condition makes between an attribute and its values. */
export const OPERATORS = [
  'in',
  'not_in',
  'equals',
  'not_equals',
  'contains',
  'starts_with',
  'ends_with',
  'greater_than',
  'greater_or_equal',
  'less_than',
  'less_or_equal',
  'before',
  'after',
  'semver_equals',
  'semver_greater_than',
  'semver_less_than',
  'exists',
  'not_exists',
] as const;
export type Operator = (typeof OPERATORS)[number];

/** One condition on an attribute of the subject. */
export interface ConditionData {
  attribute: string;
  operator: Operator;
  values: (string | number | boolean)[];
}

/** A percentage of subjects, the same ones each time. */
export interface RolloutData {
  /** The attribute whose value decides; `targetingKey` unless said. */
  by: string;
  /** 0 to 100, up to three decimals. */
  percentage: number;
  /** The feature's key unless said; roll-outs of one salt take the same subjects. */
  salt?: string;
  /** `unleash`: as Unleash buckets, so that people who come from there stay where they were. */
  bucketing?: 'unleash';
}

/** A rule of a configuration: what it asks, and what it gives, exactly one of the three. */
export interface RuleData {
  name: string;
  when: ConditionData[];
  segments?: string[];
  value?: Json;
  variant?: string;
  rollout?: RolloutData;
}
