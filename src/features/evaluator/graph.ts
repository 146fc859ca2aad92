/** Nodes with parents before their children, and the groups whose members lead to each other in a circle. */
export interface Order {
  readonly order: readonly number[];
  readonly tangles: readonly (readonly number[])[];
}

/**
 * Tarjan's strongly connected components (SIAM Journal on Computing 1972), with a stack of our own: a chain of 10,000 is
 * no deeper than one of two. A component is finished after those that it leads to, which are its parents.
 * @param parentsOf per node its parents.
 */
export function parentsFirst(parentsOf: readonly (readonly number[])[]): Order {
  const order: number[] = [];
  const tangles: number[][] = [];
  const found = new Int32Array(parentsOf.length).fill(-1);
  const lowest = new Int32Array(parentsOf.length);
  const isOpen = new Uint8Array(parentsOf.length);
  const nextParent = new Int32Array(parentsOf.length);
  const open: number[] = [];
  let count = 0;

  const enter = (node: number): void => {
    found[node] = lowest[node] = count++;
    isOpen[node] = 1;
    open.push(node);
  };
  const leave = (node: number): void => {
    if (lowest[node] !== found[node]) return;
    const members = open.splice(open.lastIndexOf(node));
    for (const member of members) {
      isOpen[member] = 0;
      order.push(member);
    }
    if (members.length > 1 || parentsOf[node]!.includes(node)) tangles.push(members);
  };

  for (let root = 0; root < parentsOf.length; root++) {
    if (found[root] !== -1) continue;
    const path = [root];
    enter(root);
    while (path.length > 0) {
      const node = path.at(-1)!;
      const parent = parentsOf[node]![nextParent[node]!++];
      if (parent === undefined) {
        leave(node);
        path.pop();
        const child = path.at(-1);
        if (child !== undefined) lowest[child] = Math.min(lowest[child]!, lowest[node]!);
      } else if (found[parent] === -1) {
        enter(parent);
        path.push(parent);
      } else if (isOpen[parent]) {
        lowest[node] = Math.min(lowest[node]!, found[parent]!);
      }
    }
  }
  return { order, tangles };
}
