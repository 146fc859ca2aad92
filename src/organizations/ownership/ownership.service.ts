import type { EntityManager } from '@mikro-orm/postgresql';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { AuditService } from '../../audit/audit.service.js';
import { type Actor, PLATFORM_ADMIN } from '../../kernel/actor.js';
import { problem } from '../../kernel/problem.js';
import { MailService } from '../../mail/mail.service.js';
import { UserEvents } from '../../users/user-events.js';
import { OrganizationAccess } from '../access/organization-access.js';
import type { Organization } from '../organization.entity.js';
import { lockOrganization } from '../organizations.service.js';
import { holdOwners, soleOwnerships } from './owners.queries.js';

interface ActiveMember {
  user_id: string;
  role: string;
  email: string;
  full_name: string;
}

/** Who owns an organization: an active one always has an owner who can sign in. */
@Injectable()
export class OwnershipService implements OnModuleInit {
  constructor(
    private readonly access: OrganizationAccess,
    private readonly events: UserEvents,
    private readonly mail: MailService,
    private readonly audit: AuditService,
  ) {}

  onModuleInit(): void {
    this.events.onDisabled(async (em, _actor, user) => {
      const orphaned = (await soleOwnerships(em, user.id)).filter(({ status }) => status === 'active');
      if (orphaned.length > 0)
        throw problem('last_owner', {
          detail: `No other owner could sign in to ${orphaned.map(({ slug }) => slug).join(', ')}; transfer or deactivate it first`,
        });
    });
  }

  /**
   * Makes a member owner, and the caller, if they are one, admin: both or neither.
   * @throws Problem `not_found` when there is no active member of this id; `conflict` when it is the caller, an owner
   * already; `permission_denied` when the caller lost the ownership meanwhile.
   */
  async transfer(actor: Actor, userId: string): Promise<Organization> {
    const organizationId = actor.requiredOrganizationId;
    return this.access.change(organizationId, async (em) => {
      await holdOwners(em, organizationId, userId, actor.userId);
      const [to, caller] = await readActiveMembers(em, organizationId, userId, actor.requiredUserId);
      if (actor.role !== PLATFORM_ADMIN && caller?.role !== 'owner') throw problem('permission_denied');
      if (!to) throw problem('not_found', { detail: 'The organization has no active member of this id' });
      const from = actor.role === PLATFORM_ADMIN ? null : caller!;
      if (to.user_id === from?.user_id) throw problem('conflict', { detail: 'You own the organization already' });
      const organization = await lockOrganization(em, organizationId);
      if (to.role === 'owner' && !from) return organization;
      await setRole(em, organizationId, to.user_id, 'owner');
      if (from) await setRole(em, organizationId, from.user_id, 'admin');
      this.audit.record(actor, 'organization.ownership_transferred', {
        userId: to.user_id,
        target: { type: 'organization', id: organizationId },
        before: { roles: { [to.user_id]: to.role, ...(from && { [from.user_id]: from.role }) } },
        after: { roles: { [to.user_id]: 'owner', ...(from && { [from.user_id]: 'admin' }) } },
      });
      this.mail.send('ownership-transferred', to.email, {
        name: to.full_name,
        organizationName: organization.name,
        formerOwnerName: from?.full_name ?? null,
      });
      return organization;
    });
  }
}

/** The two members, each undefined when they are no active one. */
async function readActiveMembers(
  em: EntityManager,
  organizationId: string,
  ...userIds: [string, string]
): Promise<(ActiveMember | undefined)[]> {
  const members = await em.execute<ActiveMember[]>(
    `select m.user_id, m.role, u.email, u.full_name
       from user_organization_membership m join users u on u.id = m.user_id and u.status = 'active'
      where m.organization_id = ? and m.user_id in (?::uuid, ?::uuid)`,
    [organizationId, ...userIds],
  );
  return userIds.map((id) => members.find(({ user_id }) => user_id === id.toLowerCase()));
}

async function setRole(em: EntityManager, organizationId: string, userId: string, role: string): Promise<void> {
  await em.execute('update user_organization_membership set role = ? where organization_id = ? and user_id = ?', [
    role,
    organizationId,
    userId,
  ]);
}
