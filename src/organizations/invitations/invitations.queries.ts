import type { EntityManager } from '@mikro-orm/postgresql';
import { newId } from '../../kernel/ids.js';
import { problem } from '../../kernel/problem.js';

const LIFETIME = `interval '7 days'`;

/**
 * Why nobody could accept an invitation for an address at the moment; null when somebody could.
 * @throws Problem `not_found` when the organization is gone.
 */
export async function obstacleTo(
  em: EntityManager,
  organizationId: string,
  email: string,
): Promise<'already_member' | 'seat_limit_reached' | null> {
  const [found] = await em.execute<{ member: boolean; full: boolean | null }[]>(
    `select o.member_count >= p.seats as full,
            exists (select from user_organization_membership m join users u on u.id = m.user_id
                     where m.organization_id = o.id and u.email = ?) as member
       from organizations o join plans p on p.key = o.plan_key
      where o.id = ?`,
    [email, organizationId],
  );
  // Removed for good since the guard saw it.
  if (!found) throw problem('not_found');
  if (found.member) return 'already_member';
  return found.full ? 'seat_limit_reached' : null;
}

/** Stores an invitation in the place of one that has expired. @returns its id; null when the address has an open one. */
export async function insertInvitation(
  em: EntityManager,
  organizationId: string,
  invitation: { email: string; role: string; tokenHash: Buffer; invitedBy: string },
): Promise<string | null> {
  const { email, role, tokenHash, invitedBy } = invitation;
  await em.execute(
    `update invitations set revoked_at = now()
      where organization_id = ? and email = ? and accepted_at is null and revoked_at is null and expires_at <= now()`,
    [organizationId, email],
  );
  // Waits for somebody who invites the same address at the same time, and then does nothing.
  const [made] = await em.execute<{ id: string }[]>(
    `insert into invitations (organization_id, id, email, role, token_hash, invited_by, created_at, expires_at)
     values (?, ?, ?, ?, ?, ?, now(), now() + ${LIFETIME})
     on conflict (organization_id, email) where accepted_at is null and revoked_at is null do nothing
     returning id`,
    [organizationId, newId(), email, role, tokenHash, invitedBy],
  );
  return made?.id ?? null;
}

/** Gives an invitation that nobody used or withdrew a new token and another week. @returns false when it is none. */
export async function renewInvitation(
  em: EntityManager,
  organizationId: string,
  { id, tokenHash, invitedBy }: { id: string; tokenHash: Buffer; invitedBy: string },
): Promise<boolean> {
  const renewed = await em.execute<{ id: string }[]>(
    `update invitations set token_hash = ?, invited_by = ?, expires_at = now() + ${LIFETIME}
      where organization_id = ? and id = ? and accepted_at is null and revoked_at is null
     returning id`,
    [tokenHash, invitedBy, organizationId, id],
  );
  return renewed.length === 1;
}

/** Withdraws an invitation that is open. @returns what it was; nothing when it is none. */
export async function revokeInvitation(
  em: EntityManager,
  organizationId: string,
  id: string,
): Promise<{ email: string; role: string } | undefined> {
  const [revoked] = await em.execute<{ email: string; role: string }[]>(
    `update invitations set revoked_at = now()
      where organization_id = ? and id = ? and accepted_at is null and revoked_at is null and expires_at > now()
     returning email, role`,
    [organizationId, id],
  );
  return revoked;
}

/** The names that a mail tells. @param userId of whoever sends it. */
export async function namesFor(
  em: EntityManager,
  organizationId: string,
  userId: string,
): Promise<{ organizationName: string; inviterName: string }> {
  const [names] = await em.execute<{ organization_name: string; inviter_name: string }[]>(
    `select o.name as organization_name, u.full_name as inviter_name from organizations o join users u on u.id = ?
      where o.id = ?`,
    [userId, organizationId],
  );
  return { organizationName: names!.organization_name, inviterName: names!.inviter_name };
}
