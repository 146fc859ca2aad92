import {
  type CompiledEnvironment,
  type CompiledFeature,
  compileFeature,
  compileSegments,
  link,
  type Segments,
} from '../evaluator/index.js';
import type { StoredFeature, StoredFeatures } from './stored-features.queries.js';

interface CompiledParts {
  segments: Segments;
  features: ReadonlyMap<string, CompiledFeature>;
}

/** Everything that can be evaluated, of one revision. It never changes: a change makes another one. */
export interface Snapshot {
  readonly revision: number;
  readonly environments: ReadonlyMap<string, CompiledEnvironment>;
  /** Of what they were linked, to be taken over where nothing changed. */
  readonly parts: ReadonlyMap<string, CompiledParts>;
}

/** The environments by their keys, for what is told to people. */
export function inOrder({ environments }: Snapshot): Snapshot['environments'] {
  return new Map([...environments].toSorted(([one], [other]) => (one < other ? -1 : 1)));
}

/** Compiles all of what is stored. */
export function compileSnapshot({ revision, environments, features, segments }: StoredFeatures): Snapshot {
  const parts = new Map(
    environments.map((environment) => {
      const compiled = compileSegments(segments, environment);
      return [environment, { segments: compiled, features: compileAll(features, compiled, environment) }];
    }),
  );
  return linked(revision, parts);
}

/**
 * The snapshot with some features read anew: what was asked for and is not there any more goes. Segments and environments
 * have to be the ones that it was compiled with.
 * @param keys that were asked for.
 */
export function withChanged(snapshot: Snapshot, keys: readonly string[], stored: StoredFeatures): Snapshot {
  const parts = new Map(
    [...snapshot.parts].map(([environment, { segments, features }]) => {
      const changed = new Map(features);
      for (const key of keys) changed.delete(key);
      for (const [key, feature] of compileAll(stored.features, segments, environment)) changed.set(key, feature);
      return [environment, { segments, features: changed }];
    }),
  );
  return linked(stored.revision, parts);
}

function compileAll(
  features: readonly StoredFeature[],
  segments: Segments,
  environment: string,
): Map<string, CompiledFeature> {
  return new Map(
    features.map((feature) => [
      feature.key,
      compileFeature(feature, feature.configurations[environment] ?? null, segments, environment),
    ]),
  );
}

function linked(revision: number, parts: ReadonlyMap<string, CompiledParts>): Snapshot {
  const environments = new Map(
    [...parts].map(([environment, { features }]) => [environment, link([...features.values()])]),
  );
  return { revision, environments, parts };
}
