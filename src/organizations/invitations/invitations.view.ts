import { ApiProperty } from '@nestjs/swagger';
import { PageLinks, PageMeta } from '../../kernel/lists.js';
import { type Invitation, INVITATION_STATUSES, type InvitationStatus } from './invitation.entity.js';

/** An offer to join an organization. Its link is in the mail alone. */
export class InvitationView {
  /**
   * Id.
   * @example 0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f01
   */
  id!: string;
  /**
   * The address that it was sent to.
   * @example grace@example.com
   */
  email!: string;
  /**
   * The role that the person will have.
   * @example member
   */
  role!: string;
  /** Where it stands. */
  @ApiProperty({ enum: INVITATION_STATUSES, example: 'open' })
  status!: InvitationStatus;
  /**
   * Id of the member who invited, or sent it again; they have to keep the right to until it is accepted. Null for a
   * platform admin, and for somebody who is no member any more.
   */
  @ApiProperty({ type: String, nullable: true, example: '0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f02' })
  invitedBy!: string | null;
  /**
   * When it was made.
   * @example 2026-11-21T08:00:00.000Z
   */
  createdAt!: string;
  /**
   * Until when its link works.
   * @example 2026-11-28T08:00:00.000Z
   */
  expiresAt!: string;
}

/** A page of invitations. */
export class InvitationPageView {
  /** The invitations of this page, newest first. */
  data!: InvitationView[];
  /** Where this page stands. */
  meta!: PageMeta;
  /** Neighbouring pages. */
  links!: PageLinks;
}

export function toInvitationView(invitation: Invitation): InvitationView {
  const { id, email, role, status, inviter, createdAt, expiresAt } = invitation;
  return {
    id,
    email,
    role,
    status,
    invitedBy: inviter ?? null,
    createdAt: createdAt.toISOString(),
    expiresAt: expiresAt.toISOString(),
  };
}
