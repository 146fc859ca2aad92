import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { ArrayNotEmpty, IsOptional, IsString, Matches, MaxLength, ValidateIf } from 'class-validator';
import { AreObjects } from '../../kernel/are-objects.js';
import { IsDisplayName } from '../../kernel/display-name.js';
import { IsChangeReason } from '../change-log/change-reason.dto.js';
import { MAX_CONDITIONS } from '../evaluator/check-conditions.js';
import { FEATURE_KEY, FEATURE_KEY_MESSAGE } from '../feature-key.js';
import { ConditionBody } from '../targeting.dto.js';

const WHEN = [{ attribute: 'email', operator: 'ends_with', values: ['@example.com'] }];
const WIDER = [{ attribute: 'email', operator: 'ends_with', values: ['@example.com', '@example.org'] }];

/** What of a segment may be left out. */
class SegmentFields {
  /** What people call it. */
  @ApiPropertyOptional({ type: String, nullable: true, example: 'Beta testers' })
  @ValidateIf((_, value) => value !== undefined && value !== null)
  @IsDisplayName()
  name?: string | null;

  /** Who is meant. */
  @ApiPropertyOptional({ type: String, nullable: true, example: 'Everybody of ours' })
  @IsOptional()
  @IsString()
  @MaxLength(500)
  description?: string | null;

  /** Why it is changed; it stands in the change log. */
  @IsChangeReason()
  reason?: string | null;
}

/** Makes a segment. */
export class CreateSegmentRequest extends SegmentFields {
  /**
   * What rules name it by: 1 to 100 of a-z, 0-9, dot, underscore and hyphen, a letter or digit first; it cannot be changed.
   * @example beta-testers
   */
  @IsString()
  @Matches(FEATURE_KEY, FEATURE_KEY_MESSAGE)
  key!: string;

  /** Conditions, at least one; who meets them all is in it. */
  @ApiProperty({ type: [ConditionBody], example: WHEN })
  @ArrayNotEmpty()
  @AreObjects(MAX_CONDITIONS)
  @Type(() => ConditionBody)
  when!: ConditionBody[];
}

/** Changes a segment, and with it all rules that name it. What is left out stays, null clears. */
export class UpdateSegmentRequest extends SegmentFields {
  /** Conditions, at least one, in place of those that it had. */
  @ApiPropertyOptional({ type: [ConditionBody], example: WIDER })
  @ValidateIf((_, value) => value !== undefined)
  @ArrayNotEmpty()
  @AreObjects(MAX_CONDITIONS)
  @Type(() => ConditionBody)
  when?: ConditionBody[];
}

/** Names a segment. */
export class SegmentPath {
  /**
   * Key of the segment.
   * @example beta-testers
   */
  @Matches(FEATURE_KEY, FEATURE_KEY_MESSAGE)
  key!: string;
}
