import { ApiProperty } from '@nestjs/swagger';
import { PageLinks, PageMeta } from '../kernel/lists.js';
import type { Membership } from './members/membership.entity.js';
import { type Organization, ORGANIZATION_STATUSES, type OrganizationStatus } from './organization.entity.js';

/** An organization that you belong to. */
export class MyOrganizationView {
  /**
   * Id.
   * @example 0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f00
   */
  id!: string;
  /**
   * What it is called.
   * @example "Analytical Engines"
   */
  name!: string;
  /**
   * Its name in addresses.
   * @example analytical-engines
   */
  slug!: string;
  /** Whether one can work in it. A deleted one is listed for its owners alone, until it is removed. */
  @ApiProperty({ enum: ORGANIZATION_STATUSES, example: 'active' })
  status!: OrganizationStatus;
  /**
   * Your role in it.
   * @example owner
   */
  role!: string;
  /**
   * When you joined.
   * @example 2026-11-21T08:00:00.000Z
   */
  joinedAt!: string;
}

/** A page of organizations that you belong to. */
export class MyOrganizationPageView {
  /** The organizations of this page. */
  data!: MyOrganizationView[];
  /** Where this page stands. */
  meta!: PageMeta;
  /** Neighbouring pages. */
  links!: PageLinks;
}

/** An organization. */
export class OrganizationView {
  /**
   * Id.
   * @example 0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f00
   */
  id!: string;
  /**
   * What it is called.
   * @example "Analytical Engines"
   */
  name!: string;
  /**
   * Its name in addresses.
   * @example analytical-engines
   */
  slug!: string;
  /** `deactivated`: nobody works in it until it is reactivated. `deleted`: it waits for its removal. */
  @ApiProperty({ enum: ORGANIZATION_STATUSES, example: 'active' })
  status!: OrganizationStatus;
  /**
   * How many belong to it.
   * @example 12
   */
  memberCount!: number;
  /**
   * Of name, slug and plan, also as `ETag`.
   * @example 1
   */
  version!: number;
  /** Since when it is deactivated; null while it is not. */
  @ApiProperty({ type: String, format: 'date-time', nullable: true, example: null })
  deactivatedAt!: string | null;
  /** When it was deleted; null while it is not. */
  @ApiProperty({ type: String, format: 'date-time', nullable: true, example: null })
  deletedAt!: string | null;
  /** From when on it is removed for good, unless an owner restores it; null while it is not deleted. */
  @ApiProperty({ type: String, format: 'date-time', nullable: true, example: null })
  purgeAfter!: string | null;
  /**
   * When it was founded.
   * @example 2026-11-21T08:00:00.000Z
   */
  createdAt!: string;
  /**
   * When anything of it last changed.
   * @example 2026-11-21T08:00:00.000Z
   */
  updatedAt!: string;
}

export function toMyOrganizationView({ organization, role, joinedAt }: Membership): MyOrganizationView {
  const { id, name, slug, status } = organization;
  return { id, name, slug, status, role, joinedAt: joinedAt.toISOString() };
}

export function toOrganizationView(organization: Organization): OrganizationView {
  const { id, name, slug, status, memberCount, version, deactivatedAt, deletedAt, purgeAfter } = organization;
  return {
    id,
    name,
    slug,
    status,
    memberCount,
    version,
    deactivatedAt: deactivatedAt?.toISOString() ?? null,
    deletedAt: deletedAt?.toISOString() ?? null,
    purgeAfter: purgeAfter?.toISOString() ?? null,
    createdAt: organization.createdAt.toISOString(),
    updatedAt: organization.updatedAt.toISOString(),
  };
}
