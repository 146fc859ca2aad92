import type { EntityManager } from '@mikro-orm/postgresql';
import { AuditEntry } from './audit-entry.entity.js';
import { organizationScope } from './audit-scope.js';
import { type EntryFacts, toFacts } from './audit-log.view.js';

/**
 * Entries of the trail, as who reads it may know them: platform admins all of it, an organization what its own trail shows.
 * @param em of a system transaction.
 * @param organizationId whose reader it is; null for the platform.
 */
export async function factsOf(
  em: EntityManager,
  ids: readonly string[],
  organizationId: string | null,
): Promise<Map<string, EntryFacts>> {
  const own = organizationId === null ? {} : { organizationId };
  const entries = await em.find(AuditEntry, { id: { $in: [...ids] }, ...own }, { disableIdentityMap: true });
  const show = organizationId === null ? (facts: EntryFacts) => facts : organizationScope(em, organizationId).show;
  return new Map(entries.map((entry) => [entry.id, show(toFacts(entry))]));
}
