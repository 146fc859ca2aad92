import type { EntityManager } from '@mikro-orm/postgresql';

/**
 * Whether an organization has more roles of its own than its plan allows. Locks the organization's row first: of two who
 * make the last one at once the second sees the first's.
 * @param em of a transaction of the tenant that has made its role.
 */
export async function exceedsPlan(em: EntityManager, organizationId: string): Promise<boolean> {
  await em.execute('select from organizations where id = ? for no key update', [organizationId]);
  // In a statement of its own: the snapshot of the one that waited is older than what it waited for.
  const [row] = await em.execute<{ exceeds: boolean | null }[]>(
    `select (select count(*) from organization_roles r where r.organization_id = o.id) > p.custom_roles as exceeds
       from organizations o join plans p on p.key = o.plan_key where o.id = ?`,
    [organizationId],
  );
  // Null: the plan has no limit.
  return row?.exceeds === true;
}

/** Whether a member has a role, or an invitation that can still be accepted offers it. */
export async function isRoleInUse(em: EntityManager, organizationId: string, key: string): Promise<boolean> {
  const [row] = await em.execute<{ used: boolean }[]>(
    `select exists (select from user_organization_membership where organization_id = ? and role = ?)
         or exists (select from invitations where organization_id = ? and role = ?
                       and accepted_at is null and revoked_at is null and expires_at > now()) as used`,
    [organizationId, key, organizationId, key],
  );
  return row!.used;
}
