import type { CompiledEnvironment } from '../evaluator/index.js';

/** A feature that needs another one, and over which others. */
export interface Dependent {
  key: string;
  /** From the dependent to what it needs. */
  path: string[];
}

/** What needs a feature, over any depth, nearest first, each by one shortest path. */
export function dependentsOf(environment: CompiledEnvironment, key: string): Dependent[] {
  const children = childrenOf(environment);
  const found = new Map<string, string[]>([[key, [key]]]);
  for (const [at, path] of found)
    for (const child of children.get(at) ?? []) if (!found.has(child)) found.set(child, [child, ...path]);
  found.delete(key);
  return [...found].map(([dependent, path]) => ({ key: dependent, path }));
}

/** What a feature needs, over any depth, nearest first. */
export function neededBy(environment: CompiledEnvironment, key: string): string[] {
  const found = new Set([key]);
  for (const at of found)
    for (const parent of linkedOf(environment, at)?.parents ?? []) found.add(keyOf(environment, parent));
  found.delete(key);
  return [...found];
}

/** What it conflicts with. */
export function conflictsOf(environment: CompiledEnvironment, key: string): string[] {
  return (linkedOf(environment, key)?.conflicts ?? []).map((conflict) => keyOf(environment, conflict));
}

/** A feature and every other whose value can change with it: what needs it, what conflicts with either, and so on. */
export function affectedBy(environments: readonly CompiledEnvironment[], key: string): string[] {
  const children = environments.map(childrenOf);
  const found = new Set([key]);
  for (const at of found)
    for (const [index, environment] of environments.entries()) {
      for (const child of children[index]!.get(at) ?? []) found.add(child);
      for (const other of conflictsOf(environment, at)) found.add(other);
    }
  return [...found].sort();
}

function childrenOf({ features, keys }: CompiledEnvironment): Map<string, string[]> {
  const children = new Map<string, string[]>();
  for (const { feature, parents } of features)
    for (const { index } of parents) {
      const known = children.get(keys[index]!);
      if (known) known.push(feature.key);
      else children.set(keys[index]!, [feature.key]);
    }
  return children;
}

function linkedOf(
  { features, indexOf }: CompiledEnvironment,
  key: string,
): CompiledEnvironment['features'][number] | undefined {
  const index = indexOf.get(key);
  return index === undefined ? undefined : features[index];
}

const keyOf = ({ keys }: CompiledEnvironment, { index }: { index: number }): string => keys[index]!;
