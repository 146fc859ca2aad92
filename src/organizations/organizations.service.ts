import { EntityManager, LockMode, UniqueConstraintViolationException } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { AuditService } from '../audit/audit.service.js';
import { asSystem } from '../database/tenant-context.js';
import type { Actor } from '../kernel/actor.js';
import type { PageQuery } from '../kernel/lists.js';
import { newId } from '../kernel/ids.js';
import { problem } from '../kernel/problem.js';
import { OrganizationAccess } from './access/organization-access.js';
import { Membership } from './members/membership.entity.js';
import { MemberEvents } from './members/member-events.js';
import { MembersService } from './members/members.service.js';
import { Organization } from './organization.entity.js';
import type { CreateOrganizationRequest, UpdateOrganizationRequest } from './organizations.dto.js';
import { soleOwnerships } from './ownership/owners.queries.js';
import { slugsFor } from './slug.js';

@Injectable()
export class OrganizationsService {
  constructor(
    private readonly em: EntityManager,
    private readonly members: MembersService,
    private readonly access: OrganizationAccess,
    private readonly audit: AuditService,
    private readonly events: MemberEvents,
  ) {}

  /** Founds an organization of the caller's own. @throws Problem `slug_taken`. */
  async create(actor: Actor, request: CreateOrganizationRequest): Promise<Organization> {
    const organization = await asSystem(this.em, async (em) => {
      const id = await this.found(em, actor, { ...request, ownerId: actor.requiredUserId });
      return em.findOneOrFail(Organization, { id });
    });
    this.access.changed([organization.id]);
    return organization;
  }

  /**
   * Founds an organization with its first owner.
   * @param em of a system transaction.
   * @param founding without a slug, one is made from the name.
   * @returns its id.
   * @throws Problem `slug_taken` when the given one is another's.
   */
  async found(
    em: EntityManager,
    actor: Actor,
    { ownerId, name, slug: chosen }: { ownerId: string; name: string; slug?: string },
  ): Promise<string> {
    const id = newId();
    const slug = await insertOrganization(em, { id, name, slugs: chosen === undefined ? slugsFor(name) : [chosen] });
    if (slug === null) throw problem('slug_taken');
    this.audit.record(actor, 'organization.created', {
      organizationId: id,
      userId: ownerId,
      target: { type: 'organization', id },
      after: { name, slug, ownerId },
    });
    await this.members.join(em, actor, { organizationId: id, userId: ownerId, role: 'owner' });
    return id;
  }

  /** The organizations that the caller belongs to, by name; deleted ones where they could restore them. */
  async listMine(actor: Actor, { page, perPage }: PageQuery): Promise<[Membership[], number]> {
    return this.em.findAndCount(
      Membership,
      { user: actor.requiredUserId, $or: [{ organization: { status: { $ne: 'deleted' } } }, { role: 'owner' }] },
      {
        populate: ['organization'],
        orderBy: { organization: { name: 'asc', id: 'asc' } },
        limit: perPage,
        offset: (page - 1) * perPage,
      },
    );
  }

  /** The caller's tenant. */
  async get(actor: Actor): Promise<Organization> {
    return this.em.findOneOrFail(
      Organization,
      { id: actor.requiredOrganizationId },
      { failHandler: () => problem('not_found') },
    );
  }

  /**
   * Changes name and slug.
   * @param version that the caller read; null: whatever it is by now.
   * @throws Problem `precondition_failed` when the version is another one; `slug_taken`.
   */
  async update(actor: Actor, changes: UpdateOrganizationRequest, version: number | null): Promise<Organization> {
    const id = actor.requiredOrganizationId;
    try {
      return await this.em.transactional(async (em) => {
        const organization = await lockOrganization(em, id);
        if (version !== null && version !== organization.version) throw problem('precondition_failed');
        const { name = organization.name, slug = organization.slug } = changes;
        const before = { name: organization.name, slug: organization.slug };
        if (name === before.name && slug === before.slug) return organization;
        Object.assign(organization, { name, slug, version: organization.version + 1 });
        this.audit.record(actor, 'organization.updated', {
          target: { type: 'organization', id },
          before,
          after: { name, slug },
        });
        return organization;
      });
    } catch (error) {
      if (error instanceof UniqueConstraintViolationException) throw problem('slug_taken', { cause: error });
      throw error;
    }
  }

  /**
   * Whether somebody is the only owner who can sign in of an organization that is not deleted: without them nobody could
   * do anything for it. Of two owners who leave at once one stays.
   * @param em of a system transaction that holds the person's row.
   */
  async isLastOwner(em: EntityManager, userId: string): Promise<boolean> {
    return (await soleOwnerships(em, userId)).length > 0;
  }

  /** Takes a person out of every organization. @param em of a system transaction. */
  async removeFromAll(em: EntityManager, actor: Actor, userId: string): Promise<void> {
    const memberships = await em.execute<{ organization_id: string }[]>(
      'select organization_id from user_organization_membership where user_id = ? order by organization_id for update',
      [userId],
    );
    for (const { organization_id: organizationId } of memberships)
      await this.events.leaving(em, actor, { organizationId, userId });
    const left = await em.execute<{ organization_id: string; role: string }[]>(
      'delete from user_organization_membership where user_id = ? returning organization_id, role',
      [userId],
    );
    for (const { organization_id: organizationId, role } of left)
      this.audit.record(actor, 'member.removed', {
        organizationId,
        userId,
        target: { type: 'user', id: userId },
        before: { role },
      });
    await this.access.announce(em, ...left.map(({ organization_id }) => organization_id));
  }
}

/**
 * An organization, held until the transaction ends.
 * @throws Problem `not_found` when it was removed meanwhile.
 */
export async function lockOrganization(em: EntityManager, id: string): Promise<Organization> {
  return em.findOneOrFail(
    Organization,
    { id },
    { lockMode: LockMode.PESSIMISTIC_WRITE, failHandler: () => problem('not_found') },
  );
}

/** Stores an organization under the first of `slugs` that is free. @returns that slug; null when all are taken. */
async function insertOrganization(
  em: EntityManager,
  { id, name, slugs }: { id: string; name: string; slugs: string[] },
): Promise<string | null> {
  for (const slug of slugs) {
    // Waits for somebody who founds one of the same slug at the same time, and then does nothing.
    const made = await em.execute<{ id: string }[]>(
      `insert into organizations (id, name, slug, created_at, updated_at) values (?, ?, ?, now(), now())
       on conflict (slug) do nothing returning id`,
      [id, name, slug],
    );
    if (made.length === 1) return slug;
  }
  return null;
}
