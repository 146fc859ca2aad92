import { ApiProperty } from '@nestjs/swagger';
import { PageLinks, PageMeta } from '../../kernel/lists.js';
import { recordName, recordValue } from './domain-name.js';
import type { Domain } from './domain.entity.js';

const STATUSES = ['pending', 'verified', 'lapsing'] as const;

/** What has to stand in DNS. */
export class DomainRecordView {
  /** The type of the record. */
  @ApiProperty({ enum: ['TXT'], example: 'TXT' })
  type!: 'TXT';
  /**
   * Where it stands. Some DNS providers add the domain themselves: then only the first label goes into their form.
   * @example _tenon-challenge.example.com
   */
  name!: string;
  /**
   * What it holds, without quotes and without anything else. Others may stand beside it.
   * @example tenon-verification=Zk3xP0mXo3wq8m2yq7l1sV9c5n4b6a8d0e2f4g6h8i0
   */
  value!: string;
}

/** A domain that an organization claims, and may have proven. */
export class DomainView {
  /**
   * Id of the claim.
   * @example 0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f00
   */
  id!: string;
  /**
   * The domain in lower-case ASCII.
   * @example example.com
   */
  domain!: string;
  /** `verified`: proven. `lapsing`: proven, but its record is missing; after three days it is `pending` again. */
  @ApiProperty({ enum: STATUSES, example: 'pending' })
  status!: (typeof STATUSES)[number];
  /** The record that proves it. It has to stay for as long as the domain is to count as proven. */
  record!: DomainRecordView;
  /** Until when this record can prove the domain; after that a verification gives another. Null once it is proven. */
  @ApiProperty({ type: String, nullable: true, example: '2026-11-28T08:00:00.000Z' })
  challengeExpiresAt!: string | null;
  /** Since when it is proven. */
  @ApiProperty({ type: String, nullable: true, example: null })
  verifiedAt!: string | null;
  /** When DNS last told whether the record is there. */
  @ApiProperty({ type: String, nullable: true, example: null })
  lastCheckedAt!: string | null;
  /** Since when the record of a proven domain is missing. */
  @ApiProperty({ type: String, nullable: true, example: null })
  missingSince!: string | null;
  /**
   * When it was claimed.
   * @example 2026-11-21T08:00:00.000Z
   */
  createdAt!: string;
}

/** A page of domains. */
export class DomainPageView {
  /** The domains of this page. */
  data!: DomainView[];
  /** Where this page stands. */
  meta!: PageMeta;
  /** Neighbouring pages. */
  links!: PageLinks;
}

export function toDomainView(domain: Domain): DomainView {
  const { verifiedAt = null, lastCheckedAt = null, missingSince = null } = domain;
  return {
    id: domain.id,
    domain: domain.domain,
    status: verifiedAt === null ? 'pending' : missingSince === null ? 'verified' : 'lapsing',
    record: { type: 'TXT', name: recordName(domain.domain), value: recordValue(domain.challenge) },
    challengeExpiresAt: verifiedAt === null ? domain.challengeExpiresAt.toISOString() : null,
    verifiedAt: verifiedAt?.toISOString() ?? null,
    lastCheckedAt: lastCheckedAt?.toISOString() ?? null,
    missingSince: missingSince?.toISOString() ?? null,
    createdAt: domain.createdAt.toISOString(),
  };
}
