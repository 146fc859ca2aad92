import { type EntityManager, raw } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { AuditService } from '../../audit/audit.service.js';
import type { Actor } from '../../kernel/actor.js';
import { problem } from '../../kernel/problem.js';
import { MailService } from '../../mail/mail.service.js';
import { OrganizationAccess } from '../access/organization-access.js';
import { Membership } from '../members/membership.entity.js';
import type { Organization, OrganizationStatus } from '../organization.entity.js';
import { lockOrganization } from '../organizations.service.js';
import { hasActiveOwner, holdOwners } from '../ownership/owners.queries.js';

/** For so long a deleted organization can be restored. */
const GRACE = `interval '30 days'`;
const now = (): Date => raw<Date>('now()');

/** What a step makes of an organization. */
interface Step {
  status: OrganizationStatus;
  deactivatedAt?: Date | null;
  deletedAt?: Date | null;
  purgeAfter?: Date | null;
}

/**
 * The states of an organization. A step to where it stands already changes nothing and leaves no entry; so a repeated
 * request is safe. All members hear of a step within its commit.
 */
@Injectable()
export class LifecycleService {
  constructor(
    private readonly access: OrganizationAccess,
    private readonly mail: MailService,
    private readonly audit: AuditService,
  ) {}

  /** Stops everybody in the organization at once. @throws Problem `conflict` for a deleted one. */
  async deactivate(actor: Actor): Promise<Organization> {
    return this.step(actor, 'organization.deactivated', (organization) => {
      refuseDeleted(organization);
      return { status: 'deactivated', deactivatedAt: now() };
    });
  }

  /** Lets them work again. @throws Problem `conflict` for a deleted one; `last_owner` when no owner can sign in. */
  async reactivate(actor: Actor): Promise<Organization> {
    return this.step(actor, 'organization.reactivated', (organization) => {
      refuseDeleted(organization);
      return { status: 'active', deactivatedAt: null };
    });
  }

  /** Gives the organization up: removed in 30 days, until then its owners, who are told, can restore it. */
  async delete(actor: Actor): Promise<Organization> {
    return this.step(
      actor,
      'organization.deleted',
      () => ({ status: 'deleted', deletedAt: now(), purgeAfter: raw<Date>(`now() + ${GRACE}`) }),
      (em, organization) => this.tellOwners(em, organization),
    );
  }

  /** Takes a deletion back: the state is the one before it. @throws Problem `last_owner` when no owner can sign in. */
  async restore(actor: Actor): Promise<Organization> {
    return this.step(actor, 'organization.restored', ({ deactivatedAt }) => ({
      status: deactivatedAt ? 'deactivated' : 'active',
      deletedAt: null,
      purgeAfter: null,
    }));
  }

  private async step(
    actor: Actor,
    action: string,
    stepOf: (organization: Organization) => Step,
    after: (em: EntityManager, organization: Organization) => Promise<void> = async () => undefined,
  ): Promise<Organization> {
    const id = actor.requiredOrganizationId;
    return this.access.change(id, async (em) => {
      // So that nobody disables the last owner while the organization comes back.
      await holdOwners(em, id);
      const organization = await lockOrganization(em, id);
      const { status: from } = organization;
      const step = stepOf(organization);
      if (step.status === from) return organization;
      if (step.status === 'active' && !(await hasActiveOwner(em, id)))
        throw problem('last_owner', { detail: 'None of its owners can sign in; transfer the ownership first' });
      Object.assign(organization, step);
      await em.flush();
      this.audit.record(actor, action, {
        target: { type: 'organization', id },
        before: { status: from },
        after: {
          status: organization.status,
          ...(organization.purgeAfter && { purgeAfter: organization.purgeAfter.toISOString() }),
        },
      });
      await after(em, organization);
      return organization;
    });
  }

  private async tellOwners(em: EntityManager, organization: Organization): Promise<void> {
    const owners = await em.find(
      Membership,
      { organization: organization.id, role: 'owner', user: { status: 'active' } },
      { populate: ['user'] },
    );
    for (const { user } of owners)
      this.mail.send('organization-deleted', user.email, {
        name: user.fullName,
        organizationName: organization.name,
        restorableUntil: organization.purgeAfter!.toISOString(),
      });
  }
}

function refuseDeleted({ status }: Organization): void {
  if (status === 'deleted') throw problem('conflict', { detail: 'The organization is deleted; restore it first' });
}
