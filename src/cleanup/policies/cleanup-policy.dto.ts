import { ApiProperty } from '@nestjs/swagger';
import { IsObject } from 'class-validator';
import { RETAINED_TYPES } from '../expiring-types.js';

/** How long each type is to be kept. */
export class CleanupPolicyRequest {
  /** Days after a row's time, by type, within the type's bounds. What is not named is kept as the platform keeps it. */
  @ApiProperty({
    type: 'object',
    properties: Object.fromEntries(
      RETAINED_TYPES.map(({ name, description, retention: { days, least, most } }) => [
        name,
        { type: 'integer', minimum: least, maximum: most, description, example: days },
      ]),
    ),
    additionalProperties: false,
    example: { invitation: 7 },
  })
  @IsObject()
  keptDays!: Record<string, unknown>;
}
