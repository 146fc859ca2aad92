import { ApiProperty } from '@nestjs/swagger';
import type { Json, JsonObject } from '../../kernel/json.js';
import { PageLinks, PageMeta } from '../../kernel/lists.js';
import { ANY_VALUE } from '../feature-value.js';
import type { FeatureFacts } from './definitions.queries.js';
import {
  FEATURE_TYPES,
  type FeatureType,
  type Lifecycle,
  LIFECYCLES,
  METERING_PERIODS,
} from './feature-definition.entity.js';

/** A named value that rules and roll-outs can give. */
export class VariantView {
  /**
   * What it is known by within the feature.
   * @example blue
   */
  key!: string;
  /** What whoever gets it has. */
  @ApiProperty({ ...ANY_VALUE, example: true })
  value!: Json;
  /**
   * Its share in percent; where none has one they share equally.
   * @example 100
   */
  weight?: number;
}

/** How the use of a number is counted against it. */
export class MeteringView {
  /** When counting begins anew, in UTC. */
  @ApiProperty({ enum: METERING_PERIODS, example: 'month' })
  period!: string;
  /** Whether what goes beyond the limit is refused. */
  @ApiProperty({ enum: ['hard', 'soft'], example: 'hard' })
  enforcement!: string;
}

/** A feature of the customer’s product. */
export class FeatureView {
  /**
   * What code and rules know it by.
   * @example reports
   */
  key!: string;
  /**
   * What people call it.
   * @example "Reports"
   */
  name!: string;
  /** What it does. */
  @ApiProperty({ type: String, nullable: true, example: 'Charts and tables' })
  description!: string | null;
  /** Of what type its values are. */
  @ApiProperty({ enum: FEATURE_TYPES, example: 'boolean' })
  type!: FeatureType;
  /** A group of features. */
  @ApiProperty({ type: String, nullable: true, example: 'reporting' })
  category!: string | null;
  /** What it is where nothing else decides. */
  @ApiProperty({ ...ANY_VALUE, example: false })
  defaultValue!: Json;
  /** JSON Schema of its values; null for none. */
  @ApiProperty({ type: 'object', additionalProperties: true, nullable: true, example: null })
  schema!: JsonObject | null;
  /** Named values that rules and roll-outs can give; null for none. */
  @ApiProperty({ type: [VariantView], nullable: true, example: null })
  variants!: VariantView[] | null;
  /** How its use is counted, with the number as the limit; null when it is not. */
  @ApiProperty({ type: MeteringView, nullable: true, example: null })
  metering!: MeteringView | null;
  /** Keys of the features that it needs: it is off for whom one of them is false or, of another type, its default. */
  @ApiProperty({ type: [String], example: [] })
  dependencies!: string[];
  /** Keys of the features that it cannot go together with. */
  @ApiProperty({ type: [String], example: [] })
  conflicts!: string[];
  /** What each plan gives of it, and at most, by the plan's key. */
  @ApiProperty({ type: 'object', additionalProperties: ANY_VALUE, example: { standard: true } })
  plans!: Record<string, Json>;
  /** Only `active` and `deprecated` features are evaluated. */
  @ApiProperty({ enum: LIFECYCLES, example: 'active' })
  lifecycle!: Lifecycle;
  /** Who answers for it. */
  @ApiProperty({ type: String, nullable: true, example: 'team-reports' })
  owner!: string | null;
  /** Words to find it by. */
  @ApiProperty({ type: [String], example: ['beta'] })
  tags!: string[];
  /** The last day on which it should be there; null: none. */
  @ApiProperty({ type: String, format: 'date', nullable: true, example: '2027-03-31' })
  removeBy!: string | null;
  /**
   * Counts its changes; the ETag holds it.
   * @example 3
   */
  version!: number;
  /**
   * When it was made.
   * @example 2026-11-25T08:00:00.000Z
   */
  createdAt!: string;
  /**
   * When it was last changed.
   * @example 2026-11-25T08:00:00.000Z
   */
  updatedAt!: string;
}

/** A page of features. */
export class FeaturePageView {
  /** The features of this page. */
  data!: FeatureView[];
  /** Where this page stands. */
  meta!: PageMeta;
  /** Neighbouring pages. */
  links!: PageLinks;
}

export function toFeatureView({ createdAt, updatedAt, ...facts }: FeatureFacts): FeatureView {
  return { ...facts, createdAt: createdAt.toISOString(), updatedAt: updatedAt.toISOString() };
}
