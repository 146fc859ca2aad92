import { ApiProperty } from '@nestjs/swagger';
import type { Json } from '../../../kernel/json.js';
import { REASONS } from '../../evaluator/index.js';
import { type Availability, type RequiredFeature, UNAVAILABLE } from './availability.js';

/** A feature that a widget needs, as the organization has it. */
export class RequiredFeatureView implements RequiredFeature {
  /**
   * Key of the feature.
   * @example reports
   */
  key!: string;
  /**
   * Whether the organization has it: a boolean is true, anything else is not its default.
   * @example false
   */
  on!: boolean;
  /** What decided, as `GET …/features` has it; `not_active`: the feature is a draft, and nobody has it. */
  @ApiProperty({ enum: [...REASONS, 'not_active'], example: 'entitlement' })
  reason!: RequiredFeature['reason'];
  /** What the reason is about, such as the plan or the feature that is off. */
  @ApiProperty({ type: 'object', additionalProperties: true, example: { plan: 'standard', planValue: false } })
  details!: Readonly<Record<string, Json>>;
  /**
   * The same as a sentence.
   * @example "reports is false because that is what the plan standard says."
   */
  explanation!: string;
}

/** Whether an organization can use a widget now, and why not. */
export class AvailabilityView implements Availability {
  /**
   * Whether the organization has every feature that it needs.
   * @example false
   */
  available!: boolean;
  /** Why not: a feature that it needs is off, or it is in the library no more; null where it is available. */
  @ApiProperty({ enum: UNAVAILABLE, nullable: true, example: 'feature_off' })
  reason!: Availability['reason'];
  /** The same as a sentence; null where it is available. */
  @ApiProperty({
    type: String,
    nullable: true,
    example: 'sales-funnel needs reports. reports is false because that is what the plan standard says.',
  })
  explanation!: string | null;
  /** Every feature that it needs, as the organization has it. */
  @ApiProperty({ type: [RequiredFeatureView] })
  requiredFeatures!: RequiredFeatureView[];
}
