import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsOptional, IsString, IsUUID, Matches, MaxLength, ValidateIf } from 'class-validator';
import { ENVIRONMENT_KEY, ENVIRONMENT_KEY_MESSAGE } from '../../environments/environments.dto.js';
import { IsOneLine } from '../../kernel/display-name.js';
import { IsInstant } from '../../kernel/instant.js';
import type { Json } from '../../kernel/json.js';
import { PageQuery } from '../../kernel/lists.js';
import { CATEGORY, CATEGORY_MESSAGE } from '../definitions/definitions.dto.js';
import { FEATURE_TYPES, type FeatureType } from '../evaluator/index.js';
import { FEATURE_KEY, FEATURE_KEY_MESSAGE } from '../feature-key.js';
import { ANY_VALUE, IsFeatureValue } from '../feature-value.js';

/** Names a feature of an organization. */
export class EntitlementPath {
  /**
   * Id of the organization.
   * @example 0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f00
   */
  @IsUUID()
  organizationId!: string;

  /**
   * Key of the feature.
   * @example api-calls
   */
  @Matches(FEATURE_KEY, FEATURE_KEY_MESSAGE)
  key!: string;
}

/** Where a feature is looked at. */
export class EntitlementQuery {
  /**
   * Key of the environment; `production` when left out, for an API key its own.
   * @example staging
   */
  @IsOptional()
  @Matches(ENVIRONMENT_KEY, ENVIRONMENT_KEY_MESSAGE)
  environment?: string;
}

/** Which features of an organization to list. */
export class ListEntitlementsQuery extends PageQuery {
  /**
   * Key of the environment; `production` when left out, for an API key its own.
   * @example staging
   */
  @IsOptional()
  @Matches(ENVIRONMENT_KEY, ENVIRONMENT_KEY_MESSAGE)
  environment?: string;

  /**
   * Only features of this category.
   * @example reporting
   */
  @IsOptional()
  @Matches(CATEGORY, CATEGORY_MESSAGE)
  category?: string;

  /** Only features whose values are of this type. */
  @ApiPropertyOptional({ enum: FEATURE_TYPES, example: 'boolean' })
  @IsOptional()
  @IsIn(FEATURE_TYPES)
  type?: FeatureType;

  /**
   * Part of key, name or description.
   * @example export
   */
  @IsOptional()
  @IsString()
  @MaxLength(120)
  q?: string;
}

/** Which override of a feature is meant. */
export class OverrideQuery {
  /**
   * Key of the environment that the override is for; the one for every environment when left out. An API key has to do with
   * its own environment alone.
   * @example staging
   */
  @IsOptional()
  @Matches(ENVIRONMENT_KEY, ENVIRONMENT_KEY_MESSAGE)
  environment?: string;
}

const reason = 'A larger trial, agreed with sales';
/** Bodies that Swagger UI offers: of a limit, below what the plan `standard` allows. */
export const overrideExamples = {
  everywhere: { summary: 'A value of its own, everywhere', value: { value: 2_000, reason } },
  environment: {
    summary: 'In one environment, until a day',
    value: { value: 3_000, environment: 'production', expiresAt: '2099-12-31T23:00:00Z', reason },
  },
};

/** Gives an organization a value of its own. */
export class PutOverrideRequest {
  /** The value: of the type of the feature, fitting its schema, and within what the plan allows. */
  @ApiProperty({ ...ANY_VALUE, example: 2_000 })
  @IsFeatureValue()
  value!: Json;

  /**
   * Why, for whoever looks at it later: one line of 3 to 500 characters.
   * @example "A larger trial, agreed with sales"
   */
  @IsOneLine('isReason', 3, 500)
  reason!: string;

  /** When it ends by itself; null or left out: when somebody removes it. */
  @ApiPropertyOptional({ type: String, format: 'date-time', nullable: true, example: '2099-12-31T23:00:00Z' })
  @IsOptional()
  @IsInstant()
  expiresAt?: string | null;

  /**
   * Key of the only environment where it holds, before the one for every environment. Left out: everywhere; by an API key,
   * in its own environment.
   * @example production
   */
  @ValidateIf((_, value) => value !== undefined)
  @Matches(ENVIRONMENT_KEY, ENVIRONMENT_KEY_MESSAGE)
  environment?: string;
}
