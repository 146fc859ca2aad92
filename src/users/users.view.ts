import { ApiProperty } from '@nestjs/swagger';
import { PageLinks, PageMeta } from '../kernel/lists.js';
import type { Profile } from './profile.queries.js';
import type { User } from './user.entity.js';

/** Your profile. */
export class MeView {
  /**
   * Id.
   * @example 0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f00
   */
  id!: string;
  /**
   * E-mail address.
   * @example ada@example.com
   */
  email!: string;
  /**
   * Whether the address is proven.
   * @example true
   */
  emailVerified!: boolean;
  /**
   * What the person is called.
   * @example "Ada Lovelace"
   */
  fullName!: string;
  /** Language tag (BCP 47). */
  @ApiProperty({ type: String, nullable: true, example: 'en-GB' })
  locale!: string | null;
  /** IANA time zone. */
  @ApiProperty({ type: String, nullable: true, example: 'Europe/London' })
  timeZone!: string | null;
  /** `admin` for a platform admin. */
  @ApiProperty({ type: String, enum: ['admin'], nullable: true, example: null })
  platformRole!: 'admin' | null;
  /**
   * When the account was made.
   * @example 2026-11-21T08:00:00.000Z
   */
  createdAt!: string;
  /**
   * When the profile was last changed.
   * @example 2026-11-21T08:00:00.000Z
   */
  updatedAt!: string;
}

/** A person, as platform admins see them. */
export class UserView extends MeView {
  /** Whether the person may sign in. */
  @ApiProperty({ enum: ['active', 'disabled', 'deleted'], example: 'active' })
  status!: 'active' | 'disabled' | 'deleted';
}

/** A page of people. */
export class UserPageView {
  /** The people of this page. */
  data!: UserView[];
  /** Where this page stands. */
  meta!: PageMeta;
  /** Neighbouring pages. */
  links!: PageLinks;
}

export function toMeView(user: Profile): MeView {
  return {
    id: user.id,
    email: user.email,
    emailVerified: user.emailVerifiedAt != null,
    fullName: user.fullName,
    locale: user.locale ?? null,
    timeZone: user.timeZone ?? null,
    platformRole: user.platformRole ?? null,
    createdAt: user.createdAt.toISOString(),
    updatedAt: user.updatedAt.toISOString(),
  };
}

export function toUserView(user: User): UserView {
  return { ...toMeView(user), status: user.status };
}
