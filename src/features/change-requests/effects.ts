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

/** A change that was made of what a request is about, after it was asked for. */
export interface Overtaking {
  id: string;
  at: Date;
  kind: ChangeKind;
  feature: string | null;
  segment: string | null;
  environment: string | null;
}

/**
 * Changes by which the base of a request has moved: of the same things, after its revision, by anybody but the requests
 * that it says it follows. What a feature is in one environment does not touch what it is in another.
 */
export async function findOvertaking(
  em: EntityManager,
  { effects, baseRevision, follows }: { effects: readonly Effect[]; baseRevision: number; follows: readonly string[] },
): Promise<Overtaking[]> {
  const rows = await em.execute<(Omit<Overtaking, 'at'> & { at: string })[]>(
    `select l.id, l.at, l.kind, l.feature_key as feature, l.segment_key as segment, l.environment_key as environment
       from feature_change_logs l
      where l.revision > ? and (l.change_request_id is null or not l.change_request_id = any(?::uuid[]))
        and exists (select from jsonb_to_recordset(?::jsonb) as e(kind text, feature text, segment text, environment text)
                     where (l.feature_key = e.feature and (l.environment_key is null or l.environment_key = e.environment))
                        or l.segment_key = e.segment
                        or (l.kind = 'policy' and e.kind = 'policy' and l.environment_key = e.environment))
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
