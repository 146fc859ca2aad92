import { ApiProperty } from '@nestjs/swagger';
import { PageLinks, PageMeta } from '../../kernel/lists.js';
import type { ServiceAccount } from './service-account.entity.js';

/** Who acts in an organization by API keys and is no person. */
export class ServiceAccountView {
  /**
   * Id of the account.
   * @example 0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f01
   */
  id!: string;
  /**
   * What it is called.
   * @example "Deployment"
   */
  name!: string;
  /** What it is for. */
  @ApiProperty({ type: String, nullable: true, example: 'Rolls new versions out' })
  description!: string | null;
  /**
   * What its keys may do at most.
   * @example member
   */
  role!: string;
  /**
   * When it was made.
   * @example 2026-11-21T08:00:00.000Z
   */
  createdAt!: string;
  /**
   * Counts its changes; also the ETag.
   * @example 1
   */
  version!: number;
}

/** A page of service accounts. */
export class ServiceAccountPageView {
  /** The accounts of this page. */
  data!: ServiceAccountView[];
  /** Where this page stands. */
  meta!: PageMeta;
  /** Neighbouring pages. */
  links!: PageLinks;
}

export function toServiceAccountView(account: ServiceAccount): ServiceAccountView {
  const { id, name, description = null, role, createdAt, version } = account;
  return { id, name, description, role, createdAt: createdAt.toISOString(), version };
}
