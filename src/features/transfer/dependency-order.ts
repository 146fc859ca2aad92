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

/** Keys are ASCII. */
function byBytes(one: string, other: string): number {
  return one < other ? -1 : 1;
}
