/** A longer cycle is one that nobody reads; twenty of its features say where to look. */
export const LONGEST_PATH = 20;
/** So many features are looked at for each feature of a tangle, so that a thousand of them cost no second. */
const LOOKED_AT = 1000;

/**
 * The shortest cycle through a node: itself, the parent that leads back, its parent and so on, without itself again.
 * @param members the strongly connected component that the node lies in; where the cycle is longer than twenty nodes,
 * or hard to find, the first of them stand for it.
 */
export function cycleThrough(
  node: number,
  members: readonly number[],
  parentsOf: readonly (readonly number[])[],
  isMember: (node: number) => boolean,
): readonly number[] {
  const childOf = new Map<number, number>();
  let layer = [node];
  for (let length = 1; length <= LONGEST_PATH && childOf.size < LOOKED_AT; length++) {
    const next: number[] = [];
    for (const child of layer) {
      for (const parent of parentsOf[child]!) {
        if (parent === node) return pathTo(child, childOf);
        if (!isMember(parent) || childOf.has(parent)) continue;
        childOf.set(parent, child);
        next.push(parent);
      }
    }
    layer = next;
  }
  return members.slice(0, LONGEST_PATH);
}

function pathTo(last: number, childOf: ReadonlyMap<number, number>): number[] {
  const path = [last];
  for (let at = childOf.get(last); at !== undefined; at = childOf.get(at)) path.push(at);
  return path.toReversed();
}
