import type { EntityManager } from '@mikro-orm/postgresql';
import { type Problem, problem } from '../../kernel/problem.js';

/** Of a path of 10,000 the beginning and the end are enough to read. */
const LONGEST_PATH = 20;

/**
 * Refuses what a change made of the graph around a feature. The functions ask what this transaction has written, and as
 * changes of features run one after the other, nothing is written meanwhile.
 * @param em of a transaction of `FeatureChanges`.
 * @throws Problem `feature_dependency_cycle` with the path; `feature_conflict` with both keys; `feature_dependency_unmet`.
 */
export async function checkGraph(em: EntityManager, key: string): Promise<void> {
  const [cycle] = await em.execute<{ path: string[] | null }[]>(
    'select to_jsonb(validate_feature_dependencies(?)) as path',
    [key],
  );
  if (cycle?.path) throw cycleProblem(cycle.path);
  const [pair] = await em.execute<{ one: string; other: string; by: string }[]>(
    'select feature_key as one, conflicts_with_key as other, needed_by as by from validate_feature_conflicts(?)',
    [key],
  );
  if (pair) throw problem('feature_conflict', { detail: toConflict(pair) });
  const archived = await em.execute<{ key: string }[]>(
    `select r.key from feature_definitions f
       join feature_dependencies d on d.feature_key = f.key
       join feature_definitions r on r.key = d.requires_key and r.lifecycle = 'archived'
      where f.key = ? and f.lifecycle <> 'archived' order by r.key collate "C"`,
    [key],
  );
  if (archived.length > 0)
    throw problem('feature_dependency_unmet', {
      detail: `${key} needs what is archived: ${archived.map((row) => row.key).join(', ')}`,
    });
}

/** The refusal of features that need themselves. @param path from one key to the same one. */
export function cycleProblem(path: readonly string[]): Problem {
  const shown = path.length > LONGEST_PATH ? [...path.slice(0, LONGEST_PATH - 2), '…', ...path.slice(-2)] : path;
  return problem('feature_dependency_cycle', { detail: shown.join(' → ') });
}

function toConflict({ one, other, by }: { one: string; other: string; by: string }): string {
  if (by === one) return `${one} conflicts with ${other}, which it needs`;
  return by === other
    ? `${other} conflicts with ${one}, which it needs`
    : `${one} and ${other} conflict, and ${by} needs both`;
}
