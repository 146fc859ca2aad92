import type { CompiledFeature } from './feature.js';
import { decide, type Decision, derived } from './decision.js';
import { parentsFirst } from './graph.js';
import type { Dependency } from './model.js';

/** A parent in the graph; one that isn't there is never met. */
interface Parent {
  readonly dependency: Dependency;
  readonly index: number;
  /** The child's decision when this parent is not as it has to be. */
  readonly unmet: (parent: Decision) => Decision;
}

/** A feature among the others of its environment. */
export interface LinkedFeature {
  readonly feature: CompiledFeature;
  readonly parents: readonly Parent[];
  readonly absent: Decision | null;
  readonly conflicts: readonly { readonly index: number; readonly decision: Decision }[];
  readonly cycle: Decision | null;
  /** Neither parents nor conflicts: it is decided alone. */
  readonly alone: boolean;
}

export interface CompiledEnvironment {
  /** In ascending order; `evaluateAll` answers in it. */
  readonly keys: readonly string[];
  readonly indexOf: ReadonlyMap<string, number>;
  readonly features: readonly LinkedFeature[];
  /** Those with parents or conflicts, parents before their children. */
  readonly order: readonly number[];
  /** The instants, ascending, at which a rule on `currentTime` may change its mind. */
  readonly timeThresholds: readonly number[];
}

/** The longest path or cycle that a decision names; the last of a longer path is its beginning all the same. */
const LONGEST_PATH = 20;

/** Puts the features of one environment together. The order in which they come changes nothing. */
export function link(features: readonly CompiledFeature[]): CompiledEnvironment {
  const sorted = [...features].sort((a, b) => (a.key < b.key ? -1 : 1));
  const indexOf = new Map(sorted.map(({ key }, index) => [key, index]));
  const parentsOf = sorted.map(({ dependencies }) =>
    dependencies.map(({ feature }) => indexOf.get(feature)).filter((index) => index !== undefined),
  );
  const conflictsOf = symmetric(sorted, indexOf);
  const { order, cycleOf } = parentsFirst(parentsOf);
  const linked = sorted.map((feature, index) => {
    const cycle = cycleOf.get(index);
    const parents = feature.dependencies.toSorted((a, b) => (a.feature < b.feature ? -1 : 1));
    const absent = parents.find((parent) => !indexOf.has(parent.feature));
    return {
      feature,
      parents: parents.flatMap((dependency) => {
        const at = indexOf.get(dependency.feature);
        return at === undefined ? [] : [{ dependency, index: at, unmet: unmet(feature, dependency.feature) }];
      }),
      absent: absent ? decide(feature.off, 'dependency', { parent: absent.feature, parentReason: null }) : null,
      conflicts: [...conflictsOf[index]!]
        .sort((a, b) => a - b)
        .map((at) => ({ index: at, decision: decide(feature.off, 'conflict', { with: sorted[at]!.key }) })),
      cycle: cycle
        ? decide(feature.off, 'dependency', { cycle: cycle.slice(0, LONGEST_PATH).map((at) => sorted[at]!.key) })
        : null,
      alone: feature.dependencies.length === 0 && conflictsOf[index]!.size === 0,
    };
  });
  return {
    keys: sorted.map(({ key }) => key),
    indexOf,
    features: linked,
    order: order.filter((index) => !linked[index]!.alone),
    timeThresholds: [...new Set(sorted.flatMap(({ timeThresholds }) => timeThresholds))].sort((a, b) => a - b),
  };
}

/** A conflict that one side names is one of both. */
function symmetric(features: readonly CompiledFeature[], indexOf: ReadonlyMap<string, number>): Set<number>[] {
  const conflicts = features.map(() => new Set<number>());
  for (const [index, feature] of features.entries()) {
    for (const key of feature.conflicts) {
      const other = indexOf.get(key);
      if (other === undefined || other === index) continue;
      conflicts[index]!.add(other);
      conflicts[other]!.add(index);
    }
  }
  return conflicts;
}

/** Off because of a parent; `path` leads on to the feature where it began, when that is not the parent itself. */
function unmet({ off }: CompiledFeature, parent: string): (decision: Decision) => Decision {
  return derived(({ reason, details }) => {
    const path = pathOn(parent, details.path ?? details.parent);
    return decide(off, 'dependency', {
      parent,
      parentReason: reason,
      ...(reason === 'dependency' && path && { path }),
    });
  });
}

function pathOn(parent: string, onward: unknown): string[] | undefined {
  if (onward === undefined) return undefined;
  const path = [parent, ...(Array.isArray(onward) ? (onward as string[]) : [onward as string])];
  return path.length > LONGEST_PATH ? [...path.slice(0, LONGEST_PATH - 1), path.at(-1)!] : path;
}
