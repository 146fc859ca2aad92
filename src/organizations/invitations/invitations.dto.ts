import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsOptional, IsString, IsUUID, Matches } from 'class-validator';
import { PageQuery } from '../../kernel/lists.js';
import { IsEmailAddress } from '../../users/email.js';
import { INVITATION_STATUSES, type InvitationStatus } from './invitation.entity.js';

/** Invites a person. */
export class InviteRequest {
  /**
   * E-mail address of the person; the link is sent there, and only an account with this address can use it.
   * @example grace@example.com
   */
  @IsEmailAddress()
  email!: string;

  /**
   * The role that the person will have: `owner`, `admin`, `member`, `viewer`, or the key of one of your own.
   * @example member
   */
  @IsString()
  @Matches(/^[a-z0-9._-]{1,64}$/, { message: 'role has to be the key of a role' })
  role!: string;
}

/** Names an invitation of an organization. */
export class InvitationPath {
  /**
   * Id of the organization.
   * @example 0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f00
   */
  @IsUUID()
  organizationId!: string;

  /**
   * Id of the invitation.
   * @example 0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f01
   */
  @IsUUID()
  id!: string;
}

/** Which invitations to list. */
export class ListInvitationsQuery extends PageQuery {
  /** Only invitations that stand like this. */
  @ApiPropertyOptional({ enum: INVITATION_STATUSES, example: 'open' })
  @IsOptional()
  @IsIn(INVITATION_STATUSES)
  status?: InvitationStatus;
}
