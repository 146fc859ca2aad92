import type { EntityManager } from '@mikro-orm/postgresql';
import { asSystem } from '../database/tenant-context.js';
import { PLATFORM_ADMIN } from '../kernel/actor.js';
import type { Condition } from './audit-conditions.js';
import type { EntryFacts } from './audit-log.view.js';

/** Which entries somebody reads, and what of them. What is not shown cannot be found by a filter or a text either. */
export interface AuditScope {
  entries: Condition;
  /** SQL: whether the reader may know who acted. */
  actorShown: string;
  /** SQL: whether the reader may know whom it is about. */
  personShown: string;
  /** SQL: whether the reader may know where it came from: address, program and session. */
  originShown: string;
  /** The same three for an entry that was read. */
  show(entry: EntryFacts): EntryFacts;
  /** Runs `work` in one transaction of the role that may see these entries and no others. */
  run<T>(work: (em: EntityManager) => Promise<T>): Promise<T>;
}

/** All of the trail, for platform admins. */
export function platformScope(em: EntityManager): AuditScope {
  return {
    entries: { sql: 'true', values: [] },
    actorShown: 'true',
    personShown: 'true',
    originShown: 'true',
    show: (entry) => entry,
    run: (work) => asSystem(em, work),
  };
}

const NOT_BY_PLATFORM = `actor_role is distinct from '${PLATFORM_ADMIN}'`;

/**
 * What happened in one organization, for its admins; read as the tenant.
 *
 * Of a member they see name, address, program and session, as far as the member acted in the organization. Whoever acted
 * in it without a role in it, such as somebody who accepts an invitation, is named, and where they were stays theirs. Of
 * a platform admin they see that it was one and what was done: who that is belongs to the operator, whose own trail
 * says it under the same id of the entry.
 *
 * What members do outside of the organization, such as signing in or changing a password, belongs to no organization and
 * does not appear; each finds it among their own security events.
 * @param em of the tenant's request.
 */
export function organizationScope(em: EntityManager, organizationId: string): AuditScope {
  return {
    entries: { sql: 'organization_id = ?', values: [organizationId] },
    actorShown: NOT_BY_PLATFORM,
    // An entry that names no person is about whoever acted.
    personShown: `${NOT_BY_PLATFORM} or user_id is distinct from actor_id or target_id = user_id::text`,
    originShown: `actor_role <> '${PLATFORM_ADMIN}' and impersonator_id is null`,
    show: (entry) => {
      const byPlatform = entry.actorRole === PLATFORM_ADMIN;
      const personShown = !byPlatform || entry.userId !== entry.actorId || entry.targetId === entry.userId;
      const originShown = entry.actorRole !== null && !byPlatform && entry.impersonatorId === null;
      return {
        ...entry,
        ...(byPlatform && { actorId: null }),
        ...(!personShown && { userId: null }),
        ...(!originShown && { ip: null, userAgent: null, sessionId: null }),
      };
    },
    run: (work) => em.transactional(work),
  };
}
