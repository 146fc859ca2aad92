import type { EntityManager } from '@mikro-orm/postgresql';
import type { Configuration, Definition, Segment } from '../evaluator/index.js';

/** A feature as it is stored, with what it is in each environment where it was configured. */
export interface StoredFeature extends Definition {
  configurations: Record<string, Configuration>;
}

/** What is stored of features, all of one moment. */
export interface StoredFeatures {
  /** Counts the changes up to that moment. */
  revision: number;
  /** The database's clock, in ms since 1970. */
  now: number;
  environments: string[];
  /** Those that were asked for and are evaluated. */
  features: StoredFeature[];
  segments: Segment[];
}

/**
 * Reads features for evaluation: drafts and archived ones are none. One statement, so that all of it is of one revision.
 * @param keys of the features to read; null for all.
 */
export async function readStoredFeatures(em: EntityManager, keys: readonly string[] | null): Promise<StoredFeatures> {
  const [row] = await em.execute<[Omit<StoredFeatures, 'revision' | 'now'> & { revision: string; now: string }]>(
    `select (select revision from feature_revision) as revision,
            (extract(epoch from clock_timestamp()) * 1000)::bigint as now,
            (select coalesce(json_agg(key), '[]') from environments) as environments,
            (select coalesce(json_agg(json_build_object('key', key, 'when', conditions)), '[]') from feature_segments) as segments,
            (select coalesce(json_agg(json_build_object(
                      'key', f.key, 'type', f.type, 'defaultValue', f.default_value, 'variants', f.variants, 'lifecycle', f.lifecycle,
                      'dependencies', (select coalesce(json_agg(requires_key), '[]') from feature_dependencies where feature_key = f.key),
                      'conflicts', (select coalesce(json_agg(case feature_key when f.key then conflicts_with_key else feature_key end), '[]')
                                      from feature_conflicts where feature_key = f.key or conflicts_with_key = f.key),
                      'plans', (select coalesce(json_object_agg(plan_key, value), '{}') from feature_plan_values where feature_key = f.key),
                      'configurations', (select coalesce(json_object_agg(environment_key,
                                            json_build_object('enabled', enabled, 'rules', rules, 'rollout', rollout)), '{}')
                                           from feature_configurations where feature_key = f.key))), '[]')
               from feature_definitions f
              where lifecycle in ('active', 'deprecated') and (?::jsonb is null or ?::jsonb @> to_jsonb(key))) as features`,
    Array<string | null>(2).fill(keys && JSON.stringify(keys)),
  );
  const { revision, now, ...stored } = row;
  return { revision: Number(revision), now: Number(now), ...stored };
}

/** The revision that the database is at. */
export async function readRevision(em: EntityManager): Promise<number> {
  const [row] = await em.execute<[{ revision: string }]>('select revision from feature_revision');
  return Number(row.revision);
}
