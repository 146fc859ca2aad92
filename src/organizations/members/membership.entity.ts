import { defineEntity, p } from '@mikro-orm/core';
import { ownPolicy, systemPolicy, tenantPolicy } from '../../database/policies.js';
import { User } from '../../users/user.entity.js';
import { Organization } from '../organization.entity.js';

const MembershipSchema = defineEntity({
  name: 'Membership',
  tableName: 'user_organization_membership',
  rowLevelSecurity: 'force',
  policies: [tenantPolicy(), ownPolicy('user_id', 'select'), systemPolicy],
  indexes: [
    // In the order of the members' list, from both ends; with the role, a page of it is picked from the index alone.
    {
      name: 'user_organization_membership_joined_index',
      properties: ['organization', 'joinedAt', 'user'],
      include: ['role'],
    },
  ],
  properties: {
    organization: () => p.manyToOne(Organization).primary().deleteRule('cascade'),
    user: () => p.manyToOne(User).primary().deleteRule('cascade').index(),
    /** A base role, or the key of one of the organization's own. */
    role: p.string(),
    joinedAt: p.datetime(),
  },
});

/** That a person belongs to an organization, and as what. */
export class Membership extends MembershipSchema.class {}
MembershipSchema.setClass(Membership);
