import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  IsIn,
  IsInt,
  IsObject,
  IsOptional,
  IsString,
  Matches,
  Max,
  Min,
  ValidateBy,
  ValidateIf,
} from 'class-validator';
import { ENVIRONMENT_KEY } from '../../environments/environments.dto.js';
import type { JsonObject } from '../../kernel/json.js';
import { IsChangeReason } from '../change-log/change-reason.dto.js';
import { CATEGORY, CATEGORY_MESSAGE, TAG, TAG_MESSAGE } from '../definitions/definitions.dto.js';

/** What an import can read. */
export const FORMATS = ['tenon', 'unleash', 'launchdarkly'] as const;
export type TransferFormat = (typeof FORMATS)[number];

/** Which features an export holds. */
export class ExportQuery {
  /**
   * Only those with this tag, and all that they need.
   * @example beta
   */
  @IsOptional()
  @IsString()
  @Matches(TAG, TAG_MESSAGE)
  tag?: string;

  /**
   * Only those of this category, and all that they need.
   * @example reporting
   */
  @IsOptional()
  @IsString()
  @Matches(CATEGORY, CATEGORY_MESSAGE)
  category?: string;

  /**
   * One part of what is too large for the body of an import, from 1; the answer says how many there are. All in one when
   * left out.
   * @example 1
   */
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(100_000)
  part?: number;
}

/** Whether an import is made. */
export class ImportQuery {
  /**
   * `true`: says what the import would do, and does nothing.
   * @example true
   */
  @ApiPropertyOptional({ enum: ['true', 'false'], default: 'false' })
  @IsOptional()
  @IsIn(['true', 'false'])
  dryRun?: 'true' | 'false';
}

const isMapping = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  Object.values(value).every((to) => to === null || (typeof to === 'string' && ENVIRONMENT_KEY.test(to)));

/** A document that features are taken over from, and how. */
export class ImportedDocument {
  /** Whose document it is. */
  @ApiProperty({ enum: FORMATS, example: 'tenon' })
  @IsIn(FORMATS)
  format!: TransferFormat;

  /** The document, as the export of that system wrote it. */
  @ApiProperty({
    type: 'object',
    additionalProperties: true,
    example: {
      format: 'tenon',
      formatVersion: 1,
      environments: [
        { key: 'prod', name: 'Production' },
        { key: 'sandbox', name: 'Sandbox' },
      ],
      features: [{ definition: { key: 'reports', name: 'Reports', type: 'boolean', defaultValue: false } }],
    },
  })
  @IsObject()
  document!: JsonObject;

  /** What environments of the document are called here, by what they are called there; null leaves one out. The others keep their keys. One that the document lacks is refused. */
  @ApiPropertyOptional({
    type: 'object',
    additionalProperties: { type: 'string', nullable: true },
    example: { prod: 'production', sandbox: null },
  })
  @ValidateIf((_, value) => value !== undefined)
  @ValidateBy({
    name: 'isEnvironmentMapping',
    validator: {
      validate: isMapping,
      defaultMessage: () => '$property has to name, by environments of the document, keys of environments or null',
    },
  })
  environmentMapping?: Record<string, string | null>;
}

/** Takes features over from a document. */
export class ImportRequest extends ImportedDocument {
  /** Why it is done; it stands in the change log. */
  @IsChangeReason()
  reason?: string | null;
}
