import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import {
  ArrayNotEmpty,
  IsArray,
  IsIn,
  IsInt,
  IsOptional,
  IsString,
  IsUUID,
  Matches,
  Max,
  Min,
  ValidateIf,
} from 'class-validator';
import { ArrayUnique } from '../../kernel/array-unique.js';
import { ENVIRONMENT_KEY, ENVIRONMENT_KEY_MESSAGE } from '../../environments/environments.dto.js';
import { IsDisplayName } from '../../kernel/display-name.js';
import { IsInstant } from '../../kernel/instant.js';
import { type Permission, SCOPES } from '../../kernel/permissions.js';

/** Seconds. */
export const DAY = 24 * 60 * 60;
const EXAMPLE: Permission[] = ['features:read', 'features:evaluate'];

/** Makes an API key. */
export class CreateApiKeyRequest {
  /**
   * What it is called.
   * @example "Checkout, production"
   */
  @IsDisplayName()
  name!: string;

  /**
   * Key of the environment that it is for.
   * @example production
   */
  @IsString()
  @Matches(ENVIRONMENT_KEY, ENVIRONMENT_KEY_MESSAGE)
  environment!: string;

  /** What it is for, at least one of what you hold yourself. What its owner may not do, it never opens. */
  @ApiProperty({ enum: SCOPES, isArray: true, example: EXAMPLE })
  @IsArray()
  @ArrayNotEmpty()
  @ArrayUnique()
  @IsIn(SCOPES, { each: true, message: 'scopes are permissions that an API key can hold' })
  scopes!: Permission[];

  /** Until when it works: ISO 8601 with a zone, or a date (midnight UTC). Without an end unless said. */
  @ApiPropertyOptional({ type: String, format: 'date-time', nullable: true, example: '2099-12-31T00:00:00Z' })
  @IsOptional()
  @IsInstant()
  expiresAt?: string | null;

  /** Id of the service account whose key it is; your own unless said. */
  @ApiPropertyOptional({ type: String, format: 'uuid', nullable: true, example: null })
  @IsOptional()
  @IsUUID()
  serviceAccountId?: string | null;
}

/** Rotates an API key. */
export class RotateApiKeyRequest {
  /**
   * How long the old secret works on, in seconds: a day unless said, 7 days at most, 0 for not at all.
   * @example 86400
   */
  @ValidateIf((_, value) => value !== undefined)
  @IsInt()
  @Min(0)
  @Max(7 * DAY)
  overlapSeconds?: number;
}

/** Names an API key. */
export class ApiKeyPath {
  /**
   * Id of the organization.
   * @example 0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f00
   */
  @IsUUID()
  organizationId!: string;

  /**
   * Id of the API key.
   * @example 0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f02
   */
  @IsUUID()
  id!: string;
}
