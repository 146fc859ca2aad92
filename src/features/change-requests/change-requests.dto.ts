import { ApiExtraModels, ApiProperty, ApiPropertyOptional, getSchemaPath } from '@nestjs/swagger';
import {
  ArrayMaxSize,
  IsArray,
  IsIn,
  IsOptional,
  IsString,
  IsUUID,
  Matches,
  MaxLength,
  ValidateIf,
} from 'class-validator';
import { ArrayUnique } from '../../kernel/array-unique.js';
import { IsDisplayName } from '../../kernel/display-name.js';
import { IsInstant } from '../../kernel/instant.js';
import { CursorQuery } from '../../kernel/lists.js';
import { IsChangeReason } from '../change-log/change-reason.dto.js';
import { FEATURE_KEY, FEATURE_KEY_MESSAGE } from '../feature-key.js';
import { type AnyEdit, AreEdits, EDITS, MAX_EDITS } from './edits.dto.js';
import { REQUEST_STATUSES, type RequestStatus } from './feature-change-request.entity.js';

const MAX_FOLLOWS = 20;
const EXAMPLE = [
  {
    type: 'feature.configure',
    key: 'reports',
    environment: 'production',
    configuration: { enabled: true, rules: [], rollout: { by: 'targetingKey', percentage: 25 } },
  },
];
/** The list of edits in OpenAPI. */
export const EDITS_SCHEMA = {
  type: 'array',
  items: {
    oneOf: EDITS.map(({ value }) => ({ $ref: getSchemaPath(value) })),
    discriminator: {
      propertyName: 'type',
      mapping: Object.fromEntries(EDITS.map(({ name, value }) => [name, getSchemaPath(value)])),
    },
  },
  example: EXAMPLE,
} as const;

/** Asks for changes of features, which are made together or not at all. */
@ApiExtraModels(...EDITS.map(({ value }) => value))
export class CreateChangeRequest {
  /**
   * What it is about.
   * @example "A quarter of the people see the reports"
   */
  @IsDisplayName()
  title!: string;

  /** Why; it stands in the change log with every change. */
  @IsChangeReason()
  reason?: string | null;

  /** What is to be done, in this order. */
  @ApiProperty({ ...EDITS_SCHEMA, minItems: 1, maxItems: MAX_EDITS })
  @AreEdits()
  changes!: AnyEdit[];

  /** When it is to be made, once it is approved: a time to come; null: when somebody applies it. */
  @ApiPropertyOptional({ type: String, format: 'date-time', nullable: true, example: null })
  @IsOptional()
  @IsInstant()
  applyAt?: string | null;

  /** Ids of requests that may be applied before this one though they touch the same; others make it outdated. */
  @ApiProperty({ type: [String], format: 'uuid', required: false, default: [], example: [] })
  @IsArray()
  @ArrayMaxSize(MAX_FOLLOWS)
  @ArrayUnique()
  @IsUUID(undefined, { each: true })
  follows: string[] = [];
}

/** Changes what is asked for; what is left out stays. Every approval has to be given anew. */
export class UpdateChangeRequest {
  /**
   * What it is about.
   * @example "A quarter of the people see the reports"
   */
  @ValidateIf((_, value) => value !== undefined)
  @IsDisplayName()
  title?: string;

  /** Why; it stands in the change log with every change. */
  @IsChangeReason()
  reason?: string | null;

  /** What is to be done, in this order. */
  @ApiPropertyOptional({ ...EDITS_SCHEMA, minItems: 1, maxItems: MAX_EDITS })
  @ValidateIf((_, value) => value !== undefined)
  @AreEdits()
  changes?: AnyEdit[];

  /** When it is to be made, once it is approved: a time to come; null: when somebody applies it. */
  @ApiPropertyOptional({ type: String, format: 'date-time', nullable: true, example: null })
  @IsOptional()
  @IsInstant()
  applyAt?: string | null;

  /** Ids of requests that may be applied before this one though they touch the same. */
  @ApiPropertyOptional({ type: [String], format: 'uuid', example: [] })
  @ValidateIf((_, value) => value !== undefined)
  @IsArray()
  @ArrayMaxSize(MAX_FOLLOWS)
  @ArrayUnique()
  @IsUUID(undefined, { each: true })
  follows?: string[];
}

/** Says something of a change request, as it was read. */
export class ReviewRequest {
  /**
   * `contentHash` of what you read; if it was changed since, the answer is 412.
   * @example 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
   */
  @IsString()
  @Matches(/^[0-9a-f]{64}$/, { message: 'contentHash has to be the contentHash of the request' })
  contentHash!: string;

  /** What you think of it. */
  @ApiPropertyOptional({ type: String, nullable: true, maxLength: 2_000, example: 'Looks right' })
  @IsOptional()
  @IsString()
  @MaxLength(2_000)
  comment?: string | null;
}

/** Names a change request. */
export class ChangeRequestPath {
  /**
   * Id of the change request.
   * @example 0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f00
   */
  @IsUUID()
  id!: string;
}

/** Which change requests to list. */
export class ChangeRequestsQuery extends CursorQuery {
  /** Only those in this state. */
  @ApiPropertyOptional({ enum: REQUEST_STATUSES, example: 'pending' })
  @IsOptional()
  @IsIn(REQUEST_STATUSES)
  status?: RequestStatus;

  /**
   * Only those that touch this feature.
   * @example reports
   */
  @IsOptional()
  @Matches(FEATURE_KEY, FEATURE_KEY_MESSAGE)
  feature?: string;
}
