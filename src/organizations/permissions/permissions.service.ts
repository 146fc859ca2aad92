import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { type SystemStatement, systemStatements } from '../../database/tenant-context.js';
import { type Actor, PLATFORM_ADMIN } from '../../kernel/actor.js';
import { problem } from '../../kernel/problem.js';
import { isPlatformAdmin, OF_PLATFORM_ADMIN } from '../access/access.queries.js';
import { OrganizationAccess } from '../access/organization-access.js';
import type { MyPermissionsView } from './permissions.view.js';

/** What somebody may do. */
@Injectable()
export class PermissionsService {
  private readonly statement: SystemStatement;

  constructor(
    em: EntityManager,
    private readonly access: OrganizationAccess,
  ) {
    this.statement = systemStatements(em);
  }

  /**
   * What the caller may do in an organization, as the guard decides it; what its policies ask of a session stands beside
   * that. While it is not active, what is left.
   * @throws Problem `not_found` for an organization that the caller does not belong to, and for a deleted one in which
   * nothing is left to them.
   */
  async mine(actor: Actor, organizationId: string): Promise<MyPermissionsView> {
    const userId = actor.requiredUserId;
    if (await isPlatformAdmin(this.statement, userId, organizationId))
      return { organizationId, role: PLATFORM_ADMIN, permissions: [...OF_PLATFORM_ADMIN] };
    const member = await this.access.of(organizationId, userId);
    if (!member || (member.organization.status === 'deleted' && member.permissions.size === 0))
      throw problem('not_found');
    return { organizationId, role: member.role, permissions: [...member.permissions] };
  }
}
