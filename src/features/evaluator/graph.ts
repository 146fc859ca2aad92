/** Nodes with parents before their children, and for each node that lies on a cycle one that goes through it. */
export interface Order {
  readonly order: readonly number[];
  readonly cycleOf: ReadonlyMap<number, readonly number[]>;
}

/**
 * Tarjan's strongly connected components (SIAM Journal on Computing 1972), with a stack of our own: a chain of 10,000 is
 * no deeper than one of two. A component is finished after those that it leads to, which are its parents.
 * @param parentsOf per node its parents.
 */
export function parentsFirst(parentsOf: readonly (readonly number[])[]): Order {
  const order: number[] = [];
  const cycleOf = new Map<number, readonly number[]>();
  const found = new Int32Array(parentsOf.length).fill(-1);
  const low = new Int32Array(parentsOf.length);
  const open = new Uint8Array(parentsOf.length);
  const next = new Int32Array(parentsOf.length);
  const component: number[] = [];
  let count = 0;
  for (let root = 0; root < parentsOf.length; root++) {
    if (found[root] !== -1) continue;
    const path = [root];
    while (path.length > 0) {
      const node = path.at(-1)!;
      if (found[node] === -1) {
        found[node] = low[node] = count++;
        component.push(node);
        open[node] = 1;
      }
      const parent = parentsOf[node]![next[node]!++];
      if (parent !== undefined) {
        if (found[parent] === -1) path.push(parent);
        else if (open[parent]) low[node] = Math.min(low[node]!, found[parent]!);
        continue;
      }
      path.pop();
      const child = path.at(-1);
      if (child !== undefined) low[child] = Math.min(low[child]!, low[node]!);
      if (low[node] !== found[node]) continue;
      const members = component.splice(component.lastIndexOf(node));
      for (const member of members) open[member] = 0;
      order.push(...members.toReversed());
      if (members.length > 1 || parentsOf[node]!.includes(node)) {
        for (const member of members) cycleOf.set(member, members);
      }
    }
  }
  return { order, cycleOf };
}
