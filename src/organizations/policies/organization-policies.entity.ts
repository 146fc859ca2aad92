import { defineEntity, p } from '@mikro-orm/core';
import { systemPolicy, tenantPolicy } from '../../database/policies.js';
import { Organization } from '../organization.entity.js';

/** How somebody may have signed in. */
export const SIGN_IN_METHODS = ['password', 'passkey', 'oidc', 'saml'] as const;
export type SignInMethod = (typeof SIGN_IN_METHODS)[number];

const OrganizationPoliciesSchema = defineEntity({
  name: 'OrganizationPolicies',
  tableName: 'organization_policies',
  rowLevelSecurity: 'force',
  policies: [tenantPolicy(), systemPolicy],
  properties: {
    organization: () => p.oneToOne(Organization).primary().deleteRule('cascade'),
    mfaRequired: p.boolean().default(false),
    /** Minutes since sign-in; null: as long as the session lives. */
    sessionLifetimeMinutes: p.integer().nullable(),
    /** Null: every one. */
    signInMethods: p.array().$type<SignInMethod[]>().nullable(),
    /** CIDR (RFC 4632, RFC 4291); null: from everywhere. */
    ipAllowList: p.array().$type<string[]>().nullable(),
    version: p.integer().default(1),
    updatedAt: p.datetime().onUpdate(() => new Date()),
  },
});

/** What an organization asks of everybody who works in it. No row: nothing. */
export class OrganizationPolicies extends OrganizationPoliciesSchema.class {}
OrganizationPoliciesSchema.setClass(OrganizationPolicies);
