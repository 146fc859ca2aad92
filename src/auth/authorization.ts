import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { type SystemStatement, systemStatements } from '../database/tenant-context.js';
import { type Actor, PLATFORM_ADMIN } from '../kernel/actor.js';
import type { ActingRequest, Requirement } from '../kernel/authorize.js';
import { problem } from '../kernel/problem.js';
import { isPlatformAdmin, OF_PLATFORM_ADMIN } from '../organizations/access/access.queries.js';
import { refusalAtDoor } from '../organizations/access/organization-door.js';
import { type MemberAccess, OrganizationAccess } from '../organizations/access/organization-access.js';
import { Denials } from './denials.js';

const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

/** Whether a part of a path has the form of an organization's id. */
export function isOrganizationId(text: string): boolean {
  return UUID.test(text);
}

/** Whether somebody who is signed in may call a route, and in whose name of which tenant. */
@Injectable()
export class Authorization {
  private readonly statement: SystemStatement;

  constructor(
    em: EntityManager,
    private readonly access: OrganizationAccess,
    private readonly denials: Denials,
  ) {
    this.statement = systemStatements(em);
  }

  /**
   * The actor as the route may know them: where its path names an organization, within it. At once where memory has the
   * answer.
   * @throws Problem `not_found` for an organization that is not theirs, before anything else is looked at;
   * `permission_denied`, once its entry in the trail is committed; what {@link refusalAtDoor} has against them.
   */
  pass(request: ActingRequest, requirement: Requirement): Actor | Promise<Actor> {
    const { organizationId } = request.params as { organizationId?: string };
    if (organizationId === undefined)
      return requirement === 'session' ? request.actor : this.passAsPlatformAdmin(request, requirement);
    // Routes know one spelling of an id, and so does memory.
    const id = organizationId.toLowerCase();
    if (!isOrganizationId(id)) throw problem('not_found');
    const member = this.access.of(id, request.actor.requiredUserId);
    return member instanceof Promise
      ? member.then((found) => this.enter(request, requirement, id, found))
      : this.enter(request, requirement, id, member);
  }

  private enter(
    request: ActingRequest,
    requirement: Requirement,
    organizationId: string,
    member: MemberAccess | null,
  ): Actor | Promise<Actor> {
    if (!member)
      return this.enterAsPlatformAdmin(request, organizationId, () => this.refuseStranger(request, organizationId));
    const { organization, role, permissions } = member;
    const refusal = refusalAtDoor(organization, request.actor, permissions.size > 0);
    const active = organization.status === 'active';
    const holds = requirement === 'member' ? active : (permissions as ReadonlySet<string>).has(requirement);
    if (!refusal && holds) return request.actor.within(organizationId, role, permissions);
    return this.enterAsPlatformAdmin(request, organizationId, async () => {
      const actor = request.actor.within(organizationId, role, permissions);
      // A token used from elsewhere is what an allow-list is for: its organization has to see that it was.
      if (refusal?.status === 403 && refusal.code !== 'organization_inactive')
        await this.denials.remember(actor, request, refusal.code);
      if (refusal) throw refusal;
      // An owner keeps what brings the organization back; the rest waits with it.
      if (!active) throw problem('organization_inactive');
      throw await this.denials.remember(actor, request, requirement);
    });
  }

  private async enterAsPlatformAdmin(
    { actor }: ActingRequest,
    organizationId: string,
    refuse: () => Promise<never>,
  ): Promise<Actor> {
    if (!(await this.isPlatformAdmin(actor, organizationId))) return refuse();
    return actor.within(organizationId, PLATFORM_ADMIN, OF_PLATFORM_ADMIN);
  }

  /** The same for what exists and what does not; that somebody tried is remembered. */
  private async refuseStranger(request: ActingRequest, organizationId: string): Promise<never> {
    await this.denials.remember(request.actor, request, 'member', { type: 'organization', id: organizationId });
    throw problem('not_found');
  }

  private async passAsPlatformAdmin(request: ActingRequest, requirement: Requirement): Promise<Actor> {
    if (requirement === 'platform-admin' && (await this.isPlatformAdmin(request.actor))) return request.actor;
    throw await this.denials.remember(request.actor, request, requirement);
  }

  private isPlatformAdmin({ userId }: Actor, organizationId: string | null = null): Promise<boolean> {
    return isPlatformAdmin(this.statement, userId, organizationId);
  }
}
