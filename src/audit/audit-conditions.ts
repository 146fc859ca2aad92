import { firstIdAt, timeOfId } from '../kernel/ids.js';
import { readInstant } from '../kernel/instant.js';
import type { AuditLogQuery } from './audit-log.dto.js';

/** A part of a `where`, with the values of its question marks. */
export interface Condition {
  sql: string;
  values: unknown[];
}

/** An entry's id and its time are read from the clock one after the other; a minute is beyond any pause between. */
const ID_LEEWAY_MS = 60_000;
/** No request takes longer; its entries are looked for from its own time on. */
const REQUEST_MS = 3600_000;

/**
 * What an entry has to be for the filters of a search but its text.
 * @param shown SQL: whether the reader may know who acted, and whom it is about.
 */
export function toConditions(
  filters: Omit<AuditLogQuery, 'cursor' | 'limit' | 'q'>,
  shown: { actorShown: string; personShown: string },
): Condition[] {
  const { actorId, userId, apiKeyId, organizationId, actorRole, action, outcome, targetType, targetId, requestId } =
    filters;
  const conditions: Condition[] = [];
  const add = (value: unknown, ...sql: string[]): void => {
    if (value !== undefined)
      conditions.push(...sql.map((one) => ({ sql: one, values: one.includes('?') ? [value] : [] })));
  };
  add(actorId, 'actor_id = ?', shown.actorShown);
  add(userId, 'user_id = ?', shown.personShown);
  add(apiKeyId, 'api_key_id = ?');
  add(organizationId, 'organization_id = ?');
  add(actorRole, 'actor_role = ?');
  add(outcome, 'outcome = ?');
  add(targetType, 'target_type = ?');
  add(targetId, 'target_id = ?');
  if (action?.endsWith('*')) add(`${literal(action.slice(0, -1))}%`, 'action like ?');
  else add(action, 'action = ?');
  // The bounds of the id say which months' partitions to read; the time itself decides.
  const from = filters.from === undefined ? null : readInstant(filters.from);
  if (from) conditions.push({ sql: 'occurred_at >= ?', values: [from] }, idFrom(from.getTime() - ID_LEEWAY_MS));
  const to = filters.to === undefined ? null : readInstant(filters.to);
  if (to) conditions.push({ sql: 'occurred_at < ?', values: [to] }, idBefore(to.getTime() + ID_LEEWAY_MS));
  add(requestId, 'request_id = ?');
  // There is no index by request; its id says when it was.
  const requestedAt = requestId === undefined ? null : timeOfId(requestId);
  if (requestedAt !== null) conditions.push(idFrom(requestedAt - ID_LEEWAY_MS), idBefore(requestedAt + REQUEST_MS));
  return conditions;
}

/** Conditions that all have to hold, as one. */
export function allOf(conditions: readonly Condition[]): Condition {
  return {
    sql: conditions.map(({ sql }) => `(${sql})`).join(' and ') || 'true',
    values: conditions.flatMap(({ values }) => values),
  };
}

/** Entries before an id; all when it is null. */
export function olderThan(id: string | null): Condition[] {
  return id === null ? [] : [{ sql: 'id < ?', values: [id] }];
}

/** Text as it stands in a LIKE pattern for itself. */
export function literal(text: string): string {
  return text.replaceAll(/[\\%_]/g, String.raw`\$&`);
}

function idFrom(ms: number): Condition {
  return { sql: 'id >= ?', values: [firstIdAt(ms)] };
}

function idBefore(ms: number): Condition {
  return { sql: 'id < ?', values: [firstIdAt(ms)] };
}
