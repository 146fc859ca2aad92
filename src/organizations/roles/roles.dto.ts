import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import {
  ArrayNotEmpty,
  IsArray,
  IsIn,
  IsNotIn,
  IsOptional,
  IsString,
  IsUUID,
  Matches,
  MaxLength,
  ValidateIf,
} from 'class-validator';
import { ArrayUnique } from '../../kernel/array-unique.js';
import { API_KEY, PLATFORM_ADMIN } from '../../kernel/actor.js';
import { BASE_ROLES, type Permission, permissions, PERMISSIONS } from '../../kernel/permissions.js';
import { IsDisplayName } from '../../kernel/display-name.js';

const KEY = /^[a-z][a-z0-9-]{1,39}$/;
const KEY_MESSAGE = 'key has to be 2 to 40 of a-z, 0-9 and -, a letter first';
/** What a custom role can hold. */
const GRANTABLE = PERMISSIONS.filter((key) => !permissions[key].ownerOnly);
/** Which of them a role cannot hold, instead of the whole table. */
const nameUngrantable = ({ value }: { value: unknown }): string => {
  const wrong = [value].flat().filter((one) => !GRANTABLE.some((key) => key === one));
  const named = wrong.map((one) => (typeof one === 'string' ? one : `a value of type ${typeof one}`));
  return `no role can hold ${named.join(', ').slice(0, 200)}; GET /api/v1/permissions lists what there is`;
};
const EXAMPLE: Permission[] = ['organization:read', 'members:read', 'members:invite'];

/** Names a role. */
export class RolePath {
  /**
   * Id of the organization.
   * @example 0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f00
   */
  @IsUUID()
  organizationId!: string;

  /**
   * Key of the role.
   * @example receptionist
   */
  @Matches(KEY, { message: KEY_MESSAGE })
  key!: string;
}

/** Makes a role. */
export class CreateRoleRequest {
  /**
   * What a member's `role` will say; it stays as it is. 2 to 40 of a-z, 0-9 and -, a letter first.
   * @example receptionist
   */
  @IsString()
  @Matches(KEY, { message: KEY_MESSAGE })
  @IsNotIn([...BASE_ROLES, PLATFORM_ADMIN, API_KEY], { message: 'key is one that Tenon has itself' })
  key!: string;

  /**
   * What people call it.
   * @example Receptionist
   */
  @IsDisplayName()
  name!: string;

  /** What it is for. */
  @ApiPropertyOptional({ type: String, nullable: true, example: 'Invites guests' })
  @IsOptional()
  @IsString()
  @MaxLength(500)
  description?: string | null;

  /** What it permits, at least one: keys of `GET /api/v1/permissions`. Those that only owners can have are refused. */
  @ApiProperty({ enum: GRANTABLE, isArray: true, example: EXAMPLE })
  @IsArray()
  @ArrayNotEmpty()
  @ArrayUnique()
  @IsIn(GRANTABLE, { each: true, message: nameUngrantable })
  permissions!: Permission[];
}

/** Changes a role. What is left out stays; null clears. */
export class UpdateRoleRequest {
  /**
   * What people call it.
   * @example Receptionist
   */
  @ValidateIf((_, value) => value !== undefined)
  @IsDisplayName()
  name?: string;

  /** What it is for. */
  @ApiPropertyOptional({ type: String, nullable: true, example: 'Invites guests' })
  @IsOptional()
  @IsString()
  @MaxLength(500)
  description?: string | null;

  /** What it permits from now on, at least one; for everybody who has it, at once. */
  @ApiPropertyOptional({ enum: GRANTABLE, isArray: true, example: EXAMPLE })
  @ValidateIf((_, value) => value !== undefined)
  @IsArray()
  @ArrayNotEmpty()
  @ArrayUnique()
  @IsIn(GRANTABLE, { each: true, message: nameUngrantable })
  permissions?: Permission[];
}
