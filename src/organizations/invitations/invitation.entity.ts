import { defineEntity, p } from '@mikro-orm/core';
import { systemPolicy, tenantPolicy } from '../../database/policies.js';
import { Organization } from '../organization.entity.js';

const InvitationSchema = defineEntity({
  name: 'Invitation',
  tableName: 'invitations',
  rowLevelSecurity: 'force',
  policies: [tenantPolicy(), systemPolicy],
  indexes: [
    {
      // One open invitation for an address: of two at once the second is refused.
      name: 'invitations_open_unique',
      expression: `create unique index invitations_open_unique on invitations (organization_id, email) where accepted_at is null and revoked_at is null`,
    },
  ],
  properties: {
    organization: () => p.manyToOne(Organization).primary().deleteRule('cascade'),
    id: p.uuid().primary(),
    /** Normalised as an account's is. */
    email: p.text(),
    role: p.text(),
    /** SHA-256; the token itself is in the mail alone. */
    tokenHash: p.blob().unique(),
    /** Whose right to invite is looked at again when it is accepted. */
    invitedBy: p.uuid(),
    createdAt: p.datetime(),
    expiresAt: p.datetime().index(),
    acceptedAt: p.datetime().nullable(),
    acceptedBy: p.uuid().nullable(),
    revokedAt: p.datetime().nullable(),
  },
});

/** An offer to join, good once, for one e-mail address, until it expires. */
export class Invitation extends InvitationSchema.class {}
InvitationSchema.setClass(Invitation);
