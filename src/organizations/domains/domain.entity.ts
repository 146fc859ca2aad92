import { defineEntity, p } from '@mikro-orm/core';
import { systemPolicy, tenantPolicy } from '../../database/policies.js';
import { Organization } from '../organization.entity.js';

const DomainSchema = defineEntity({
  name: 'Domain',
  tableName: 'organization_domains',
  rowLevelSecurity: 'force',
  policies: [tenantPolicy(), systemPolicy],
  indexes: [
    {
      // Many may claim a domain, one can have proven it.
      name: 'organization_domains_proven_unique',
      expression: `create unique index organization_domains_proven_unique on organization_domains (domain) where verified_at is not null`,
    },
    {
      // What the re-check walks along.
      name: 'organization_domains_last_checked_at_index',
      expression: `create index organization_domains_last_checked_at_index on organization_domains (last_checked_at, id) where verified_at is not null`,
    },
  ],
  uniques: [{ properties: ['organization', 'domain'] }],
  properties: {
    organization: () => p.manyToOne(Organization).primary().deleteRule('cascade'),
    id: p.uuid().primary(),
    /** In lower-case ASCII (RFC 5890, A-labels). */
    domain: p.text(),
    /** What the TXT record has to hold; public, as the record is. */
    challenge: p.text(),
    /** Until when an unproven claim can be proven with this challenge. */
    challengeExpiresAt: p.datetime(),
    verifiedAt: p.datetime().nullable(),
    lastCheckedAt: p.datetime().nullable(),
    /** Since when a proven domain's record has been missing. */
    missingSince: p.datetime().nullable(),
    createdAt: p.datetime(),
  },
});

/** A domain that an organization says is its own, and may have proven. */
export class Domain extends DomainSchema.class {}
DomainSchema.setClass(Domain);
