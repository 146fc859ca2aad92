import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsIn,
  IsNotIn,
  IsNumber,
  IsObject,
  IsOptional,
  IsString,
  Matches,
  Max,
  MaxLength,
  Min,
  ValidateIf,
  ValidateNested,
} from 'class-validator';
import { ArrayUnique } from '../../kernel/array-unique.js';
import { AreObjects } from '../../kernel/are-objects.js';
import { IsDisplayName } from '../../kernel/display-name.js';
import { IsDay } from '../../kernel/instant.js';
import type { Json, JsonObject } from '../../kernel/json.js';
import { PageQuery } from '../../kernel/lists.js';
import { IsChangeReason } from '../change-log/change-reason.dto.js';
import { FEATURE_KEY, FEATURE_KEY_MESSAGE } from '../feature-key.js';
import { ANY_VALUE, AreFeatureValues, IsFeatureValue } from '../feature-value.js';
import {
  FEATURE_TYPES,
  type FeatureType,
  type Lifecycle,
  LIFECYCLES,
  type Metering,
  METERING_PERIODS,
} from './feature-definition.entity.js';

/** Names of routes that stand where a key could. */
const RESERVED = ['changes', 'import', 'export', 'evaluate'];
const IsNotReserved = (): PropertyDecorator =>
  IsNotIn(RESERVED, { message: `key is one of ${RESERVED.join(', ')}, which are addresses` });
export const TAG = /^[\p{L}\p{N}][\p{L}\p{N}._-]{0,49}$/u;
export const TAG_MESSAGE = {
  message: 'tag has to be one word of 1 to 50 letters, digits, dots, underscores and hyphens',
};
export const CATEGORY = /^[\p{L}\p{N}][\p{L}\p{N} ._-]{0,99}$/u;
export const CATEGORY_MESSAGE = {
  message: 'category has to be 1 to 100 letters, digits, spaces, dots, underscores and hyphens',
};
const MOST_DEPENDENCIES = 200;
const MOST_CONFLICTS = 1_000;
const MOST_VARIANTS = 100;

/** A named value that rules and roll-outs can give. */
export class VariantRequest {
  /**
   * What it is known by within the feature.
   * @example blue
   */
  @IsString()
  @Matches(FEATURE_KEY, FEATURE_KEY_MESSAGE)
  key!: string;

  /** What whoever gets it has; of the type of the feature. */
  @ApiProperty({ ...ANY_VALUE, example: true })
  @IsFeatureValue()
  value!: Json;

  /** Its share in percent, up to three decimals: all variants have one and they add up to 100, or none has one and they share equally. */
  @ApiPropertyOptional({ type: Number, minimum: 0, maximum: 100, example: 100 })
  @ValidateIf((_, value) => value !== undefined)
  @IsNumber({ maxDecimalPlaces: 3 })
  @Min(0)
  @Max(100)
  weight?: number;
}

/** How the use of a number is counted against it. */
export class MeteringRequest implements Metering {
  /**
   * When counting begins anew, in UTC; `never`: it adds up for good.
   * @example month
   */
  @ApiProperty({ enum: METERING_PERIODS })
  @IsIn(METERING_PERIODS)
  period!: Metering['period'];

  /**
   * `hard` refuses what goes beyond the limit; `soft` counts on and says so.
   * @example hard
   */
  @ApiProperty({ enum: ['hard', 'soft'] })
  @IsIn(['hard', 'soft'])
  enforcement!: Metering['enforcement'];
}

/** What of a feature may be left out. */
class FeatureFields {
  /** What it does. */
  @ApiPropertyOptional({ type: String, nullable: true, example: 'Charts and tables' })
  @IsOptional()
  @IsString()
  @MaxLength(2_000)
  description?: string | null;

  /** A group of features, as you like. */
  @ApiPropertyOptional({ type: String, nullable: true, example: 'reporting' })
  @IsOptional()
  @IsString()
  @Matches(CATEGORY, CATEGORY_MESSAGE)
  category?: string | null;

  /** For type `json`: the JSON Schema (2020-12, or draft-07 where `$schema` says so) that every value has to fit; `format` is an annotation, `$ref` stays within. */
  @ApiPropertyOptional({ type: 'object', additionalProperties: true, nullable: true, example: null })
  @IsOptional()
  @IsObject()
  schema?: JsonObject | null;

  /** Named values that rules and roll-outs can give; null for none. */
  @ApiPropertyOptional({ type: [VariantRequest], nullable: true, example: null })
  @IsOptional()
  @AreObjects(MOST_VARIANTS)
  @Type(() => VariantRequest)
  variants?: VariantRequest[] | null;

  /** For type `number`: how its use is counted, with the number as the limit; null when it is not. */
  @ApiPropertyOptional({ type: MeteringRequest, nullable: true, example: null })
  @IsOptional()
  @IsObject()
  @ValidateNested()
  @Type(() => MeteringRequest)
  metering?: MeteringRequest | null;

  /**
   * Keys of the features that it needs: it is off for whom one of them is off. A boolean is on when it is true, one of
   * another type when its value is not its `defaultValue`. No feature can need itself, by however many others.
   */
  @ApiPropertyOptional({ type: [String], example: [] })
  @ValidateIf((_, value) => value !== undefined)
  @IsArray()
  @ArrayMaxSize(MOST_DEPENDENCIES)
  @ArrayUnique()
  @Matches(FEATURE_KEY, { each: true, message: 'each of dependencies has to be the key of a feature' })
  dependencies?: string[];

  /** Keys of the features that it cannot go together with. It shows in both, whichever names the other. */
  @ApiPropertyOptional({ type: [String], example: [] })
  @ValidateIf((_, value) => value !== undefined)
  @IsArray()
  @ArrayMaxSize(MOST_CONFLICTS)
  @ArrayUnique()
  @Matches(FEATURE_KEY, { each: true, message: 'each of conflicts has to be the key of a feature' })
  conflicts?: string[];

  /** What each plan gives of it, and at most, by the plan's key; a plan that is not named sets no ceiling. */
  @ApiPropertyOptional({ type: 'object', additionalProperties: ANY_VALUE, example: { standard: true } })
  @ValidateIf((_, value) => value !== undefined)
  @IsObject()
  @AreFeatureValues()
  plans?: Record<string, Json>;

  /** Only `active` and `deprecated` features are evaluated; one that others need, or a template gives, cannot be archived. */
  @ApiPropertyOptional({ enum: LIFECYCLES, example: 'active' })
  @ValidateIf((_, value) => value !== undefined)
  @IsIn(LIFECYCLES)
  lifecycle?: Lifecycle;

  /** Who answers for it, such as a team or an address. */
  @ApiPropertyOptional({ type: String, nullable: true, example: 'team-reports' })
  @IsOptional()
  @IsString()
  @MaxLength(200)
  owner?: string | null;

  /** Words to find it by. */
  @ApiPropertyOptional({ type: [String], example: ['beta'] })
  @ValidateIf((_, value) => value !== undefined)
  @IsArray()
  @ArrayMaxSize(50)
  @ArrayUnique()
  @Matches(TAG, {
    each: true,
    message: 'each of tags has to be one word of 1 to 50 letters, digits, dots, underscores and hyphens',
  })
  tags?: string[];

  /** The last day on which it should be there, such as the end of a roll-out: afterwards it is listed as stale. Null: none. */
  @ApiPropertyOptional({ type: String, format: 'date', nullable: true, example: '2027-03-31' })
  @IsOptional()
  @IsDay()
  removeBy?: string | null;

  /** Why it is changed; it stands in the change log. */
  @IsChangeReason()
  reason?: string | null;
}

/** Changes a feature. What is left out stays, null clears; arrays and `plans` are replaced as a whole. */
export class UpdateFeatureRequest extends FeatureFields {
  /**
   * What people call it.
   * @example "Reports"
   */
  @ValidateIf((_, value) => value !== undefined)
  @IsDisplayName()
  name?: string;

  /** What it is where nothing else decides: any JSON of its type but null, at most 64 KiB and 8 levels. */
  @ApiPropertyOptional({ ...ANY_VALUE, example: false })
  @ValidateIf((_, value) => value !== undefined)
  @IsFeatureValue()
  defaultValue?: Json;
}

/** Makes a feature. */
export class CreateFeatureRequest extends FeatureFields {
  /**
   * What code and rules know it by: 1 to 100 of a-z, 0-9, dot, underscore and hyphen, a letter or digit first; it cannot be
   * changed.
   * @example reports
   */
  @IsString()
  @Matches(FEATURE_KEY, FEATURE_KEY_MESSAGE)
  @IsNotReserved()
  key!: string;

  /**
   * What people call it.
   * @example "Reports"
   */
  @IsDisplayName()
  name!: string;

  /**
   * Of what type its values are; it cannot be changed.
   * @example boolean
   */
  @ApiProperty({ enum: FEATURE_TYPES })
  @IsIn(FEATURE_TYPES)
  type!: FeatureType;

  /** What it is where nothing else decides: any JSON of its type but null, at most 64 KiB and 8 levels. */
  @ApiProperty({ ...ANY_VALUE, example: false })
  @IsFeatureValue()
  defaultValue!: Json;
}

/** Names a feature. */
export class FeaturePath {
  /**
   * Key of the feature.
   * @example reports
   */
  @Matches(FEATURE_KEY, FEATURE_KEY_MESSAGE)
  @IsNotReserved()
  key!: string;
}

/** Filters and order of the list of features. */
export class FeaturesQuery extends PageQuery {
  /** Only those in this stage. */
  @ApiPropertyOptional({ enum: LIFECYCLES, example: 'active' })
  @IsOptional()
  @IsIn(LIFECYCLES)
  lifecycle?: Lifecycle;

  /** Only those of this type. */
  @ApiPropertyOptional({ enum: FEATURE_TYPES, example: 'boolean' })
  @IsOptional()
  @IsIn(FEATURE_TYPES)
  type?: FeatureType;

  /**
   * Only those of this category.
   * @example reporting
   */
  @IsOptional()
  @IsString()
  @Matches(CATEGORY, CATEGORY_MESSAGE)
  category?: string;

  /**
   * Only those with this tag.
   * @example beta
   */
  @IsOptional()
  @IsString()
  @Matches(TAG, TAG_MESSAGE)
  tag?: string;

  /**
   * Only those whose key or name holds this text.
   * @example report
   */
  @IsOptional()
  @IsString()
  @MaxLength(100)
  q?: string;

  /**
   * Sorts by `key`, `createdAt` or `updatedAt`; with `-` in front the other way round.
   * @example -updatedAt
   */
  @IsOptional()
  @IsString()
  @MaxLength(50)
  sort?: string;
}
