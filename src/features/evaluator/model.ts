import type { Json } from '../../kernel/json.js';
import type { Overrides } from './overrides.js';

export type { Json };

/** What is stored and what is asked. All of it is data: nothing here has behaviour, and nothing is changed. */

export const FEATURE_TYPES = ['boolean', 'string', 'number', 'json'] as const;
export type FeatureType = (typeof FEATURE_TYPES)[number];

/** Only active and deprecated features are evaluated; whoever compiles leaves the others out. */
export const LIFECYCLES = ['draft', 'active', 'deprecated', 'archived'] as const;
export type Lifecycle = (typeof LIFECYCLES)[number];

/** The stages in their order, each named in the `reason` of what it decided. */
export const REASONS = [
  'kill_switch',
  'entitlement',
  'dependency',
  'conflict',
  'override',
  'rule',
  'rollout',
  'default',
] as const;
export type Reason = (typeof REASONS)[number];

/** Operators that an admin may use in a condition. */
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

/** What Unleash has beyond them. `regex` backtracks, so it is for definitions that somebody has looked at. */
export const INTERNAL_OPERATORS = [
  'number_equals',
  'semver_greater_or_equal',
  'semver_less_or_equal',
  'regex',
  'in_cidr',
] as const;
export type InternalOperator = (typeof INTERNAL_OPERATORS)[number];

export type Scalar = string | number | boolean;

/** A condition on an attribute as it is stored. */
export interface ConditionData {
  attribute: string;
  operator: Operator;
  values: Scalar[];
}

/** A roll-out as it is stored. */
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

/** A rule as it is stored: what it asks, and what it gives, exactly one of the three. */
export interface RuleData {
  name: string;
  when: ConditionData[];
  segments?: string[];
  value?: Json;
  variant?: string;
  rollout?: RolloutData;
}

/** What is evaluated takes in what is stored, and what Unleash has beyond it. */
export interface Condition {
  attribute: string;
  operator: Operator | InternalOperator;
  /** Any of them for positive operators, none of them for `not_…`. */
  values: readonly Scalar[];
  /** Internal: the opposite of what the operator says, also where the attribute is missing. */
  inverted?: boolean;
  /** Internal: for operators on text. */
  caseInsensitive?: boolean;
}

export interface Segment {
  key: string;
  when: readonly Condition[];
}

export interface Variant {
  key: string;
  value: Json;
  /** A share, in percent; all variants have one, or none has and all are equal. */
  weight?: number;
  /** Internal: who meets one of these gets this variant whatever the weights say (overrides of Unleash). */
  forced?: readonly Condition[];
}

export interface Rollout {
  /** The attribute that keeps its holder inside or outside; `targetingKey` unless said. */
  by?: string;
  /** 0 to 100 with up to three decimals. */
  percentage: number;
  /** Two roll-outs with the same salt take the same people; the feature's key unless said. */
  salt?: string;
  bucketing?: 'tenon' | 'unleash';
  /** Internal: in place of the variants of the feature, with their own attribute and salt (strategy variants of Unleash). */
  variants?: readonly Variant[];
  variantBy?: string;
  variantSalt?: string;
}

/** Gives exactly one of value, variant, roll-out to whom all conditions and all segments fit. */
export interface Rule {
  name: string;
  when: readonly Condition[];
  segments?: readonly string[];
  value?: Json;
  variant?: string;
  rollout?: Rollout;
}

/** Of a feature in one environment. Not configured means enabled without rules. */
export interface Configuration {
  enabled: boolean;
  rules: readonly Rule[];
  rollout?: Rollout | null;
}

/** A parent that has to be on. Internal: or off, or on with one of these variants (null: with none). */
export interface Dependency {
  feature: string;
  enabled?: boolean;
  variants?: readonly (string | null)[];
}

export interface Definition {
  key: string;
  type: FeatureType;
  defaultValue: Json;
  variants: readonly Variant[] | null;
  dependencies: readonly (string | Dependency)[];
  conflicts: readonly string[];
  /** Per plan its value; null there means that the plan sets no ceiling. */
  plans: Readonly<Record<string, Json>>;
  lifecycle: Lifecycle;
}

/** What an organization has been given apart from its plan. */
export interface Override {
  feature: string;
  value: Json;
  /** Everywhere when null. */
  environment: string | null;
  expiresAt: Date | null;
  /** Why, in the words of who gave it. */
  reason: string | null;
}

export interface SubjectOrganization {
  id: string;
  plan: string | null;
  overrides: Overrides;
}

/** For whom a feature is evaluated. */
export interface Subject {
  targetingKey?: string | undefined;
  /** As the client sent it; only own properties are read. */
  attributes: Readonly<Record<string, unknown>>;
  organization: SubjectOrganization;
  /** Milliseconds since 1970, by the clock that decides expiry. */
  now: number;
}
