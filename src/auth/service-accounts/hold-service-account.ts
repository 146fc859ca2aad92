import { type EntityManager, LockMode } from '@mikro-orm/postgresql';
import type { Actor } from '../../kernel/actor.js';
import { problem } from '../../kernel/problem.js';
import { holdRole, mayGrant } from '../../organizations/roles/granting.js';
import { ServiceAccount } from './service-account.entity.js';

/**
 * A service account that holds no more than the caller, locked until the transaction ends: whoever has a key of it can
 * do what it may do.
 * @throws Problem `not_found`; `permission_denied`.
 */
export async function holdServiceAccount(em: EntityManager, actor: Actor, id: string): Promise<ServiceAccount> {
  const account = await em.findOneOrFail(
    ServiceAccount,
    { organization: actor.requiredOrganizationId, id },
    { lockMode: LockMode.PESSIMISTIC_WRITE, failHandler: () => problem('not_found') },
  );
  const held = await holdRole(em, actor.requiredOrganizationId, account.role);
  if (!mayGrant(actor, account.role, held ?? new Set()))
    throw problem('permission_denied', { detail: 'The service account holds more than you' });
  return account;
}
