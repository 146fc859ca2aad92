import type { TestDatabase } from './database.js';

/** Features, what each needs, and what cannot go together. */
export interface Graph {
  /** `a` needs each of `needs.a`. */
  needs: Record<string, string[]>;
  conflicts: [string, string][];
}

/** A graph with what has to be found in it, by the database and by the evaluator alike (DESIGN 5). */
export interface GraphCase extends Graph {
  name: string;
  /** Per feature that is on a cycle the length of the shortest one through it. */
  cycles: Record<string, number>;
  /** Features that need both sides of a conflict, or one side and are the other. */
  torn: string[];
}

const graph = (name: string, needs: Record<string, string[]>, rest: Partial<GraphCase> = {}): GraphCase => ({
  name,
  needs,
  conflicts: [],
  cycles: {},
  torn: [],
  ...rest,
});

export const GRAPH_CASES: GraphCase[] = [
  graph('one alone', { a: [] }),
  graph('a chain', { a: ['b'], b: ['c'], c: [] }),
  graph('a diamond', { a: ['b', 'c'], b: ['d'], c: ['d'], d: [] }),
  graph('one that needs itself', { a: ['a'] }, { cycles: { a: 1 } }),
  graph('two that need each other', { a: ['b'], b: ['a'] }, { cycles: { a: 2, b: 2 } }),
  graph(
    'three in a circle, and one that needs it, and one that it needs',
    { a: ['b'], b: ['c'], c: ['a', 'e'], d: ['a'], e: [] },
    { cycles: { a: 3, b: 3, c: 3 } },
  ),
  graph(
    'a short way round and a long one',
    { a: ['b', 'd'], b: ['c'], c: ['d'], d: ['a'] },
    { cycles: { a: 2, b: 4, c: 4, d: 2 } },
  ),
  graph(
    'two circles that share one',
    { a: ['b'], b: ['a', 'c'], c: ['d'], d: ['b'] },
    { cycles: { a: 2, b: 2, c: 3, d: 3 } },
  ),
  graph('a circle below, which is not its own', { a: ['b'], b: ['b'] }, { cycles: { b: 1 } }),
  graph('a conflict of two strangers', { a: [], b: [] }, { conflicts: [['a', 'b']] }),
  graph('a conflict with what it needs', { a: ['b'], b: [] }, { conflicts: [['a', 'b']], torn: ['a'] }),
  graph(
    'a conflict with what it needs far below',
    { a: ['b'], b: ['c'], c: ['d'], d: [] },
    { conflicts: [['a', 'd']], torn: ['a'] },
  ),
  graph(
    'two that it needs are in conflict',
    { a: ['b', 'c'], b: [], c: [], z: ['a'] },
    { conflicts: [['b', 'c']], torn: ['a', 'z'] },
  ),
  graph(
    'two that are needed far below, on two ways',
    { a: ['b', 'c'], b: ['d'], c: ['e'], d: [], e: [] },
    { conflicts: [['d', 'e']], torn: ['a'] },
  ),
  graph(
    'one above the other side: nobody needs both',
    { a: ['b'], b: [], c: ['d'], d: [] },
    { conflicts: [['b', 'd']] },
  ),
  graph(
    'a conflict within a circle',
    { a: ['b'], b: ['a'] },
    { conflicts: [['a', 'b']], cycles: { a: 2, b: 2 }, torn: ['a', 'b'] },
  ),
];

/** All that a feature needs, and itself: the plain way, for comparison. */
export function needsOf({ needs }: Graph, key: string): Set<string> {
  const found = new Set([key]);
  for (const one of found) for (const next of needs[one] ?? []) found.add(next);
  return found;
}

/** Length of the shortest cycle through a feature; null where it is on none. */
export function cycleLength({ needs }: Graph, key: string): number | null {
  const distance = new Map<string, number>();
  let frontier = [key];
  for (let length = 1; frontier.length > 0; length += 1) {
    const next = new Set<string>();
    for (const from of frontier)
      for (const to of needs[from] ?? []) {
        if (to === key) return length;
        if (distance.has(to)) continue;
        distance.set(to, length);
        next.add(to);
      }
    frontier = [...next];
  }
  return null;
}

/** Pairs in conflict that somebody needs both, of which the feature is or needs one. */
export function conflictsAt(graph: Graph, key: string): [string, string][] {
  const below = needsOf(graph, key);
  const everybody = Object.keys(graph.needs).map((one) => needsOf(graph, one));
  return graph.conflicts.filter(
    ([one, other]) =>
      (below.has(one) || below.has(other)) &&
      everybody.some((needed) => needed.has(key) && needed.has(one) && needed.has(other)),
  );
}

/** Puts a graph into the tables, past every check, in place of what was there. */
export async function insertGraph({ sql }: TestDatabase, { needs, conflicts }: Graph): Promise<void> {
  const edges = Object.entries(needs).flatMap(([from, list]) => [...new Set(list)].map((to) => [from, to]));
  const client = await sql.connect();
  try {
    // What it refers to is there: to look for that twice for each took most of what these rows cost.
    await client.query('set session_replication_role = replica');
    await client.query('truncate feature_definitions cascade');
    await client.query(
      `insert into feature_definitions (key, name, type, default_value, created_at, updated_at)
       select key, key, 'boolean', 'true', now(), now() from unnest($1::text[]) as key`,
      [Object.keys(needs)],
    );
    await client.query('insert into feature_dependencies select * from unnest($1::text[], $2::text[])', [
      edges.map(([from]) => from),
      edges.map(([, to]) => to),
    ]);
    await client.query(
      `insert into feature_conflicts
       select least(one, other), greatest(one, other) from unnest($1::text[], $2::text[]) as t (one, other)`,
      [conflicts.map(([one]) => one), conflicts.map(([, other]) => other)],
    );
    // As autovacuum would; left to its time, the plans of a table that was empty before take minutes for half a million rows.
    await client.query('analyze feature_definitions, feature_dependencies, feature_conflicts');
  } finally {
    await client.query('reset session_replication_role');
    client.release();
  }
}
