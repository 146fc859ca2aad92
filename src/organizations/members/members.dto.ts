import { Transform } from 'class-transformer';
import { IsOptional, IsString, IsUUID, Matches, MaxLength, MinLength } from 'class-validator';
import { PageQuery } from '../../kernel/lists.js';

/** Names a member. */
export class MemberPath {
  /**
   * Id of the organization.
   * @example 0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f00
   */
  @IsUUID()
  organizationId!: string;

  /**
   * Id of the person.
   * @example 0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f00
   */
  @IsUUID()
  // One spelling: whether somebody means themselves is compared with it.
  @Transform(({ value }: { value: unknown }) => (typeof value === 'string' ? value.toLowerCase() : value))
  userId!: string;
}

export const MEMBER_SORTS = ['joinedAt'] as const;

/** Which members to list. */
export class ListMembersQuery extends PageQuery {
  /**
   * Only members of this role.
   * @example admin
   */
  @IsOptional()
  @Matches(/^[a-z][a-z0-9-]{1,39}$/, { message: 'role has to be the key of a role' })
  role?: string;

  /**
   * Part of e-mail address or name.
   * @example ada
   */
  @IsOptional()
  @IsString()
  @MaxLength(120)
  q?: string;

  /**
   * `joinedAt`, or `-joinedAt` for who came last.
   * @example -joinedAt
   */
  @IsOptional()
  @IsString()
  @MaxLength(40)
  sort?: string;
}

/** Gives a member another role. */
export class UpdateMemberRequest {
  /**
   * `owner`, `admin`, `member`, `viewer`, or the key of a role of the organization.
   * @example admin
   */
  @IsString()
  @MinLength(1)
  @MaxLength(40)
  role!: string;
}
