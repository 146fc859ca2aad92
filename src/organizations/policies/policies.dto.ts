import { ApiProperty } from '@nestjs/swagger';
import {
  ArrayMaxSize,
  ArrayNotEmpty,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsString,
  Max,
  MaxLength,
  Min,
  ValidateIf,
} from 'class-validator';
import { ArrayUnique } from '../../kernel/array-unique.js';
import { SIGN_IN_METHODS, type SignInMethod } from './organization-policies.entity.js';

const unlessNull = (): PropertyDecorator => ValidateIf((_, value) => value !== null);

/** Replaces the policies. Each has to be named: one that was forgotten must not open a door. */
export class PutPoliciesRequest {
  /** Whether members need a second factor. Stored, and not enforced yet. */
  @ApiProperty({ example: false })
  @IsBoolean()
  mfaRequired!: boolean;

  /** Minutes after which a member has to sign in again, 5 to 43200 (30 days); null for as long as the session lives. */
  @ApiProperty({ type: 'integer', nullable: true, minimum: 5, maximum: 43_200, example: 720 })
  @unlessNull()
  @IsInt()
  @Min(5)
  @Max(43_200)
  sessionLifetimeMinutes!: number | null;

  /** How members may have signed in; null for every way. `password` is the only way so far. */
  @ApiProperty({ enum: SIGN_IN_METHODS, isArray: true, nullable: true, example: ['password', 'passkey'] })
  @unlessNull()
  @IsArray()
  @ArrayNotEmpty()
  @ArrayUnique()
  @IsIn(SIGN_IN_METHODS, { each: true })
  signInMethods!: SignInMethod[] | null;

  /**
   * Where members may come from: up to 100 ranges (CIDR) or single addresses, IPv4 and IPv6; null for everywhere. IPv4
   * addresses are in no IPv6 range.
   */
  @ApiProperty({
    type: [String],
    nullable: true,
    maxItems: 100,
    example: ['127.0.0.0/8', '203.0.113.0/24', '2001:db8::/32'],
  })
  @unlessNull()
  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(100)
  @IsString({ each: true })
  @MaxLength(50, { each: true })
  ipAllowList!: string[] | null;
}
