import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsOptional, IsString, IsTimeZone, IsUUID, Matches, MaxLength, ValidateIf } from 'class-validator';
import { PageQuery } from '../kernel/lists.js';
import { IsDisplayName } from '../kernel/display-name.js';

/** Changes your profile. What is left out stays; null clears. */
export class UpdateMeRequest {
  /**
   * What you are called.
   * @example "Ada King"
   */
  @ValidateIf((_, value) => value !== undefined)
  @IsDisplayName()
  fullName?: string;

  /** Language tag (BCP 47). */
  @ApiPropertyOptional({ type: String, nullable: true, example: 'en-GB' })
  @IsOptional()
  @IsString()
  @MaxLength(35)
  @Matches(/^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$/, { message: 'locale has to be a language tag such as en-GB' })
  locale?: string | null;

  /** IANA time zone. */
  @ApiPropertyOptional({ type: String, nullable: true, example: 'Europe/London' })
  @IsOptional()
  @IsTimeZone()
  timeZone?: string | null;
}

/** Enables or disables a person. */
export class UpdateUserRequest {
  /** `disabled` ends every session at once. */
  @ApiProperty({ enum: ['active', 'disabled'], example: 'disabled' })
  @IsIn(['active', 'disabled'])
  status!: 'active' | 'disabled';
}

/** Names a person. */
export class UserPath {
  /**
   * Id of the person.
   * @example 0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f00
   */
  @IsUUID()
  id!: string;
}

export const USER_SORTS = ['createdAt', 'email', 'fullName'] as const;

/** Which people to list. */
export class ListUsersQuery extends PageQuery {
  /** Only people of this status. */
  @ApiPropertyOptional({ enum: ['active', 'disabled', 'deleted'], example: 'active' })
  @IsOptional()
  @IsIn(['active', 'disabled', 'deleted'])
  status?: 'active' | 'disabled' | 'deleted';

  /**
   * Part of e-mail address or name.
   * @example ada
   */
  @IsOptional()
  @IsString()
  @MaxLength(120)
  q?: string;

  /**
   * `createdAt`, `email` or `fullName`, with `-` in front for descending.
   * @example -createdAt
   */
  @IsOptional()
  @IsString()
  @MaxLength(40)
  sort?: string;
}
