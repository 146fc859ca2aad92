import type { EntityManager } from '@mikro-orm/postgresql';
import { allOf, type Condition, literal, olderThan } from './audit-conditions.js';
import { AuditEntry } from './audit-entry.entity.js';
import type { AuditNames } from './audit-names.js';
import type { AuditScope } from './audit-scope.js';
import type { SearchTime } from './search-time.js';

/** A text that many entries hold is found among the newest; 1,000 take 3 ms. */
const FIRST_CHUNK = 1_000;
/** As much as a name's lookup should bear: each entry names two people at most. */
const LAST_CHUNK = 32_000;

interface Chunk {
  /** Id of its oldest entry; null when there was none. */
  oldest: string | null;
  size: number;
  /** Newest first, and no more than were asked for. */
  hits: string[];
  people: string[];
}

/** What a search looks for, beside its text. */
export interface TextQuery {
  text: string;
  conditions: readonly Condition[];
  /** Only entries before this id. */
  before: string | null;
  limit: number;
}

/**
 * Entries that hold a text in any case, newest first. There is no index for it, which every sign-in would pay for: the
 * scope's entries are read from the newest on, in chunks that grow, until there are enough. The names of the people in a
 * chunk are asked for in between, as entries keep none.
 */
export async function searchText(
  scope: AuditScope,
  names: AuditNames,
  time: SearchTime,
  { text, conditions, before, limit }: TextQuery,
): Promise<AuditEntry[]> {
  const found: AuditEntry[] = [];
  const called = new Map<string, boolean>();
  for (let size = FIRST_CHUNK, bound = before; ; size = Math.min(size * 4, LAST_CHUNK)) {
    const older = [...conditions, ...olderThan(bound)];
    const missing = limit - found.length;
    const chunk = await time.run(scope, (em) =>
      readChunk(em, scope, { text, conditions: older, size, limit: missing }),
    );
    const unknown = chunk.people.filter((id) => !called.has(id));
    const nameOf = await names.of(unknown);
    for (const id of unknown) called.set(id, contains(nameOf.get(id) ?? '', text));
    const people = chunk.people.filter((id) => called.get(id));
    if (chunk.hits.length + people.length > 0) {
      const inChunk = [...older, { sql: 'id >= ?', values: [chunk.oldest] }, matches(scope, chunk.hits, people)];
      found.push(...(await time.run(scope, (em) => select(em, inChunk, missing))));
    }
    if (found.length >= limit || chunk.size < size) return found;
    bound = chunk.oldest;
  }
}

/** Entries that meet all conditions, newest first. */
export function select(em: EntityManager, conditions: readonly Condition[], limit: number): Promise<AuditEntry[]> {
  const { sql, values } = allOf(conditions);
  return em.createQueryBuilder(AuditEntry).where(sql, values).orderBy({ id: 'desc' }).limit(limit).getResultList();
}

async function readChunk(
  em: EntityManager,
  scope: AuditScope,
  { text, conditions, size, limit }: { text: string; conditions: Condition[]; size: number; limit: number },
): Promise<Chunk> {
  const { sql, values } = allOf(conditions);
  const hit = holds(scope, text);
  const [chunk] = await em.execute<[Chunk]>(
    `with chunk as materialized (
       select id, case when ${scope.actorShown} then actor_id end as actor, case when ${scope.personShown} then user_id end as person,
              ${hit.sql} as hit
         from audit_log where ${sql} order by id desc limit ?)
     select (select id from chunk order by id limit 1) as oldest,
            (select count(*)::int from chunk) as size,
            array(select id from chunk where hit order by id desc limit ?) as hits,
            array(select actor from chunk where actor is not null union select person from chunk where person is not null) as people`,
    [...hit.values, ...values, size, limit],
  );
  return chunk;
}

/** Whether an entry itself holds a text. Its fields are compared as lines of one text: one by one took twice as long. */
function holds(scope: AuditScope, text: string): Condition {
  // Letters of ASCII need no rules of a language, which take several times as long in most of them.
  const ilike = /^\p{ASCII}*$/u.test(text) ? 'collate "C" ilike' : 'ilike';
  const address = `case when ${scope.originShown} then ip end`;
  const whole: Condition = {
    sql: `concat_ws(chr(10), action, reason, target_type, target_id, request_id, ${address}, before, after) ${ilike} ?`,
    values: [pattern(text)],
  };
  // In JSON a quote and a backslash have a backslash before them.
  const quoted = JSON.stringify(text).slice(1, -1);
  if (quoted === text) return whole;
  return {
    sql: `(${whole.sql} or concat_ws(chr(10), before, after) ${ilike} ?)`,
    values: [...whole.values, pattern(quoted)],
  };
}

function matches(scope: AuditScope, hits: string[], people: string[]): Condition {
  return {
    sql: `id = any(?::uuid[]) or (actor_id = any(?::uuid[]) and (${scope.actorShown})) or (user_id = any(?::uuid[]) and (${scope.personShown}))`,
    values: [hits, people, people].map((ids) => `{${ids.join(',')}}`),
  };
}

function pattern(text: string): string {
  return `%${literal(text)}%`;
}

function contains(name: string, text: string): boolean {
  return name.toLowerCase().includes(text.toLowerCase());
}
