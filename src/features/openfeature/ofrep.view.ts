import { ApiExtraModels, ApiProperty, ApiPropertyOptional, getSchemaPath } from '@nestjs/swagger';
import type { Json } from '../../kernel/json.js';
import { OFREP_ERROR_CODES, type OfrepErrorCode } from './ofrep-errors.js';

/** A flag for a context. */
export class OfrepFlagView {
  /**
   * Key of the feature.
   * @example reports
   */
  key!: string;
  /** What it is; of the feature's type. */
  @ApiProperty({
    example: true,
    oneOf: [
      { type: 'boolean' },
      { type: 'string' },
      { type: 'number' },
      { type: 'object' },
      { type: 'array', items: {} },
    ],
  })
  value!: Json;
  /** Why, in the words of OpenFeature. */
  @ApiProperty({ enum: ['STATIC', 'DEFAULT', 'TARGETING_MATCH', 'SPLIT', 'DISABLED'], example: 'TARGETING_MATCH' })
  reason!: string;
  /** The variant, where one was drawn or named. */
  @ApiPropertyOptional({ type: String, example: 'blue' })
  variant?: string;
  /** Why, in our words: the `reason`, and what names it, such as the rule, the plan or the feature that it depends on. */
  @ApiProperty({
    type: 'object',
    additionalProperties: { oneOf: [{ type: 'string' }, { type: 'number' }, { type: 'boolean' }] },
    example: { reason: 'rule', rule: 'beta testers' },
  })
  metadata!: Record<string, string | number | boolean>;
}

/** Why a flag has no value. */
export class OfrepFailureView {
  /**
   * Key that was asked for.
   * @example reports
   */
  key!: string;
  /** Code of OpenFeature. */
  @ApiProperty({ enum: OFREP_ERROR_CODES, example: 'TARGETING_KEY_MISSING' })
  errorCode!: OfrepErrorCode;
  /**
   * For a person to read.
   * @example "A roll-out of this flag needs a targetingKey in the context"
   */
  errorDetails!: string;
}

/** Why there are no flags. */
export class OfrepBulkFailureView {
  /** Code of OpenFeature. */
  @ApiProperty({ enum: OFREP_ERROR_CODES, example: 'INVALID_CONTEXT' })
  errorCode!: OfrepErrorCode;
  /**
   * For a person to read.
   * @example "The context has to be an object"
   */
  errorDetails!: string;
}

/** Where changes are told. */
export class OfrepEventStreamView {
  /**
   * Server-sent events.
   * @example sse
   */
  type!: string;
  /**
   * Address of the stream; the token in it opens a stream within some minutes, and nothing else.
   * @example "https://tenon.example/ofrep/v1/events?token=…&state=…"
   */
  url!: string;
  /**
   * Seconds after which a client that nobody looks at closes the stream.
   * @example 120
   */
  inactivityDelaySec!: number;
}

/** All flags for a context. */
@ApiExtraModels(OfrepFlagView, OfrepFailureView)
export class OfrepBulkView {
  /** In the order of their keys; in the place of a flag that needs a missing targeting key stands why. */
  @ApiProperty({
    type: 'array',
    items: { oneOf: [{ $ref: getSchemaPath(OfrepFlagView) }, { $ref: getSchemaPath(OfrepFailureView) }] },
    example: [
      {
        key: 'reports',
        value: true,
        reason: 'TARGETING_MATCH',
        metadata: { reason: 'rule', rule: 'beta testers' },
      },
    ],
  })
  flags!: (OfrepFlagView | OfrepFailureView)[];
  /** Where to hear of changes. */
  eventStreams!: OfrepEventStreamView[];
}
