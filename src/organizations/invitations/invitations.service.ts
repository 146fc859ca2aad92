import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { AuditService } from '../../audit/audit.service.js';
import { type Actor, PLATFORM_ADMIN } from '../../kernel/actor.js';
import { invalidField, problem } from '../../kernel/problem.js';
import { hashToken, newToken } from '../../kernel/tokens.js';
import { LimitsService } from '../../limits/limits.service.js';
import { MailService } from '../../mail/mail.service.js';
import { holdRole, mayGrant } from '../roles/granting.js';
import { Invitation } from './invitation.entity.js';
import type { InviteRequest, ListInvitationsQuery } from './invitations.dto.js';
import { insertInvitation, namesFor, obstacleTo, renewInvitation, revokeInvitation } from './invitations.queries.js';

/** Offers to join an organization, as its members see them. All of it runs as the tenant. */
@Injectable()
export class InvitationsService {
  constructor(
    private readonly em: EntityManager,
    private readonly limits: LimitsService,
    private readonly mail: MailService,
    private readonly audit: AuditService,
  ) {}

  /**
   * Invites an address by mail, for a week. Says nothing about whether it has an account.
   * @throws Problem `validation_failed` for a role that does not exist; `permission_denied` for one that the caller may
   * not give; `already_member`; `seat_limit_reached`; `already_invited`.
   */
  async invite(actor: Actor, { email, role }: InviteRequest): Promise<Invitation> {
    const organizationId = actor.requiredOrganizationId;
    const invitedBy = actor.requiredUserId;
    const token = newToken();
    return this.em.transactional(async (em) => {
      if (!(await this.mayOffer(em, actor, role)))
        throw invalidField('role', 'role_unknown', 'The organization has no such role');
      const obstacle = await obstacleTo(em, organizationId, email);
      if (obstacle) throw problem(obstacle);
      const id = await insertInvitation(em, organizationId, { email, role, tokenHash: hashToken(token), invitedBy });
      if (id === null) throw problem('already_invited');
      const invitation = await em.findOneOrFail(Invitation, { organization: organizationId, id });
      this.audit.record(actor, 'invitation.created', {
        userId: null,
        target: { type: 'invitation', id },
        after: { email, role, expiresAt: invitation.expiresAt.toISOString() },
      });
      await this.mailLink(em, actor, invitation, token);
      return invitation;
    });
  }

  /** Invitations, newest first. */
  async list(actor: Actor, { status, page, perPage }: ListInvitationsQuery): Promise<[Invitation[], number]> {
    return this.em.findAndCount(
      Invitation,
      { organization: actor.requiredOrganizationId, ...(status && { status }) },
      { orderBy: { id: 'desc' }, limit: perPage, offset: (page - 1) * perPage },
    );
  }

  /**
   * Mails a new link for another week, in the name of the caller; the old link stops working. Brings an expired one
   * back, too.
   * @throws Problem `not_found`; `conflict` for one that was accepted, withdrawn or replaced, or whose role is gone;
   * `permission_denied`, `already_member` and `seat_limit_reached` as for a new one; `rate_limit_exceeded`.
   */
  async resend(actor: Actor, id: string): Promise<Invitation> {
    const organizationId = actor.requiredOrganizationId;
    const invitedBy = actor.requiredUserId;
    const { email, role, expiresAt } = await this.find(this.em, organizationId, id);
    // The route's own limit does not see whom the mail goes to. Before the transaction: it takes a connection.
    await this.limits.hit('auth', { ip: actor.ip ?? '', recipient: email, route: 'invitation' }, ['recipient']);
    const token = newToken();
    return this.em.transactional(async (em) => {
      if (!(await this.mayOffer(em, actor, role)))
        throw problem('conflict', { detail: 'The role that the invitation offers does not exist any more' });
      const obstacle = await obstacleTo(em, organizationId, email);
      if (obstacle) throw problem(obstacle);
      if (!(await renewInvitation(em, organizationId, { id, tokenHash: hashToken(token), invitedBy })))
        throw problem('conflict', { detail: 'Only an invitation that nobody used or withdrew can be sent again' });
      const invitation = await this.find(em, organizationId, id);
      this.audit.record(actor, 'invitation.resent', {
        userId: null,
        target: { type: 'invitation', id },
        before: { expiresAt: expiresAt.toISOString() },
        after: { email, role, expiresAt: invitation.expiresAt.toISOString() },
      });
      await this.mailLink(em, actor, invitation, token);
      return invitation;
    });
  }

  /**
   * Withdraws an open invitation; its link stops working.
   * @throws Problem `not_found`; `conflict` when it is not open any more.
   */
  async revoke(actor: Actor, id: string): Promise<void> {
    const organizationId = actor.requiredOrganizationId;
    await this.em.transactional(async (em) => {
      const revoked = await revokeInvitation(em, organizationId, id);
      if (!revoked) {
        const { status } = await this.find(em, organizationId, id);
        throw problem('conflict', { detail: `The invitation is not open any more: it is ${status}` });
      }
      this.audit.record(actor, 'invitation.revoked', {
        userId: null,
        target: { type: 'invitation', id },
        before: revoked,
      });
    });
  }

  /** Whether there is such a role. @throws Problem `permission_denied` when the caller may not give it to others. */
  private async mayOffer(em: EntityManager, actor: Actor, role: string): Promise<boolean> {
    const held = await holdRole(em, actor.requiredOrganizationId, role);
    if (held && !mayGrant(actor, role, held))
      throw problem('permission_denied', {
        detail: 'A role that permits more than your own is not yours to offer; only owners invite owners',
      });
    return held !== null;
  }

  private find(em: EntityManager, organizationId: string, id: string): Promise<Invitation> {
    return em.findOneOrFail(
      Invitation,
      { organization: organizationId, id },
      { refresh: true, failHandler: () => problem('not_found') },
    );
  }

  private async mailLink(em: EntityManager, actor: Actor, invitation: Invitation, token: string): Promise<void> {
    const { inviterName, organizationName } = await namesFor(em, actor.requiredOrganizationId, actor.requiredUserId);
    const { email, role, expiresAt } = invitation;
    this.mail.send('invitation', email, {
      // Who of the operator's people it was is not for everybody, as in the trail.
      inviterName: actor.role === PLATFORM_ADMIN ? 'A platform admin' : inviterName,
      organizationName,
      role,
      token,
      expiresAt: expiresAt.toISOString(),
    });
  }
}
