import { EntityManager, type FilterQuery } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { asSystem } from '../database/tenant-context.js';
import { firstIdAt, timeOfId } from '../kernel/ids.js';
import { readInstant } from '../kernel/instant.js';
import { type CursorPage, type CursorQuery, readCursor, toCursorPage } from '../kernel/lists.js';
import type { AuditLogQuery } from './audit-log.dto.js';
import { AuditEntry } from './audit-entry.entity.js';

/** An entry's id and its time are read from the clock one after the other; a minute is beyond any pause between. */
const ID_LEEWAY_MS = 60_000;
/** No request takes longer; its entries are looked for from its own time on. */
const REQUEST_MS = 3600_000;

/** Reads the trail across tenants; who may ask is the controllers' matter. */
@Injectable()
export class AuditQueries {
  constructor(private readonly em: EntityManager) {}

  /**
   * Entries that meet every filter, newest first.
   * @throws Problem `validation_failed` for a cursor of another list.
   */
  async search({ cursor, limit, ...filters }: AuditLogQuery): Promise<CursorPage<AuditEntry>> {
    return this.page({ cursor, limit }, toConditions(filters));
  }

  /** Entries about one person, newest first. */
  async about(userId: string, query: CursorQuery): Promise<CursorPage<AuditEntry>> {
    return this.page(query, [{ userId }]);
  }

  private async page(
    { cursor, limit }: CursorQuery,
    conditions: FilterQuery<AuditEntry>[],
  ): Promise<CursorPage<AuditEntry>> {
    const before = readCursor(cursor);
    const all = before === null ? conditions : [...conditions, { id: { $lt: before } }];
    const rows = await asSystem(this.em, (em) =>
      em.find(AuditEntry, { $and: all }, { orderBy: { id: 'desc' }, limit: limit + 1 }),
    );
    return toCursorPage(rows, limit, ({ id }) => id);
  }
}

function toConditions({
  action,
  from,
  to,
  ...equal
}: Omit<AuditLogQuery, 'cursor' | 'limit'>): FilterQuery<AuditEntry>[] {
  const conditions: FilterQuery<AuditEntry>[] = Object.entries(equal)
    .filter(([, value]) => value !== undefined)
    .map(([field, value]) => ({ [field]: value }));
  if (action?.endsWith('*')) conditions.push({ action: { $like: `${action.slice(0, -1).replaceAll('_', '\\_')}%` } });
  else if (action !== undefined) conditions.push({ action });
  // The bounds of the id say which months' partitions to read; the time itself decides.
  const earliest = from === undefined ? null : readInstant(from);
  if (earliest)
    conditions.push({ occurredAt: { $gte: earliest }, id: { $gte: firstIdAt(earliest.getTime() - ID_LEEWAY_MS) } });
  const latest = to === undefined ? null : readInstant(to);
  if (latest) conditions.push({ occurredAt: { $lt: latest }, id: { $lt: firstIdAt(latest.getTime() + ID_LEEWAY_MS) } });
  // There is no index by request; its id says when it was.
  const requestedAt = equal.requestId === undefined ? null : timeOfId(equal.requestId);
  if (requestedAt !== null)
    conditions.push({ id: { $gte: firstIdAt(requestedAt - ID_LEEWAY_MS), $lt: firstIdAt(requestedAt + REQUEST_MS) } });
  return conditions;
}
