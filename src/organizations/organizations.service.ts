import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { AuditService } from '../audit/audit.service.js';
import type { Actor } from '../kernel/actor.js';
import type { PageQuery } from '../kernel/lists.js';
import { newId } from '../kernel/ids.js';
import { problem } from '../kernel/problem.js';
import { newToken } from '../kernel/tokens.js';
import { Membership } from './members/membership.entity.js';
import { MembersService } from './members/members.service.js';

@Injectable()
export class OrganizationsService {
  constructor(
    private readonly em: EntityManager,
    private readonly members: MembersService,
    private readonly audit: AuditService,
  ) {}

  /**
   * Founds an organization with its first owner.
   * @param em of a system transaction.
   * @returns its id.
   */
  async found(em: EntityManager, actor: Actor, { ownerId, name }: { ownerId: string; name: string }): Promise<string> {
    const id = newId();
    const slug = await insertOrganization(em, id, name);
    this.audit.record(actor, 'organization.created', {
      organizationId: id,
      userId: ownerId,
      target: { type: 'organization', id },
      after: { name, slug, ownerId },
    });
    await this.members.join(em, actor, { organizationId: id, userId: ownerId, role: 'owner' });
    return id;
  }

  /** The organizations that the caller belongs to, by name. */
  async listMine(actor: Actor, { page, perPage }: PageQuery): Promise<[Membership[], number]> {
    return this.em.findAndCount(
      Membership,
      { user: actor.requiredUserId },
      {
        populate: ['organization'],
        orderBy: { organization: { name: 'asc', id: 'asc' } },
        limit: perPage,
        offset: (page - 1) * perPage,
      },
    );
  }

  /**
   * Whether somebody is the only owner of an organization that has other members or not: leaving would orphan it. Locks
   * the owners' rows, so that of two owners who leave at once one stays.
   * @param em of a system transaction.
   */
  async isLastOwner(em: EntityManager, userId: string): Promise<boolean> {
    const owners = await em.execute<{ organization_id: string; user_id: string }[]>(
      `select m.organization_id, m.user_id from user_organization_membership m
        where m.role = 'owner'
          and m.organization_id in (select o.organization_id from user_organization_membership o where o.user_id = ? and o.role = 'owner')
        order by m.organization_id, m.user_id for update of m`,
      [userId],
    );
    const others = new Set(owners.filter((owner) => owner.user_id !== userId).map((owner) => owner.organization_id));
    return owners.some((owner) => owner.user_id === userId && !others.has(owner.organization_id));
  }

  /** Takes a person out of every organization. @param em of a system transaction. */
  async removeFromAll(em: EntityManager, actor: Actor, userId: string): Promise<void> {
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
  }
}

/** Stores an organization under the slug of its name; when another one has it, with 8 characters more. @returns the slug. */
async function insertOrganization(em: EntityManager, id: string, name: string): Promise<string> {
  const plain = slugOf(name);
  for (const slug of [plain, `${plain}-${suffix()}`]) {
    // Waits for somebody who founds one of the same name at the same time, and then does nothing.
    const made = await em.execute<{ id: string }[]>(
      `insert into organizations (id, name, slug, created_at, updated_at) values (?, ?, ?, now(), now())
       on conflict (slug) do nothing returning id`,
      [id, name, slug],
    );
    if (made.length === 1) return slug;
  }
  throw problem('conflict', { detail: 'Every slug that was tried is taken; try again' });
}

/** 40 bits. */
function suffix(): string {
  return newToken(6)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]/g, 'x');
}

/** A name as a part of an address: letters of ASCII, digits and hyphens. */
function slugOf(name: string): string {
  const slug = name
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replace(/^-/, '')
    .slice(0, 50)
    .replace(/-$/, '');
  return slug || 'organization';
}
