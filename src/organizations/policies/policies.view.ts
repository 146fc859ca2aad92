import { ApiProperty } from '@nestjs/swagger';
import { SIGN_IN_METHODS, type SignInMethod } from './organization-policies.entity.js';
import type { Policies } from './policies.service.js';

/** What can be stored and has no mechanism yet. */
export const NOT_ENFORCED = ['mfaRequired'] as const;

/** What an organization asks of everybody who works in it. */
export class PoliciesView {
  /**
   * Whether members need a second factor.
   * @example false
   */
  mfaRequired!: boolean;
  /** Minutes after which a member has to sign in again; null for as long as the session lives. */
  @ApiProperty({ type: 'integer', nullable: true, example: 720 })
  sessionLifetimeMinutes!: number | null;
  /** How members may have signed in; null for every way. */
  @ApiProperty({ enum: SIGN_IN_METHODS, isArray: true, nullable: true, example: ['password', 'passkey'] })
  signInMethods!: readonly SignInMethod[] | null;
  /** Where members may come from, as ranges (CIDR); null for everywhere. */
  @ApiProperty({ type: [String], nullable: true, example: ['203.0.113.0/24', '2001:db8::/32'] })
  ipAllowList!: readonly string[] | null;
  /** Policies of this list that are stored and that nothing enforces yet. */
  @ApiProperty({ enum: NOT_ENFORCED, isArray: true, example: NOT_ENFORCED })
  notEnforced!: readonly string[];
  /**
   * Counts the changes; the ETag holds it.
   * @example 3
   */
  version!: number;
}

export function toPoliciesView(policies: Policies): PoliciesView {
  return {
    mfaRequired: policies.mfaRequired,
    sessionLifetimeMinutes: policies.sessionLifetimeMinutes ?? null,
    signInMethods: policies.signInMethods ?? null,
    ipAllowList: policies.ipAllowList ?? null,
    notEnforced: NOT_ENFORCED,
    version: policies.version,
  };
}
