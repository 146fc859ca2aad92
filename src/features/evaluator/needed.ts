import type { CompiledEnvironment } from './environment.js';

/** What has to be looked at for one feature, parents before their children. */
export interface Needed {
  /** In the first pass. */
  readonly first: readonly number[];
  /** In the second pass. */
  readonly second: readonly number[];
}

/** Beyond it the whole graph is evaluated: a list per feature would take the square of the longest chain. */
const MOST = 64;

const known = new WeakMap<CompiledEnvironment, (Needed | undefined)[]>();

/** The features that one hangs on: ancestors for both passes; for the first also their conflicts, with ancestors. */
export function neededFor(environment: CompiledEnvironment, index: number): Needed {
  let lists = known.get(environment);
  if (lists === undefined) known.set(environment, (lists = []));
  return (lists[index] ??= find(environment, index));
}

function find(environment: CompiledEnvironment, index: number): Needed {
  const { features, order } = environment;
  const everything = { first: order, second: order };
  const second = ancestors(environment, [index]);
  if (second === null) return everything;
  const conflicts = second.flatMap((at) => features[at]!.conflicts.map((conflict) => conflict.index));
  const first = ancestors(environment, [...second, ...conflicts]);
  return first === null ? everything : { first, second };
}

/** These and what they depend on over any depth, null when that is too much. */
function ancestors({ features, rank }: CompiledEnvironment, from: readonly number[]): number[] | null {
  const seen = new Set(from);
  for (const index of seen) {
    if (seen.size > MOST) return null;
    for (const parent of features[index]!.parents) seen.add(parent.index);
  }
  return [...seen].sort((a, b) => rank[a]! - rank[b]!);
}
