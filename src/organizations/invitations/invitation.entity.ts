import { defineEntity, p } from '@mikro-orm/core';
import { systemPolicy, tenantPolicy } from '../../database/policies.js';
import { Organization } from '../organization.entity.js';

export const INVITATION_STATUSES = ['open', 'accepted', 'revoked', 'expired'] as const;
export type InvitationStatus = (typeof INVITATION_STATUSES)[number];

/**
 * Where an invitation stands, by the database's clock, as SQL. One that was closed after its time made room for a newer
 * one: it stays expired.
 */
export function invitationStatus({ acceptedAt, revokedAt, expiresAt }: Record<string, string>): string {
  return `case when ${acceptedAt} is not null then 'accepted' when ${revokedAt} < ${expiresAt} then 'revoked'
               when ${expiresAt} <= now() then 'expired' else 'open' end`;
}

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
    /** The same person as members may know them: a platform admin who is none stays the operator's affair. */
    inviter: p
      .uuid()
      .nullable()
      .formula(
        ({ organization, invitedBy }) =>
          `(select m.user_id from user_organization_membership m where m.organization_id = ${organization} and m.user_id = ${invitedBy})`,
      ),
    createdAt: p.datetime(),
    expiresAt: p.datetime().index(),
    acceptedAt: p.datetime().nullable(),
    acceptedBy: p.uuid().nullable(),
    revokedAt: p.datetime().nullable(),
    status: p.string().$type<InvitationStatus>().formula(invitationStatus),
  },
});

/** An offer to join, good once, for one e-mail address, until it expires. */
export class Invitation extends InvitationSchema.class {}
InvitationSchema.setClass(Invitation);
