import { ApiProperty } from '@nestjs/swagger';
import type { Json } from '../../kernel/json.js';
import { PageLinks, PageMeta } from '../../kernel/lists.js';
import { MeteringView } from '../definitions/definitions.view.js';
import { FEATURE_TYPES, type FeatureType, REASONS, type Reason } from '../evaluator/index.js';
import { ANY_VALUE } from '../feature-value.js';
import { ConsumptionView } from '../metering/metering.view.js';

const ANY_OR_NULL = { ...ANY_VALUE, nullable: true };

/** A value that an organization was given apart from its plan. */
export class OverrideView {
  /** The value that was wished; what comes of it stands in `value` of the feature. */
  @ApiProperty({ ...ANY_VALUE, example: 2_000 })
  value!: Json;
  /**
   * Why it was given.
   * @example "A larger trial, agreed with sales"
   */
  reason!: string;
  /** When it ends by itself; null: when somebody removes it. */
  @ApiProperty({ type: String, format: 'date-time', nullable: true, example: '2099-12-31T23:00:00.000Z' })
  expiresAt!: string | null;
  /** The only environment where it holds; null: everywhere. */
  @ApiProperty({ type: String, nullable: true, example: null })
  environment!: string | null;
  /** Id of the person or service account that set it last; null when that was Tenon. */
  @ApiProperty({ type: String, format: 'uuid', nullable: true, example: '0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f00' })
  setBy!: string | null;
  /**
   * When it was set last.
   * @example 2026-11-25T08:00:00.000Z
   */
  setAt!: string;
}

/** A feature as an organization has it in one environment, and why. */
export class EntitlementView {
  /**
   * Key of the feature.
   * @example api-calls
   */
  key!: string;
  /**
   * What people call it.
   * @example "Calls of the API"
   */
  name!: string;
  /** What it does. */
  @ApiProperty({ type: String, nullable: true, example: 'How often the API can be called in a month' })
  description!: string | null;
  /** Of which type its values are. */
  @ApiProperty({ enum: FEATURE_TYPES, example: 'number' })
  type!: FeatureType;
  /** A group that it belongs to. */
  @ApiProperty({ type: String, nullable: true, example: 'api' })
  category!: string | null;
  /** `deprecated` features still work, and will go. */
  @ApiProperty({ enum: ['active', 'deprecated'], example: 'active' })
  lifecycle!: string;
  /**
   * The environment that all of this is about.
   * @example production
   */
  environment!: string;
  /** The value where nothing else gives one. */
  @ApiProperty({ ...ANY_VALUE, example: 1_000 })
  defaultValue!: Json;
  /**
   * What the plan says: for a boolean false excludes the feature, for a number it is the most, for other types it is the
   * value. Null: the plan sets no ceiling.
   */
  @ApiProperty({ ...ANY_OR_NULL, example: 5_000 })
  planValue!: Json;
  /** The value of the override that counts here; null: there is none. */
  @ApiProperty({ ...ANY_OR_NULL, example: 2_000 })
  overrideValue!: Json;
  /** The override that counts here, with who gave it and why; null: there is none. */
  @ApiProperty({ type: OverrideView, nullable: true })
  override!: OverrideView | null;
  /** What the organization has. */
  @ApiProperty({ ...ANY_VALUE, example: 2_000 })
  value!: Json;
  /** The variant that gave the value; null: none. */
  @ApiProperty({ type: String, nullable: true, example: null })
  variant!: string | null;
  /** What decided, the first of these that had something to say. */
  @ApiProperty({ enum: REASONS, example: 'override' })
  reason!: Reason;
  /** What the reason is about, such as the plan, the parent that is off, or the rule. */
  @ApiProperty({ type: 'object', additionalProperties: true, example: { scope: 'everywhere', expiresAt: null } })
  details!: Record<string, Json>;
  /**
   * The same as a sentence.
   * @example "api-calls is 2000 by an override for every environment."
   */
  explanation!: string;
  /**
   * Whether it may be another value for some users of the organization: rules or roll-outs look at who asks. What is shown
   * is what somebody gets of whom nothing is known.
   * @example false
   */
  dependsOnContext!: boolean;
  /** How its use is counted; null: it is not. */
  @ApiProperty({ type: MeteringView, nullable: true })
  metering!: MeteringView | null;
  /** What of it is used in this environment; null: it is not counted. */
  @ApiProperty({ type: ConsumptionView, nullable: true })
  usage!: ConsumptionView | null;
}

/** A page of the features of an organization. */
export class EntitlementPageView {
  /** The features of this page. */
  data!: EntitlementView[];
  /** Where this page stands. */
  meta!: PageMeta;
  /** Neighbouring pages. */
  links!: PageLinks;
}
