import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsNotIn, IsOptional, IsString, IsUUID, Matches, MaxLength, ValidateIf } from 'class-validator';
import { IsDisplayName } from '../../kernel/display-name.js';

const ROLE = /^[a-z0-9._-]{1,64}$/;
const ROLE_MESSAGE = { message: 'role has to be the key of a role' };
const NO_OWNER = { message: 'only people can be owner' };

/** Makes a service account. */
export class CreateServiceAccountRequest {
  /**
   * What it is called; the trail names it so.
   * @example "Deployment"
   */
  @IsDisplayName()
  name!: string;

  /** What it is for. */
  @ApiPropertyOptional({ type: String, nullable: true, example: 'Rolls new versions out' })
  @IsOptional()
  @IsString()
  @MaxLength(500)
  description?: string | null;

  /**
   * What its keys may do at most: `admin`, `member`, `viewer`, or the key of one of your own roles.
   * @example member
   */
  @IsString()
  @Matches(ROLE, ROLE_MESSAGE)
  @IsNotIn(['owner'], NO_OWNER)
  role!: string;
}

/** Changes a service account. What is left out stays; null clears. */
export class UpdateServiceAccountRequest {
  /**
   * What it is called.
   * @example "Deployment"
   */
  @ValidateIf((_, value) => value !== undefined)
  @IsDisplayName()
  name?: string;

  /** What it is for. */
  @ApiPropertyOptional({ type: String, nullable: true, example: 'Rolls new versions out' })
  @IsOptional()
  @IsString()
  @MaxLength(500)
  description?: string | null;

  /**
   * What its keys may do at most from now on.
   * @example viewer
   */
  @ValidateIf((_, value) => value !== undefined)
  @IsString()
  @Matches(ROLE, ROLE_MESSAGE)
  @IsNotIn(['owner'], NO_OWNER)
  role?: string;
}

/** Names a service account. */
export class ServiceAccountPath {
  /**
   * Id of the organization.
   * @example 0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f00
   */
  @IsUUID()
  organizationId!: string;

  /**
   * Id of the service account.
   * @example 0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f01
   */
  @IsUUID()
  id!: string;
}
