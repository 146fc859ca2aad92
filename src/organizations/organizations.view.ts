import { PageLinks, PageMeta } from '../kernel/lists.js';
import type { Membership } from './members/membership.entity.js';

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

export function toMyOrganizationView({ organization, role, joinedAt }: Membership): MyOrganizationView {
  const { id, name, slug } = organization;
  return { id, name, slug, role, joinedAt: joinedAt.toISOString() };
}
