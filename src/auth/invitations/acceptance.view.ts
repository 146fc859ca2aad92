import { ApiProperty } from '@nestjs/swagger';
import type { Offer } from '../../organizations/invitations/offers.js';

/** What an invitation offers, and what it takes to accept it. */
export class InvitationPreviewView {
  /**
   * Name of the organization.
   * @example "Analytical Engines"
   */
  organizationName!: string;
  /**
   * The role that you would have.
   * @example member
   */
  role!: string;
  /**
   * The address that it was sent to; whoever accepts has or gets an account with it.
   * @example grace@example.com
   */
  email!: string;
  /**
   * Whether that address has an account: sign in first and accept with its session. If not, name and password make one.
   * @example false
   */
  accountExists!: boolean;
  /**
   * Until when the link works.
   * @example 2026-11-28T08:00:00.000Z
   */
  expiresAt!: string;
}

export function toPreviewView(offer: Offer, accountExists: boolean): InvitationPreviewView {
  const { organizationName, role, email, expiresAt } = offer;
  return { organizationName, role, email, accountExists, expiresAt: expiresAt.toISOString() };
}

/** You are a member now. Somebody new signs in next. */
export class InvitationAcceptedView {
  /** Always true. */
  @ApiProperty({ enum: [true], example: true })
  accepted!: true;
  /**
   * Id of the organization.
   * @example 0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f00
   */
  organizationId!: string;
  /**
   * Its name.
   * @example "Analytical Engines"
   */
  organizationName!: string;
  /**
   * Your role in it.
   * @example member
   */
  role!: string;
}

export function toAcceptedView({ organizationId, organizationName, role }: Offer): InvitationAcceptedView {
  return { accepted: true, organizationId, organizationName, role };
}
