import type { EntityManager } from '@mikro-orm/postgresql';
import { PLATFORM_ADMIN } from '../../kernel/actor.js';
import { isBaseRole, isPermission, type Permission, permissionsOf } from '../../kernel/permissions.js';
import { problem } from '../../kernel/problem.js';

/** Somebody in an organization, as far as it says what they may give to others. */
export interface Granter {
  role: string | null;
  permissions: ReadonlySet<Permission>;
}

/**
 * Whether somebody may give a role to others, and change or remove those who have it: only what one holds oneself can
 * be handed on, and only owners make owners.
 * @param held what the role permits.
 */
export function mayGrant(granter: Granter, role: string, held: ReadonlySet<Permission>): boolean {
  if (role === 'owner') return granter.role === 'owner' || granter.role === PLATFORM_ADMIN;
  return [...held].every((permission) => granter.permissions.has(permission));
}

/** What somebody does not hold they cannot hand on. @throws Problem `permission_denied`, which names it. */
export function denyBeyond(granter: Granter, permissions: readonly Permission[]): void {
  const beyond = permissions.filter((permission) => !granter.permissions.has(permission));
  if (beyond.length > 0)
    throw problem('permission_denied', { detail: `You do not hold these yourself: ${beyond.join(', ')}` });
}

/**
 * What a role of an organization permits, held in place until the transaction ends: a custom role cannot be removed
 * meanwhile.
 * @param em of a transaction of the tenant, or a system one.
 * @returns null when the organization has no such role.
 */
export async function holdRole(
  em: EntityManager,
  organizationId: string,
  role: string,
): Promise<ReadonlySet<Permission> | null> {
  if (isBaseRole(role)) return permissionsOf(role, new Map());
  const [custom] = await em.execute<{ permissions: string[] }[]>(
    'select permissions from organization_roles where organization_id = ? and key = ? for share',
    [organizationId, role],
  );
  return custom ? new Set(custom.permissions.filter(isPermission)) : null;
}
