import { type EntityManager, UniqueConstraintViolationException } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { AuditService } from '../../audit/audit.service.js';
import type { Actor } from '../../kernel/actor.js';
import { problem } from '../../kernel/problem.js';
import { OrganizationAccess } from '../access/organization-access.js';

@Injectable()
export class MembersService {
  constructor(
    private readonly access: OrganizationAccess,
    private readonly audit: AuditService,
  ) {}

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
}
