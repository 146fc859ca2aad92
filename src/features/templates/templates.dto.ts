import { applyDecorators } from '@nestjs/common';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayNotEmpty,
  IsArray,
  IsNotIn,
  IsOptional,
  IsString,
  Matches,
  MaxLength,
  ValidateIf,
} from 'class-validator';
import { AreObjects } from '../../kernel/are-objects.js';
import { ArrayUnique } from '../../kernel/array-unique.js';
import { IsDisplayName } from '../../kernel/display-name.js';
import type { Json } from '../../kernel/json.js';
import { PLAN_KEY } from '../../organizations/plans/plans.dto.js';
import { FEATURE_KEY, FEATURE_KEY_MESSAGE } from '../feature-key.js';
import { ANY_VALUE, IsFeatureValue } from '../feature-value.js';
import type { TemplateValue } from './feature-template.entity.js';

/** Names of routes that stand where a key could. */
const RESERVED = ['applications'];
export const IsTemplateKey = (): PropertyDecorator => (target, name) => {
  Matches(FEATURE_KEY, FEATURE_KEY_MESSAGE)(target, name as string);
  IsNotIn(RESERVED, { message: `key is one of ${RESERVED.join(', ')}, which are addresses` })(target, name as string);
};
const MOST_VALUES = 200;
const MOST_PLANS = 100;
const VALUES = [
  { feature: 'reports', value: true },
  { feature: 'api-calls', value: 4_000 },
];

/** What a template gives of a feature. */
export class TemplateValueBody implements TemplateValue {
  /**
   * Key of the feature.
   * @example api-calls
   */
  @IsString()
  @Matches(FEATURE_KEY, FEATURE_KEY_MESSAGE)
  feature!: string;

  /** What an organization gets of it: of its type, fitting its schema. */
  @ApiProperty({ ...ANY_VALUE, example: 4_000 })
  @IsFeatureValue()
  value!: Json;
}

/** The property is a list of what a template gives; that each feature stands in it once is told together with its values. */
const AreTemplateValues = (): PropertyDecorator =>
  applyDecorators(
    ArrayNotEmpty(),
    AreObjects(MOST_VALUES),
    Type(() => TemplateValueBody),
  );

/** What of a template may be left out. */
class TemplateFields {
  /** What it is for. */
  @ApiPropertyOptional({ type: String, nullable: true, example: 'What a pilot customer gets' })
  @IsOptional()
  @IsString()
  @MaxLength(2_000)
  description?: string | null;

  /** Keys of the plans whose organizations it is for; empty: of any. */
  @ApiPropertyOptional({ type: [String], example: [] })
  @ValidateIf((_, value) => value !== undefined)
  @IsArray()
  @ArrayMaxSize(MOST_PLANS)
  @ArrayUnique()
  @Matches(PLAN_KEY, { each: true, message: 'each of targetPlans has to be the key of a plan' })
  targetPlans?: string[];
}

/** Makes a template. */
export class CreateTemplateRequest extends TemplateFields {
  /**
   * What it is known by: 1 to 100 of a-z, 0-9, dot, underscore and hyphen, a letter or digit first; it cannot be changed.
   * @example pilot-customers
   */
  @IsString()
  @IsTemplateKey()
  key!: string;

  /**
   * What people call it.
   * @example "Pilot customers"
   */
  @IsDisplayName()
  name!: string;

  /** What it gives, of 1 to 200 features, each once. */
  @ApiProperty({ type: [TemplateValueBody], example: VALUES })
  @AreTemplateValues()
  values!: TemplateValueBody[];
}

/** Changes a template. What is left out stays, null clears; lists are replaced as a whole. */
export class UpdateTemplateRequest extends TemplateFields {
  /**
   * What people call it.
   * @example "Pilot customers"
   */
  @ValidateIf((_, value) => value !== undefined)
  @IsDisplayName()
  name?: string;

  /** What it gives, of 1 to 200 features, each once. */
  @ApiPropertyOptional({ type: [TemplateValueBody], example: VALUES })
  @ValidateIf((_, value) => value !== undefined)
  @AreTemplateValues()
  values?: TemplateValueBody[];
}

/** Names a template. */
export class TemplatePath {
  /**
   * Key of the template.
   * @example pilot-customers
   */
  @IsTemplateKey()
  key!: string;
}
