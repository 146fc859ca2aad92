import { PageLinks, PageMeta } from '../../kernel/lists.js';
import type { MemberRow } from './members.queries.js';

/** A member of an organization. */
export class MemberView {
  /**
   * Id of the person.
   * @example 0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f00
   */
  userId!: string;
  /**
   * E-mail address.
   * @example ada@example.com
   */
  email!: string;
  /**
   * What the person is called.
   * @example "Ada Lovelace"
   */
  fullName!: string;
  /**
   * Their role: `owner`, `admin`, `member`, `viewer`, or the key of a role of the organization.
   * @example member
   */
  role!: string;
  /**
   * When they joined.
   * @example 2026-11-21T08:00:00.000Z
   */
  joinedAt!: string;
}

/** A page of members. */
export class MemberPageView {
  /** The members of this page. */
  data!: MemberView[];
  /** Where this page stands. */
  meta!: PageMeta;
  /** Neighbouring pages. */
  links!: PageLinks;
}

export function toMemberView(row: MemberRow): MemberView {
  return {
    userId: row.user_id,
    email: row.email,
    fullName: row.full_name,
    role: row.role,
    joinedAt: new Date(row.joined_at).toISOString(),
  };
}
