import { isDeepStrictEqual } from 'node:util';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { JsonObject } from '../../kernel/json.js';
import type { ChangeEntry } from '../change-log/change-entry.js';
import type { ChangeKind } from '../change-log/feature-change-log.entity.js';

/** What a request would change, as it was found when it was asked for. */
export interface Effect {
  kind: ChangeKind;
  feature: string | null;
  segment: string | null;
  environment: string | null;
  before: JsonObject | null;
  after: JsonObject | null;
  derived: boolean;
}

export function toEffects(entries: readonly ChangeEntry[]): Effect[] {
  return entries.map(
    ({ kind, feature = null, segment = null, environment = null, before, after, derived = false }) => ({
      kind,
      feature,
      segment,
      environment,
      before,
      after,
      derived,
    }),
  );
}

/** What two requests would both have to touch to get in each other's way: flags, segments, policies. */
export function subjectsOf(effects: readonly Effect[]): string[] {
  const subjects = effects.map(({ feature, segment, environment }) =>
    feature !== null ? `feature:${feature}` : segment !== null ? `segment:${segment}` : `policy:${environment}`,
  );
  return [...new Set(subjects)].toSorted();
}

const conflictsOf = (state: JsonObject | null): string[] => (state?.conflicts ?? []) as string[];

/** The features that effects name as conflicts. */
export function conflictsIn(effects: readonly Effect[]): string[] {
  return [...new Set(effects.flatMap(({ before, after }) => [...conflictsOf(before), ...conflictsOf(after)]))];
}

/** Those of some features that are there and are more than drafts. */
export async function evaluatedFeatures(em: EntityManager, keys: readonly string[]): Promise<Set<string>> {
  const rows = await em.execute<{ key: string }[]>(
    `select key from feature_definitions
      where key in (select jsonb_array_elements_text(?::jsonb)) and lifecycle <> 'draft'`,
    [JSON.stringify(keys)],
  );
  return new Set(rows.map(({ key }) => key));
}

/**
 * Effects without what drafts of others put into them. A draft is nobody's concern, and needs no approval: if its conflicts
 * counted, somebody alone could stop what others have approved.
 * @param evaluated of the features that they name as conflicts, those that are more than drafts.
 */
export function withoutDrafts(effects: readonly Effect[], evaluated: ReadonlySet<string>): Effect[] {
  const cleared = (state: JsonObject | null): JsonObject | null =>
    state?.conflicts ? { ...state, conflicts: conflictsOf(state).filter((key) => evaluated.has(key)) } : state;
  return effects
    .filter(({ derived, before }) => !derived || before?.lifecycle !== 'draft')
    .map((effect) => ({ ...effect, before: cleared(effect.before), after: cleared(effect.after) }))
    .filter(({ derived, before, after }) => !derived || !isDeepStrictEqual(before, after));
}

/** A change that was made of what a request is about, after it was asked for. */
export interface Overtaking {
  id: string;
  at: Date;
  kind: ChangeKind;
  feature: string | null;
  segment: string | null;
  environment: string | null;
  before: JsonObject | null;
  after: JsonObject | null;
}

/**
 * Changes by which the base of a request has moved: of the same things, after its revision, by anybody but the requests
 * that it says it follows. What a feature is in one environment does not touch what it is in another, and a conflict that a
 * draft has with it touches nothing.
 */
export async function findOvertaking(
  em: EntityManager,
  { effects, baseRevision, follows }: { effects: readonly Effect[]; baseRevision: number; follows: readonly string[] },
): Promise<Overtaking[]> {
  const rows = await em.execute<(Omit<Overtaking, 'at'> & { at: string })[]>(
    `select l.id, l.at, l.kind, l.feature_key as feature, l.segment_key as segment, l.environment_key as environment,
            l.before, l.after
       from feature_change_logs l
      where l.revision > ? and (l.change_request_id is null or not l.change_request_id = any(?::uuid[]))
        and exists (select from jsonb_to_recordset(?::jsonb) as e(kind text, feature text, segment text, environment text)
                     where (l.feature_key = e.feature and (l.environment_key is null or l.environment_key = e.environment))
                        or l.segment_key = e.segment
                        or (l.kind = 'policy' and e.kind = 'policy' and l.environment_key = e.environment))
        and not (l.derived and l.kind = 'feature' and coalesce((
              select bool_and(coalesce(o.before ->> 'lifecycle', 'draft') = 'draft'
                              and coalesce(o.after ->> 'lifecycle', 'draft') = 'draft')
                from feature_change_logs o
               where o.revision = l.revision and o.kind = 'feature' and not o.derived
                 and o.feature_key in (select jsonb_array_elements_text((l.before -> 'conflicts') || (l.after -> 'conflicts')))
                 and jsonb_exists(l.before -> 'conflicts', o.feature_key) <> jsonb_exists(l.after -> 'conflicts', o.feature_key)
              ), false))
      order by l.revision, l.id limit 20`,
    [
      baseRevision,
      `{${follows.join(',')}}`,
      JSON.stringify(
        effects.map(({ kind, feature, segment, environment }) => ({ kind, feature, segment, environment })),
      ),
    ],
  );
  return rows.map((row) => ({ ...row, at: new Date(row.at) }));
}
