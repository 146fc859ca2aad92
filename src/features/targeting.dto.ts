import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsIn,
  IsNumber,
  IsObject,
  IsString,
  Matches,
  Max,
  MaxLength,
  Min,
  MinLength,
  ValidateIf,
  ValidateNested,
} from 'class-validator';
import { ArrayUnique } from '../kernel/array-unique.js';
import { AreObjects } from '../kernel/are-objects.js';
import { IsDisplayName } from '../kernel/display-name.js';
import type { Json } from '../kernel/json.js';
import { MAX_CONDITIONS, MAX_TEXT, MAX_VALUES } from './evaluator/check-conditions.js';
import { type ConditionData, type Operator, OPERATORS, type RolloutData, type RuleData } from './evaluator/model.js';
import { FEATURE_KEY, FEATURE_KEY_MESSAGE } from './feature-key.js';
import { ANY_VALUE, IsFeatureValue } from './feature-value.js';

/** One condition on an attribute of who asks. */
export class ConditionBody implements ConditionData {
  /**
   * Which attribute of the context is asked.
   * @example country
   */
  @IsString()
  @MinLength(1)
  @MaxLength(MAX_TEXT)
  attribute!: string;

  /** How it is compared: with any of the values, for `not_…` with none of them. */
  @ApiProperty({ enum: OPERATORS, example: 'in' })
  @IsIn(OPERATORS)
  operator!: Operator;

  /** What it is compared with; none for `exists` and `not_exists`. */
  @ApiProperty({
    type: 'array',
    items: { oneOf: [{ type: 'string' }, { type: 'number' }, { type: 'boolean' }] },
    example: ['DE', 'AT', 'CH'],
  })
  @IsArray()
  @ArrayMaxSize(MAX_VALUES)
  values!: (string | number | boolean)[];
}

/** A percentage of those who ask, the same ones each time. */
export class RolloutBody implements RolloutData {
  /** The attribute that decides who is inside; `targetingKey` unless said. */
  @ApiProperty({ type: String, required: false, default: 'targetingKey', example: 'targetingKey' })
  @IsString()
  @MinLength(1)
  @MaxLength(MAX_TEXT)
  by: string = 'targetingKey';

  /**
   * How many are inside, from 0 to 100 with up to three decimals. Who is inside stays so when it grows.
   * @example 25
   */
  @IsNumber({ maxDecimalPlaces: 3 })
  @Min(0)
  @Max(100)
  percentage!: number;

  /** Roll-outs of one salt take the same people; the key of the feature unless said. */
  @ApiPropertyOptional({ type: String, example: 'spring' })
  @ValidateIf((_, value) => value !== undefined)
  @IsString()
  @MinLength(1)
  @MaxLength(MAX_TEXT)
  salt?: string;

  /** `unleash`: as Unleash does it, so that people who come from there stay where they were. */
  @ApiPropertyOptional({ enum: ['unleash'], example: 'unleash' })
  @ValidateIf((_, value) => value !== undefined)
  @IsIn(['unleash'])
  bucketing?: 'unleash';
}

/** Gives one of value, variant and roll-out to those who meet all of its conditions and are in all of its segments. */
export class RuleBody implements RuleData {
  /**
   * What it is called; decisions name it.
   * @example "Pilot customers"
   */
  @IsDisplayName()
  name!: string;

  /** Conditions that all have to hold; none of them: for everybody. */
  @ApiProperty({ type: [ConditionBody], example: [{ attribute: 'country', operator: 'in', values: ['DE', 'AT'] }] })
  @AreObjects(MAX_CONDITIONS)
  @Type(() => ConditionBody)
  when!: ConditionBody[];

  /** Keys of segments that one has to be in, all of them. */
  @ApiPropertyOptional({ type: [String], example: [] })
  @ValidateIf((_, value) => value !== undefined)
  @IsArray()
  @ArrayMaxSize(20)
  @ArrayUnique()
  @Matches(FEATURE_KEY, { ...FEATURE_KEY_MESSAGE, each: true })
  segments?: string[];

  /** The value that it gives, of the type of the feature. */
  @ApiPropertyOptional({ ...ANY_VALUE, example: true })
  @ValidateIf((_, value) => value !== undefined)
  @IsFeatureValue()
  value?: Json;

  /** Or the variant that it gives, by its key. */
  @ApiPropertyOptional({ type: String, example: 'blue' })
  @ValidateIf((_, value) => value !== undefined)
  @IsString()
  @Matches(FEATURE_KEY, FEATURE_KEY_MESSAGE)
  variant?: string;

  /** Or a part of them: true, or one of the variants by their weights. */
  @ApiPropertyOptional({ type: RolloutBody, example: { by: 'targetingKey', percentage: 25 } })
  @ValidateIf((_, value) => value !== undefined)
  @IsObject()
  @ValidateNested()
  @Type(() => RolloutBody)
  rollout?: RolloutBody;
}

/** Conditions as data: without the class of the request. */
export function toConditions(when: readonly ConditionBody[]): ConditionData[] {
  return when.map(({ attribute, operator, values }) => ({ attribute, operator, values }));
}
