import type { EntityManager } from '@mikro-orm/postgresql';
import { asSystem } from '../database/tenant-context.js';
import type { Actor } from '../kernel/actor.js';

/**
 * Runs `work` in one transaction where the caller's webhooks are: in their tenant, or, on the routes of platform admins,
 * which name none, among the platform's own.
 */
export function inScope<T>(em: EntityManager, actor: Actor, work: (em: EntityManager) => Promise<T>): Promise<T> {
  return actor.organizationId === null ? asSystem(em, work) : em.transactional(work);
}
