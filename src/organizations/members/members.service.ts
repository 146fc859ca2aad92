import { EntityManager, UniqueConstraintViolationException } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { AuditService } from '../../audit/audit.service.js';
import type { Actor } from '../../kernel/actor.js';
import { readSort } from '../../kernel/lists.js';
import { invalidField, problem } from '../../kernel/problem.js';
import { MailService } from '../../mail/mail.service.js';
import { OrganizationAccess } from '../access/organization-access.js';
import { hasActiveOwner, holdOwners } from '../ownership/owners.queries.js';
import { holdRole, mayGrant } from '../roles/granting.js';
import { MemberEvents } from './member-events.js';
import { type ListMembersQuery, MEMBER_SORTS } from './members.dto.js';
import { countMembers, findMember, listMembers, type MemberRow, nameOf, searchMembers } from './members.queries.js';

@Injectable()
export class MembersService {
  constructor(
    private readonly em: EntityManager,
    private readonly access: OrganizationAccess,
    private readonly audit: AuditService,
    private readonly mail: MailService,
    private readonly events: MemberEvents,
  ) {}

  /** Members by when they joined, and how many there are. */
  async list(actor: Actor, query: ListMembersQuery): Promise<[MemberRow[], number]> {
    const organizationId = actor.requiredOrganizationId;
    const { page, perPage, role, q } = query;
    const { direction } = readSort(query.sort, MEMBER_SORTS, { field: 'joinedAt', direction: 'asc' });
    const stretch = { direction, limit: perPage, offset: (page - 1) * perPage };
    return this.em.transactional(async (em) => {
      if (role !== undefined || q !== undefined) return searchMembers(em, organizationId, { role, q }, stretch);
      const total = await countMembers(em, organizationId);
      return [await listMembers(em, organizationId, total, stretch), total];
    });
  }

  /** One member. @throws Problem `not_found`. */
  async get(actor: Actor, userId: string): Promise<MemberRow> {
    return this.em.transactional((em) => this.find(em, actor, userId));
  }

  /**
   * Gives a member another role, everywhere within a second, and tells them by mail.
   * @throws Problem `permission_denied` for oneself, for a role with more than the caller holds, and for a member who
   * holds more; `validation_failed` for a role that does not exist; `not_found`; `last_owner`.
   */
  async changeRole(actor: Actor, userId: string, role: string): Promise<MemberRow> {
    if (userId === actor.userId) throw problem('permission_denied', { detail: 'Nobody changes their own role' });
    return this.access.change(actor.requiredOrganizationId, async (em) => {
      const member = await this.hold(em, actor, userId);
      const granted = await holdRole(em, actor.requiredOrganizationId, role);
      if (!granted) throw invalidField('role', 'role_unknown', 'The organization has no such role');
      await this.denyAbove(em, actor, member);
      if (!mayGrant(actor, role, granted))
        throw problem('permission_denied', { detail: 'The role has more than you hold' });
      if (member.role === role) return member;
      await this.leaveAnOwner(em, actor, member);
      await em.execute('update user_organization_membership set role = ? where organization_id = ? and user_id = ?', [
        role,
        actor.requiredOrganizationId,
        userId,
      ]);
      this.record(actor, 'member.role_changed', userId, { before: { role: member.role }, after: { role } });
      const organizationName = await nameOf(em, actor.requiredOrganizationId);
      this.mail.send('role-changed', member.email, { name: member.full_name, organizationName, role });
      return { ...member, role };
    });
  }

  /**
   * Takes a member out: oneself, or somebody who holds no more than oneself; those are told by mail.
   * @throws Problem `permission_denied`; `not_found`; `last_owner`.
   */
  async remove(actor: Actor, userId: string): Promise<void> {
    const leaves = userId === actor.userId;
    if (!leaves && !actor.permissions.has('members:remove'))
      throw problem('permission_denied', { detail: 'It takes the permission members:remove' });
    await this.access.change(actor.requiredOrganizationId, async (em) => {
      const member = await this.hold(em, actor, userId);
      if (!leaves) await this.denyAbove(em, actor, member);
      await this.leaveAnOwner(em, actor, member);
      await this.events.leaving(em, actor, {
        organizationId: actor.requiredOrganizationId,
        userId: member.user_id,
      });
      await em.execute('delete from user_organization_membership where organization_id = ? and user_id = ?', [
        actor.requiredOrganizationId,
        userId,
      ]);
      this.record(actor, leaves ? 'member.left' : 'member.removed', userId, { before: { role: member.role } });
      if (leaves) return;
      const organizationName = await nameOf(em, actor.requiredOrganizationId);
      this.mail.send('member-removed', member.email, { name: member.full_name, organizationName });
    });
  }

  /**
   * Makes somebody a member. The seats of the plan are held by the database, under races too.
   * @param em of a system transaction.
   * @throws Problem `already_member`; `seat_limit_reached`.
   */
  async join(
    em: EntityManager,
    actor: Actor,
    { organizationId, userId, role }: { organizationId: string; userId: string; role: string },
  ): Promise<void> {
    try {
      await em.execute(
        `insert into user_organization_membership (organization_id, user_id, role, joined_at) values (?, ?, ?, now())`,
        [organizationId, userId, role],
      );
    } catch (error) {
      if (error instanceof UniqueConstraintViolationException) throw problem('already_member', { cause: error });
      if ((error as { constraint?: string }).constraint === 'organizations_seats')
        throw problem('seat_limit_reached', { cause: error });
      throw error;
    }
    await this.access.announce(em, organizationId);
    this.audit.record(actor, 'member.joined', {
      organizationId,
      userId,
      target: { type: 'user', id: userId },
      after: { role },
    });
  }

  private async find(em: EntityManager, actor: Actor, userId: string): Promise<MemberRow> {
    const member = await findMember(em, actor.requiredOrganizationId, userId);
    if (!member) throw problem('not_found');
    return member;
  }

  /** The member, locked together with the owners: nobody changes either until the transaction ends. */
  private async hold(em: EntityManager, actor: Actor, userId: string): Promise<MemberRow> {
    await holdOwners(em, actor.requiredOrganizationId, userId);
    return this.find(em, actor, userId);
  }

  /** Nobody decides over a member who holds more than they do. */
  private async denyAbove(em: EntityManager, actor: Actor, { role }: MemberRow): Promise<void> {
    const held = await holdRole(em, actor.requiredOrganizationId, role);
    if (!mayGrant(actor, role, held ?? new Set()))
      throw problem('permission_denied', { detail: 'The member holds more than you' });
  }

  private async leaveAnOwner(em: EntityManager, actor: Actor, { user_id, role }: MemberRow): Promise<void> {
    if (role === 'owner' && !(await hasActiveOwner(em, actor.requiredOrganizationId, user_id)))
      throw problem('last_owner');
  }

  private record(
    actor: Actor,
    action: string,
    userId: string,
    change: { before: { role: string }; after?: { role: string } },
  ): void {
    this.audit.record(actor, action, { userId, target: { type: 'user', id: userId }, ...change });
  }
}
