import { parentsFirst } from '../evaluator/graph.js';

/** What has a key, and needs others by theirs. */
export interface Needing {
  key: string;
  needs: readonly string[];
}

/**
 * Puts each after those of the list that it needs, and otherwise by key, so that one list has one order. What is on a
 * cycle, or needs what is, comes last.
 */
export function inDependencyOrder<T>(items: readonly T[], read: (item: T) => Needing): T[] {
  const byKey = new Map(items.map((item) => [read(item).key, item]));
  const waitingFor = new Map<string, number>();
  const needing = new Map<string, string[]>();
  for (const item of items) {
    const { key, needs } = read(item);
    const inside = new Set(needs.filter((other) => byKey.has(other)));
    waitingFor.set(key, inside.size);
    for (const other of inside) {
      const list = needing.get(other);
      if (list) list.push(key);
      else needing.set(other, [key]);
    }
  }
  const ordered: string[] = [];
  let ready = [...byKey.keys()].filter((key) => waitingFor.get(key) === 0);
  while (ready.length > 0) {
    ordered.push(...ready.sort(byBytes));
    const next: string[] = [];
    for (const key of ready)
      for (const other of needing.get(key) ?? []) {
        const left = waitingFor.get(other)! - 1;
        waitingFor.set(other, left);
        if (left === 0) next.push(other);
      }
    ready = next;
  }
  const placed = new Set(ordered);
  const left = [...byKey.keys()].filter((key) => !placed.has(key)).sort(byBytes);
  return [...ordered, ...left].map((key) => byKey.get(key)!);
}

/**
 * What of a list needs itself by others of it, and the way around, from one key to the same one. Where several cycles hang
 * together, it is the way around one of them.
 */
export function cyclesAmong(all: readonly Needing[]): Map<string, string[]> {
  const indexOf = new Map(all.map(({ key }, index) => [key, index]));
  const parentsOf = all.map(({ needs }) => needs.flatMap((other) => indexOf.get(other) ?? []));
  return new Map(
    parentsFirst(parentsOf).tangles.flatMap((members) => {
      const way = wayAround(Math.min(...members), parentsOf).map((index) => all[index]!.key);
      return members.map((index): [string, string[]] => [all[index]!.key, way]);
    }),
  );
}

/** The shortest way from a node that lies on a cycle back to itself, with it at both ends. */
function wayAround(node: number, parentsOf: readonly (readonly number[])[]): number[] {
  const childOf = new Map<number, number>();
  const found = [node];
  for (const child of found)
    for (const parent of parentsOf[child]!) {
      if (childOf.has(parent)) continue;
      childOf.set(parent, child);
      found.push(parent);
    }
  const way = [node];
  for (let at = childOf.get(node)!; at !== node; at = childOf.get(at)!) way.push(at);
  return [...way, node].toReversed();
}

/** Keys are ASCII. */
function byBytes(one: string, other: string): number {
  return one < other ? -1 : 1;
}
