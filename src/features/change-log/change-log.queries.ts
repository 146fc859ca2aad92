import type { EntityManager, FilterQuery } from '@mikro-orm/postgresql';
import { newId } from '../../kernel/ids.js';
import { readInstant } from '../../kernel/instant.js';
import { problem } from '../../kernel/problem.js';
import type { ChangeEntry, ChangeOrigin } from './change-entry.js';
import type { ChangesQuery } from './change-log.dto.js';
import { FeatureChangeLog } from './feature-change-log.entity.js';

/**
 * Writes what a change made into the log, in its transaction.
 * @param revision that the change has.
 * @returns them as the log has them.
 */
export async function writeEntries(
  em: EntityManager,
  entries: readonly ChangeEntry[],
  revision: number,
  { changeRequestId, rolledBackId, reason }: ChangeOrigin,
): Promise<FeatureChangeLog[]> {
  const at = new Date();
  const rows = entries.map((entry) =>
    em.create(FeatureChangeLog, {
      id: newId(),
      at,
      revision,
      kind: entry.kind,
      featureKey: entry.feature ?? null,
      segmentKey: entry.segment ?? null,
      environmentKey: entry.environment ?? null,
      before: entry.before,
      after: entry.after,
      reason: entry.reason ?? reason ?? null,
      derived: entry.derived ?? false,
      actorKind: entry.actor.kind,
      actorId: entry.actor.userId,
      requestId: entry.actor.requestId,
      changeRequestId: changeRequestId ?? null,
      rolledBackId: rolledBackId ?? null,
    }),
  );
  await em.flush();
  return rows;
}

/** One entry. @throws Problem `not_found`. */
export async function findEntry(em: EntityManager, id: string): Promise<FeatureChangeLog> {
  return em.findOneOrFail(FeatureChangeLog, { id }, { failHandler: () => problem('not_found') });
}

/** Entries that meet every filter, newest first, and one more where there are more. */
export async function findEntries(
  em: EntityManager,
  { feature, segment, environment, kind, actorId, changeRequestId, from, to, limit }: Omit<ChangesQuery, 'cursor'>,
  before: string | null,
): Promise<FeatureChangeLog[]> {
  const filters: FilterQuery<FeatureChangeLog>[] = [];
  if (feature) filters.push({ featureKey: feature });
  if (segment) filters.push({ segmentKey: segment });
  if (environment) filters.push({ environmentKey: environment });
  if (kind) filters.push({ kind });
  if (actorId) filters.push({ actorId });
  if (changeRequestId) filters.push({ changeRequestId });
  if (from) filters.push({ at: { $gte: readInstant(from)! } });
  if (to) filters.push({ at: { $lt: readInstant(to)! } });
  if (before) filters.push({ id: { $lt: before } });
  return em.find(FeatureChangeLog, { $and: filters }, { orderBy: { id: 'desc' }, limit: limit + 1 });
}
