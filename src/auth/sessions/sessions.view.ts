import { ApiProperty } from '@nestjs/swagger';
import { PageLinks, PageMeta } from '../../kernel/lists.js';
import type { Session } from './session.entity.js';
import type { SignedIn } from './sessions.service.js';

/** Who signed in. */
export class SignedInUserView {
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
   * What the person is called.
   * @example "Ada Lovelace"
   */
  fullName!: string;
  /** `admin` for a platform admin. */
  @ApiProperty({ type: String, enum: ['admin'], nullable: true, example: null })
  platformRole!: 'admin' | null;
}

/** The tokens of a session. */
export class SignedInView {
  /**
   * A signed JWT for the header `Authorization: Bearer`; valid for `expiresIn` seconds.
   * @example eyJhbGciOiJFZERTQSIsInR5cCI6ImF0K2p3dCJ9.eyJzdWIiOiIwMTk5In0.c2lnbmF0dXJl
   */
  accessToken!: string;
  /**
   * Opaque; exchange it once at `/api/v1/auth/refresh`. Keep it secret.
   * @example local.Zk3xP0mXo3wq8m2yq7l1sV9c5n4b6a8d0e2f4g6h8i0
   */
  refreshToken!: string;
  /** Always `Bearer`. */
  @ApiProperty({ enum: ['Bearer'], example: 'Bearer' })
  tokenType!: 'Bearer';
  /**
   * Seconds until the access token expires.
   * @example 900
   */
  expiresIn!: number;
  /** Whose session it is. */
  user!: SignedInUserView;
}

export function toSignedInView({ accessToken, refreshToken, expiresIn, user }: SignedIn): SignedInView {
  return { accessToken, refreshToken, tokenType: 'Bearer', expiresIn, user };
}

/** One sign-in on one device. */
export class SessionView {
  /**
   * Id.
   * @example 0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f00
   */
  id!: string;
  /**
   * Whether this request came with it.
   * @example true
   */
  current!: boolean;
  /** Address of its last sign-in or refresh. */
  @ApiProperty({ type: String, nullable: true, example: '203.0.113.7' })
  ip!: string | null;
  /** Browser or client of its last sign-in or refresh. */
  @ApiProperty({ type: String, nullable: true, example: 'Mozilla/5.0' })
  userAgent!: string | null;
  /**
   * When the person signed in.
   * @example 2026-11-21T08:00:00.000Z
   */
  createdAt!: string;
  /**
   * Its last sign-in or refresh.
   * @example 2026-11-21T08:15:00.000Z
   */
  lastActiveAt!: string;
  /**
   * When it ends unless it is refreshed.
   * @example 2026-11-28T08:15:00.000Z
   */
  expiresAt!: string;
}

/** A page of sessions. */
export class SessionPageView {
  /** The sessions of this page. */
  data!: SessionView[];
  /** Where this page stands. */
  meta!: PageMeta;
  /** Neighbouring pages. */
  links!: PageLinks;
}

export function toSessionView(session: Session, currentId: string | null): SessionView {
  return {
    id: session.id,
    current: session.id === currentId,
    ip: session.ip ?? null,
    userAgent: session.userAgent ?? null,
    createdAt: session.createdAt.toISOString(),
    lastActiveAt: session.lastActiveAt.toISOString(),
    expiresAt: session.expiresAt.toISOString(),
  };
}
