import type { EntityManager } from '@mikro-orm/postgresql';
import type { OrganizationStatus } from '../organization.entity.js';

// Locks are taken in one order everywhere: people, then memberships by organization and person, then organizations.
// Whoever may take an owner away (disabling, erasing, removing, lowering, handing over) or bring an organization back
// first locks its owners, and looks in a statement of its own then: the snapshot of the statement that waited is older
// than what it waited for. Of two owners who go at once the second so sees that the first is gone.

/**
 * Locks the owners of an organization, and two more of its members if they are named, until the transaction ends.
 * @param em of a transaction of the tenant, or a system one.
 */
export async function holdOwners(
  em: EntityManager,
  organizationId: string,
  one: string | null = null,
  other: string | null = null,
): Promise<void> {
  await em.execute(
    `select from user_organization_membership
      where organization_id = ? and (role = 'owner' or user_id = ?::uuid or user_id = ?::uuid)
      order by user_id for update`,
    [organizationId, one, other],
  );
}

/**
 * Whether an organization has an owner who can sign in. Call {@link holdOwners} first.
 * @param besides somebody who does not count.
 */
export async function hasActiveOwner(
  em: EntityManager,
  organizationId: string,
  besides: string | null = null,
): Promise<boolean> {
  const owners = await em.execute(
    `select from user_organization_membership m join users u on u.id = m.user_id and u.status = 'active'
      where m.organization_id = ? and m.role = 'owner' and m.user_id is distinct from ?::uuid limit 1`,
    [organizationId, besides],
  );
  return owners.length === 1;
}

/** An organization that has one owner who can sign in. */
export interface SoleOwnership {
  id: string;
  slug: string;
  status: OrganizationStatus;
}

/**
 * The organizations, deleted ones left out, that would have no active owner without this person. Holds the person's
 * memberships and all owners beside them, so that nobody hands an organization over to whoever is about to go.
 * @param em of a system transaction that holds the person's row.
 */
export async function soleOwnerships(em: EntityManager, userId: string): Promise<SoleOwnership[]> {
  await em.execute(
    `select from user_organization_membership
      where organization_id in (select mine.organization_id from user_organization_membership mine where mine.user_id = ?)
        and (role = 'owner' or user_id = ?)
      order by organization_id, user_id for update`,
    [userId, userId],
  );
  return em.execute<SoleOwnership[]>(
    `select o.id, o.slug, o.status
       from user_organization_membership mine join organizations o on o.id = mine.organization_id
      where mine.user_id = ? and mine.role = 'owner' and o.status <> 'deleted'
        and not exists (
          select from user_organization_membership other join users u on u.id = other.user_id and u.status = 'active'
           where other.organization_id = o.id and other.role = 'owner' and other.user_id <> mine.user_id)
      order by o.id`,
    [userId],
  );
}
