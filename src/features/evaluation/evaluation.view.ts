import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import type { Json } from '../../kernel/json.js';
import { ANY_VALUE } from '../feature-value.js';
import { type Decision, type Details, explain, type Reason, REASONS } from '../evaluator/index.js';

/** What a feature is, and why. */
export class EvaluatedFeatureView {
  /**
   * Key of the feature.
   * @example reports
   */
  key!: string;
  /** What it is; of the feature's type. */
  @ApiProperty({ ...ANY_VALUE, example: true })
  value!: Json;
  /** The variant, where one was drawn or named. */
  @ApiPropertyOptional({ type: String, example: 'blue' })
  variant?: string;
  /** The stage that decided, in their order. */
  @ApiProperty({ enum: REASONS, example: 'rule' })
  reason!: Reason;
  /** The facts behind the reason, such as the rule, the plan or the feature that it depends on. */
  @ApiProperty({ type: 'object', additionalProperties: true, example: { rule: 'beta testers', index: 0 } })
  details!: Details;
  /**
   * The same as a sentence.
   * @example "reports is true by the rule beta testers."
   */
  explanation!: string;
}

/** What features are for a context. */
export class EvaluationView {
  /** The features in the order of their keys, or in that of the request. */
  features!: EvaluatedFeatureView[];
  /**
   * Those of the request's keys that are no feature, or one that is not evaluated (a draft, or archived).
   * @example []
   */
  unknownKeys!: string[];
  /**
   * Counts the changes of all features; a higher one was evaluated later.
   * @example 42
   */
  revision!: number;
}

export function toEvaluatedFeatureView(key: string, decision: Decision): EvaluatedFeatureView {
  const { value, variant, reason, details } = decision;
  return {
    key,
    value,
    ...(variant !== null && { variant }),
    reason,
    details,
    explanation: explain(decision, { key }),
  };
}
