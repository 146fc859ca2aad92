import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayNotEmpty,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsOptional,
  IsString,
  IsUUID,
  Max,
  MaxLength,
  Min,
  ValidateIf,
  type ValidationArguments,
} from 'class-validator';
import { ArrayUnique } from '../../kernel/array-unique.js';
import { IsOneLine } from '../../kernel/display-name.js';
import { EVENT_FILTERS } from '../event-types.js';
import { MAX_URL_LENGTH } from '../sending/target.js';

/** Seconds. */
export const DAY = 24 * 60 * 60;
const MAX_FILTERS = 100;
const FILTERS_EXAMPLE = ['member.*', 'api_key.created'];
const FILTERS = {
  message: ({ value }: ValidationArguments): string =>
    `${wrongIn(value)}: GET /api/v1/webhooks/event-types lists the types; an area is written member.*, everything *`,
};

function wrongIn(value: unknown): string {
  const wrong = [value].flat().find((one) => !EVENT_FILTERS.includes(one as string));
  return typeof wrong === 'string' && wrong.length <= 100 ? `There is no event type ${wrong}` : 'Not an event type';
}

const given = (_: unknown, value: unknown): boolean => value !== undefined;
const trimmed = ({ value }: { value: unknown }): unknown => (typeof value === 'string' ? value.trim() : value);

/** Makes a webhook. */
export class CreateWebhookRequest {
  /** Where events are posted: `https`, a host with a public address, port 443 or from 1024 on; no user, no fragment. */
  @ApiProperty({ format: 'uri', example: 'https://hooks.example.com/tenon' })
  @Transform(trimmed)
  @IsString()
  @MaxLength(MAX_URL_LENGTH)
  url!: string;

  /** What is told: types, all of an area (`member.*`), or `*`. `GET /api/v1/webhooks/event-types` lists them. */
  @ApiProperty({ type: [String], example: FILTERS_EXAMPLE })
  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(MAX_FILTERS)
  @ArrayUnique()
  @IsIn(EVENT_FILTERS, { each: true, ...FILTERS })
  eventTypes!: string[];

  /** What it is for. */
  @ApiPropertyOptional({ type: String, nullable: true, example: 'Ticket system' })
  @IsOptional()
  @IsOneLine('isDescription', 1, 200)
  description?: string | null;
}

/** Changes a webhook; what is left out stays. */
export class UpdateWebhookRequest {
  /** Where events are posted. */
  @ApiPropertyOptional({ format: 'uri', example: 'https://hooks.example.com/tenon/v2' })
  @ValidateIf(given)
  @Transform(trimmed)
  @IsString()
  @MaxLength(MAX_URL_LENGTH)
  url?: string;

  /** What is told. */
  @ApiPropertyOptional({ type: [String], example: FILTERS_EXAMPLE })
  @ValidateIf(given)
  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(MAX_FILTERS)
  @ArrayUnique()
  @IsIn(EVENT_FILTERS, { each: true, ...FILTERS })
  eventTypes?: string[];

  /** What it is for. */
  @ApiPropertyOptional({ type: String, nullable: true, example: 'Ticket system' })
  @IsOptional()
  @IsOneLine('isDescription', 1, 200)
  description?: string | null;

  /** Whether anything is sent. What waits when it is switched off counts as failed, and can be sent again later. */
  @ApiPropertyOptional({ example: true })
  @ValidateIf(given)
  @IsBoolean()
  enabled?: boolean;
}

/** Gives a webhook another secret. */
export class RotateWebhookSecretRequest {
  /**
   * How long the old secret signs, too, in seconds: a day unless said, 7 days at most, 0 for not at all.
   * @example 86400
   */
  @ValidateIf(given)
  @IsInt()
  @Min(0)
  @Max(7 * DAY)
  overlapSeconds?: number;
}

/** Names a webhook. */
export class WebhookPath {
  /**
   * Id of the webhook.
   * @example 0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f03
   */
  @IsUUID()
  id!: string;
}

/** Names a webhook of an organization. */
export class OrganizationWebhookPath extends WebhookPath {
  /**
   * Id of the organization.
   * @example 0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f00
   */
  @IsUUID()
  organizationId!: string;
}
