import fc from 'fast-check';
import { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileFeature, compileOverrides, compileSegments, evaluate, link } from '../src/features/evaluator/index.js';
import { createDatabase, type TestDatabase } from './harness/database.js';
import { conflictsAt, cycleLength, type Graph, GRAPH_CASES, insertGraph, needsOf } from './harness/feature-graphs.js';

let db: TestDatabase;
/** As the process logs in. */
let app: Pool;
beforeAll(async () => {
  db = await createDatabase();
  app = new Pool({ connectionString: db.appUrl, max: 1 });
});
afterAll(async () => {
  await app.end();
  await db.drop();
});

const cycleOf = async (key: string): Promise<string[] | null> =>
  (await app.query('select validate_feature_dependencies($1) as path', [key])).rows[0].path;
interface Torn {
  feature_key: string;
  conflicts_with_key: string;
  needed_by: string;
}
const conflictsOf = async (key: string): Promise<Torn[]> =>
  (await app.query<Torn>('select * from validate_feature_conflicts($1)', [key])).rows;

/** What the functions say of each feature has to be what plain code says. */
async function compare(graph: Graph): Promise<void> {
  await insertGraph(db, graph);
  for (const key of Object.keys(graph.needs)) {
    const path = await cycleOf(key);
    const length = cycleLength(graph, key);
    if (length === null) expect(path, key).toBeNull();
    else {
      expect(path, key).toHaveLength(length + 1);
      expect([path!.at(0), path!.at(-1)]).toEqual([key, key]);
      path!.slice(1).forEach((next, at) => expect(graph.needs[path![at]!], key).toContain(next));
    }
    const found = await conflictsOf(key);
    expect(new Set(found.map((pair) => `${pair.feature_key} ${pair.conflicts_with_key}`)), key).toEqual(
      new Set(conflictsAt(graph, key).map((pair) => pair.toSorted().join(' '))),
    );
    for (const { feature_key: one, conflicts_with_key: other, needed_by: by } of found) {
      const needed = needsOf(graph, by);
      expect([needed.has(one), needed.has(other), needed.has(key)], `${by} needs ${one}, ${other} and ${key}`).toEqual([
        true,
        true,
        true,
      ]);
    }
  }
}

/** Any graph of a few features: with circles, with everything in conflict. */
const graphs = fc
  .record({
    size: fc.integer({ min: 1, max: 7 }),
    edges: fc.array(fc.tuple(fc.nat(6), fc.nat(6)), { maxLength: 12 }),
    pairs: fc.array(fc.tuple(fc.nat(6), fc.nat(6)), { maxLength: 5 }),
  })
  .map(({ size, edges, pairs }): Graph => {
    const key = (n: number): string => `f${n % size}`;
    const needs = Object.fromEntries(Array.from({ length: size }, (_, n) => [key(n), [] as string[]]));
    for (const [from, to] of edges) if (!needs[key(from)]!.includes(key(to))) needs[key(from)]!.push(key(to));
    const conflicts = new Map(
      pairs
        .map(([one, other]) => [key(one), key(other)].toSorted() as [string, string])
        .filter(([one, other]) => one !== other)
        .map((pair) => [pair.join(' '), pair]),
    );
    return { needs, conflicts: [...conflicts.values()] };
  });

describe('F2 F3 the graph in the database', () => {
  it.each(GRAPH_CASES)('$name', async (graph) => {
    await compare(graph);
    for (const key of Object.keys(graph.needs)) {
      const path = await cycleOf(key);
      expect(path === null ? undefined : path.length - 1, key).toBe(graph.cycles[key]);
      const torn = (await conflictsOf(key)).some(({ needed_by }) => needed_by === key);
      expect(torn, key).toBe(graph.torn.includes(key));
    }
  });

  it('any graph: as plain code has it', async () => {
    await fc.assert(fc.asyncProperty(graphs, compare), { numRuns: 100 });
  });

  it('is not there for who names a feature that is not', async () => {
    await insertGraph(db, { needs: { a: [] }, conflicts: [] });
    for (const key of ['nothing', '', "a'; drop table feature_definitions; --"]) {
      expect(await cycleOf(key)).toBeNull();
      expect(await conflictsOf(key)).toEqual([]);
    }
  });
});

const numbered = (n: number): string => `f${String(n).padStart(5, '0')}`;
const chain = (length: number, closed: boolean): Graph => ({
  needs: Object.fromEntries(
    Array.from({ length }, (_, n) => [numbered(n), n < length - 1 ? [numbered(n + 1)] : closed ? [numbered(0)] : []]),
  ),
  conflicts: [],
});

describe('F2 case 32: large graphs are looked at once', () => {
  it('a chain of 10,000, open and closed, in a table without statistics', async () => {
    await insertGraph(db, chain(10_000, false));
    await db.sql.query(`insert into feature_conflicts values ('${numbered(1)}', '${numbered(9_999)}')`);
    expect(await cycleOf(numbered(0))).toBeNull();
    expect(await conflictsOf(numbered(5_000))).toEqual([
      { feature_key: numbered(1), conflicts_with_key: numbered(9_999), needed_by: numbered(1) },
    ]);
    await insertGraph(db, chain(10_000, true));
    const path = await cycleOf(numbered(7_000));
    expect(path).toHaveLength(10_001);
    expect(path!.slice(2_999, 3_001)).toEqual([numbered(9_999), numbered(0)]);
  });

  // 2^298 ways lead from the first to the last; each feature is still met once.
  it('300 of which each needs all after it', async () => {
    const needs = Object.fromEntries(
      Array.from({ length: 300 }, (_, n) => [
        numbered(n),
        Array.from({ length: 299 - n }, (__, more) => numbered(n + 1 + more)),
      ]),
    );
    await insertGraph(db, { needs, conflicts: [[numbered(298), numbered(299)]] });
    expect(await cycleOf(numbered(0))).toBeNull();
    expect(await conflictsOf(numbered(150))).toEqual([
      { feature_key: numbered(298), conflicts_with_key: numbered(299), needed_by: numbered(150) },
    ]);
    await db.sql.query('insert into feature_dependencies values ($1, $2)', [numbered(299), numbered(0)]);
    expect(await cycleOf(numbered(0))).toEqual([numbered(0), numbered(299), numbered(0)]);
  });
});

/** Features as the evaluator has them, all on by default but those that are killed. */
function linked(graph: Graph, on: ReadonlySet<string>) {
  return link(
    Object.keys(graph.needs).map((key) =>
      compileFeature(
        {
          key,
          type: 'boolean',
          defaultValue: true,
          variants: null,
          dependencies: graph.needs[key]!,
          conflicts: graph.conflicts.filter(([one]) => one === key).map(([, other]) => other),
          plans: {},
          lifecycle: 'active',
        },
        { enabled: on.has(key), rules: [] },
        compileSegments([], 'production'),
        'production',
      ),
    ),
  );
}
const SUBJECT = {
  attributes: {},
  organization: { id: 'o', plan: null, overrides: compileOverrides([]) },
  now: 0,
};

/** Whether a feature can be on: with all that it needs switched on and everything else off. */
function canBeOn(graph: Graph, key: string): boolean {
  return evaluate(linked(graph, needsOf(graph, key)), key, SUBJECT)!.value === true;
}

/** What the evaluator makes of a graph that was forced into the table is what the database would have refused. */
async function agree(graph: Graph): Promise<void> {
  await insertGraph(db, graph);
  const everything = linked(graph, new Set(Object.keys(graph.needs)));
  for (const key of Object.keys(graph.needs)) {
    const cycle = evaluate(everything, key, SUBJECT)!;
    const path = await cycleOf(key);
    expect('cycle' in (cycle.details ?? {}), `${key} ${JSON.stringify(cycle)}`).toBe(path !== null);
    if (path) expect(cycle).toMatchObject({ value: false, reason: 'dependency' });
    const below = [...needsOf(graph, key)];
    const cycles = await Promise.all(below.map(cycleOf));
    const torn = (await conflictsOf(key)).filter((pair) => {
      const needed = needsOf(graph, key);
      return needed.has(pair.feature_key) && needed.has(pair.conflicts_with_key);
    });
    expect(canBeOn(graph, key), key).toBe(cycles.every((one) => one === null) && torn.length === 0);
  }
}

describe('DESIGN 5: database and evaluator say the same of a graph', () => {
  it.each(GRAPH_CASES)('$name', agree);

  it('any graph', async () => {
    await fc.assert(fc.asyncProperty(graphs, agree), { numRuns: 50 });
  });
});
