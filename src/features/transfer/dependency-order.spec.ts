import { describe, expect, it } from 'vitest';
import { GRAPH_CASES, needsOf } from '../../../test/harness/feature-graphs.js';
import { cyclesAmong, inDependencyOrder } from './dependency-order.js';

const order = (needs: Record<string, string[]>): string[] =>
  inDependencyOrder(Object.keys(needs), (key) => ({ key, needs: needs[key]! }));

describe('F15 the order of features', () => {
  it('is that of their keys where none needs another', () => {
    expect(order({ b: [], a: [], c: ['elsewhere'] })).toEqual(['a', 'b', 'c']);
  });

  it('puts each after what it needs', () => {
    expect(order({ a: ['b', 'c'], b: ['d'], c: ['d'], d: [] })).toEqual(['d', 'b', 'c', 'a']);
  });

  it.each(GRAPH_CASES)('holds all of $name', (graph) => {
    const ordered = order(graph.needs);
    expect(ordered.toSorted()).toEqual(Object.keys(graph.needs).toSorted());
    for (const [at, key] of ordered.entries())
      for (const other of graph.needs[key]!)
        if (!needsOf(graph, other).has(key) && [...needsOf(graph, key)].every((one) => !graph.cycles[one]))
          expect(ordered.indexOf(other), `${key} needs ${other}`).toBeLessThan(at);
  });

  it('takes 20,000 in a row', () => {
    const row = Array.from({ length: 20_000 }, (_, at) => `${at}`);
    const ordered = inDependencyOrder(row, (key) => ({ key, needs: key === '0' ? [] : [`${Number(key) - 1}`] }));
    expect(ordered).toEqual(row);
  });
});

describe('F15 cycles among features', () => {
  it.each(GRAPH_CASES)('are found in $name, with a way around', ({ needs, cycles }) => {
    const all = Object.entries(needs).map(([key, others]) => ({ key, needs: others }));
    const found = cyclesAmong(all);
    expect([...found.keys()].toSorted()).toEqual(Object.keys(cycles).toSorted());
    for (const way of found.values()) {
      expect(way.at(-1)).toBe(way[0]);
      for (const [at, key] of way.slice(1).entries()) expect(needs[way[at]!]).toContain(key);
    }
  });
});
