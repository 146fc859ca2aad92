import type { EntityManager } from '@mikro-orm/postgresql';
import { PLATFORM_ADMIN } from '../../kernel/actor.js';
import { type Permission, permissionsOf } from '../../kernel/permissions.js';
import { problem } from '../../kernel/problem.js';
import { isPlatformAdmin, OF_PLATFORM_ADMIN, readMember } from '../access/access.queries.js';
import type { OrganizationStatus } from '../organization.entity.js';
import { type Granter, holdRole, mayGrant } from '../roles/granting.js';
import { invitationStatus, type InvitationStatus } from './invitation.entity.js';

/** An invitation whose link is good, as whoever holds the link sees it. */
export interface Offer {
  id: string;
  organizationId: string;
  organizationName: string;
  /** Of whoever may accept it. */
  email: string;
  role: string;
  expiresAt: Date;
}

interface OfferRow {
  id: string;
  organization_id: string;
  organization_name: string;
  organization_status: OrganizationStatus;
  email: string;
  role: string;
  invited_by: string;
  expires_at: string;
}

const COLUMNS = `i.id, i.organization_id, o.name as organization_name, o.status as organization_status,
  i.email, i.role, i.invited_by, i.expires_at`;
const STATUS = invitationStatus({ acceptedAt: 'i.accepted_at', revokedAt: 'i.revoked_at', expiresAt: 'i.expires_at' });

/** Why a link does not work; for whoever holds it. */
const REASONS = {
  accepted: 'The invitation was accepted before',
  revoked: 'The invitation was withdrawn',
  expired: 'The invitation has expired',
  organizationInactive: 'The organization is not active at the moment',
  roleGone: 'The role that was offered does not exist any more',
  inviterMayNot: 'Whoever invited you may not do so any more',
} as const;

const refusal = (reason: keyof typeof REASONS) => problem('link_invalid', { detail: REASONS[reason] });

/**
 * Finds the invitation of a token; nothing changes.
 * @param em of a system transaction.
 * @throws Problem `link_invalid` with the reason when nobody can accept it.
 */
export async function findOffer(em: EntityManager, tokenHash: Buffer): Promise<Offer> {
  const [found] = await em.execute<(OfferRow & { status: InvitationStatus })[]>(
    `select ${COLUMNS}, ${STATUS} as status
       from invitations i join organizations o on o.id = i.organization_id where i.token_hash = ?`,
    [tokenHash],
  );
  if (!found) throw problem('link_invalid');
  if (found.status !== 'open') throw refusal(found.status);
  return recheck(em, found);
}

/**
 * Uses the token of an invitation: one statement, so of fifty at once one gets it. Good again when the transaction is
 * given up.
 * @param em of a system transaction.
 * @param userId of whoever accepts.
 * @throws Problem `link_invalid` with the reason.
 */
export async function takeOffer(em: EntityManager, tokenHash: Buffer, userId: string): Promise<Offer> {
  const [taken] = await em.execute<OfferRow[]>(
    `update invitations i set accepted_at = now(), accepted_by = ? from organizations o
      where i.token_hash = ? and i.accepted_at is null and i.revoked_at is null and i.expires_at > now()
        and o.id = i.organization_id
     returning ${COLUMNS}`,
    [userId, tokenHash],
  );
  return taken ? recheck(em, taken) : findOffer(em, tokenHash);
}

/** What was right when it was offered has to be right still. */
async function recheck(em: EntityManager, row: OfferRow): Promise<Offer> {
  const { organization_id: organizationId, role } = row;
  if (row.organization_status !== 'active') throw refusal('organizationInactive');
  const held = await holdRole(em, organizationId, role);
  if (!held) throw refusal('roleGone');
  if (!(await mayStillInvite(em, row, held))) throw refusal('inviterMayNot');
  return {
    id: row.id,
    organizationId,
    organizationName: row.organization_name,
    email: row.email,
    role,
    expiresAt: new Date(row.expires_at),
  };
}

/** Whether who invited could do it now: as a platform admin, or as an active member. */
async function mayStillInvite(em: EntityManager, offer: OfferRow, held: ReadonlySet<Permission>): Promise<boolean> {
  const may = (granter: Granter): boolean =>
    granter.permissions.has('members:invite') && mayGrant(granter, offer.role, held);
  if (await isPlatformAdmin((sql, values) => em.execute(sql, values), offer.invited_by))
    return may({ role: PLATFORM_ADMIN, permissions: OF_PLATFORM_ADMIN });
  const member = await readMember(em, offer.organization_id, offer.invited_by);
  return (
    member !== null &&
    may({ role: member.role, permissions: permissionsOf(member.role, member.organization.customRoles) })
  );
}
