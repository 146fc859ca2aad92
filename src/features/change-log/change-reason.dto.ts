import { applyDecorators } from '@nestjs/common';
import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional, IsString, Matches, MaxLength } from 'class-validator';

/** Why something is changed, as one line of text; a policy of an environment may ask for it. */
export const IsChangeReason = (): PropertyDecorator =>
  applyDecorators(
    ApiPropertyOptional({ type: String, nullable: true, maxLength: 500, example: 'Pilot with two customers' }),
    IsOptional(),
    IsString(),
    MaxLength(500),
    Matches(/^(?! *$)\P{Cc}*$/u, { message: 'reason has to be one line of text' }),
  );

/** Why something is removed. */
export class ReasonQuery {
  /** Why it is removed; it stands in the change log. */
  @IsChangeReason()
  reason?: string | null;
}
