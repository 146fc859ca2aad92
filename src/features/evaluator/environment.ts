import { cycleThrough } from './cycles.js';
import { decide, type Decision } from './decision.js';
import type { CompiledFeature } from './feature.js';
import { parentsFirst } from './graph.js';
import { compileParent, type Parent } from './parents.js';

/** A feature among the others of its environment. */
export interface LinkedFeature {
  readonly feature: CompiledFeature;
  readonly parents: readonly Parent[];
  readonly conflicts: readonly Conflict[];
  /** Off whatever anybody asks: it lies on a cycle, or a parent isn't there. */
  readonly broken: Decision | null;
  /** Neither parents nor conflicts: nothing else has to be looked at. */
  readonly alone: boolean;
}

interface Conflict {
  readonly index: number;
  readonly decision: Decision;
}

export interface CompiledEnvironment {
  /** In ascending order; `evaluateAll` answers in it. */
  readonly keys: readonly string[];
  readonly indexOf: ReadonlyMap<string, number>;
  readonly features: readonly LinkedFeature[];
  /** Those that have parents, children or conflicts, parents before their children. */
  readonly order: readonly number[];
  /** The place of a feature in the order; -1 for those that have nothing to do with any other. */
  readonly rank: Int32Array;
  /** The instants, ascending, at which a rule on `currentTime` may change its mind. */
  readonly timeThresholds: readonly number[];
}

/** Puts the features of one environment together. The order in which they come changes nothing. */
export function link(features: readonly CompiledFeature[]): CompiledEnvironment {
  const sorted = features.toSorted((a, b) => (a.key < b.key ? -1 : 1));
  const keys = sorted.map(({ key }) => key);
  const indexOf = new Map(keys.map((key, index) => [key, index]));
  const parentsOf = sorted.map(({ dependencies }) =>
    dependencies
      .map(({ feature }) => indexOf.get(feature))
      .filter((index) => index !== undefined)
      .sort((a, b) => a - b),
  );
  const conflictsOf = symmetric(sorted, indexOf);
  const { order: everything, tangles } = parentsFirst(parentsOf);
  const tangleOf = new Map(tangles.flatMap((members) => members.map((member) => [member, members] as const)));
  const hasChildren = new Set(parentsOf.flat());

  const linked = sorted.map((feature, index): LinkedFeature => {
    const conflicts = conflictsOf.get(index);
    if (feature.dependencies.length === 0 && !conflicts) return unrelated(feature);
    const tangle = tangleOf.get(index);
    const cycle =
      tangle && cycleThrough(index, tangle, parentsOf, (at) => tangleOf.get(at) === tangle).map((at) => keys[at]!);
    return {
      feature,
      parents: parentsIn(sorted, indexOf, feature),
      conflicts: [...(conflicts ?? [])]
        .sort((a, b) => a - b)
        .map((at) => ({ index: at, decision: decide(feature.off, 'conflict', { with: keys[at]! }) })),
      broken: cycle ? decide(feature.off, 'dependency', { cycle }) : absentParent(feature, indexOf),
      alone: false,
    };
  });

  const order = everything.filter((index) => !linked[index]!.alone || hasChildren.has(index));
  const rank = new Int32Array(sorted.length).fill(-1);
  for (const [place, index] of order.entries()) rank[index] = place;
  return { keys, indexOf, features: linked, order, rank, timeThresholds: ascending(sorted) };
}

function unrelated(feature: CompiledFeature): LinkedFeature {
  return { feature, parents: [], conflicts: [], broken: null, alone: true };
}

/** In the order of their keys, so that the same one is named however a definition lists them. */
function parentsIn(
  features: readonly CompiledFeature[],
  indexOf: ReadonlyMap<string, number>,
  child: CompiledFeature,
): Parent[] {
  return child.dependencies
    .map((dependency) => ({ dependency, index: indexOf.get(dependency.feature) ?? -1 }))
    .filter(({ index }) => index >= 0)
    .sort((a, b) => a.index - b.index)
    .map(({ dependency, index }) => compileParent(child, features[index]!, index, dependency));
}

/** A parent that is unknown, a draft or archived was not compiled, and is never met. */
function absentParent({ off, dependencies }: CompiledFeature, indexOf: ReadonlyMap<string, number>): Decision | null {
  const [parent] = dependencies
    .map(({ feature }) => feature)
    .filter((key) => !indexOf.has(key))
    .sort();
  return parent === undefined ? null : decide(off, 'dependency', { parent, parentReason: null });
}

/** A conflict that one side names is one of both. */
function symmetric(
  features: readonly CompiledFeature[],
  indexOf: ReadonlyMap<string, number>,
): Map<number, Set<number>> {
  const conflicts = new Map<number, Set<number>>();
  const add = (one: number, other: number): void => {
    const known = conflicts.get(one);
    if (known) known.add(other);
    else conflicts.set(one, new Set([other]));
  };
  for (const [index, feature] of features.entries()) {
    for (const key of feature.conflicts) {
      const other = indexOf.get(key);
      if (other === undefined || other === index) continue;
      add(index, other);
      add(other, index);
    }
  }
  return conflicts;
}

function ascending(features: readonly CompiledFeature[]): number[] {
  return [...new Set(features.flatMap(({ timeThresholds }) => timeThresholds))].sort((a, b) => a - b);
}
