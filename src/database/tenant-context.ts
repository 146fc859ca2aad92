import type { EntityManager } from '@mikro-orm/postgresql';
import type { Actor } from '../kernel/actor.js';

/** The role that sees every tenant; reached by `set local role` alone, never inherited. */
export const SYSTEM_ROLE = 'tenon_system';
/** The role whose rights the process has otherwise. */
export const APP_ROLE = 'tenon_app';

/**
 * Tells the database who is asking. From here on each transaction of `em` sets `app.user_id` and
 * `app.organization_id`, which the policies compare; without them a query finds nothing.
 */
export function enterTenant(em: EntityManager, actor: Actor): void {
  const variables: Record<string, string> = {};
  if (actor.userId) variables['app.user_id'] = actor.userId;
  if (actor.organizationId) variables['app.organization_id'] = actor.organizationId;
  if (Object.keys(variables).length > 0) em.setSessionContext({ variables });
}

/**
 * Runs `work` in one transaction as `tenon_system`, across tenants: for sign-in by e-mail, cleanup, reports, and
 * nothing that could be done as the caller. The transaction commits when `work` resolves.
 * @throws Error inside a transaction of a tenant: a role change in its middle would widen what came before.
 */
export function asSystem<T>(em: EntityManager, work: (em: EntityManager) => Promise<T>): Promise<T> {
  if (em.isInTransaction()) {
    if (em.getSessionContext()?.role === SYSTEM_ROLE) return work(em);
    throw new Error('asSystem inside a transaction of a tenant');
  }
  // A fork of its own: rows read across tenants must not stay in the identity map that the caller reads from.
  return em.fork({ session: { role: SYSTEM_ROLE } }).transactional(work);
}
