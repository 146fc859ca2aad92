import { describe, expect, it } from 'vitest';
import { SearchTurns } from './search-turns.js';

/** Searches that run until they are ended, and which of them have begun. */
function searches() {
  const turns = new SearchTurns();
  const begun: string[] = [];
  const search = (trail: string, name: string) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const result = turns.take(trail, async () => {
      begun.push(name);
      await promise;
      return name;
    });
    return {
      result,
      end: async () => {
        resolve();
        await result;
        // Whoever is let in by the end begins in a later turn of the loop.
        await new Promise(setImmediate);
      },
    };
  };
  return { begun, search };
}

describe('U3 searches by text at once', () => {
  it('are two of one trail and four in all; others wait, and a trail that searches much keeps nobody waiting', async () => {
    const { begun, search } = searches();
    const [first, second] = [search('a', 'a1'), search('a', 'a2')];
    const [third, other] = [search('a', 'a3'), search('b', 'b1')];
    const rest = [search('c', 'c1'), search('d', 'd1')];
    expect(begun).toEqual(['a1', 'a2', 'b1', 'c1']);
    await other.end();
    expect(begun.slice(4)).toEqual(['d1']);
    await first.end();
    expect(begun.slice(5)).toEqual(['a3']);
    for (const { end } of [second, third, ...rest]) await end();
    await expect(third.result).resolves.toBe('a3');
  });

  it('of one trail a hundred wait; the next is refused, and of another trail none', async () => {
    const { begun, search } = searches();
    const many = Array.from({ length: 102 }, (_, n) => search('a', `a${n}`));
    await expect(search('a', 'late').result).rejects.toMatchObject({
      code: 'rate_limit_exceeded',
      headers: { 'retry-after': '5' },
    });
    const other = search('b', 'b1');
    expect(begun).toEqual(['a0', 'a1', 'b1']);
    for (const { end } of [...many, other]) await end();
    expect(begun).toHaveLength(103);
  });

  it('one that fails gives its turn back', async () => {
    const turns = new SearchTurns();
    for (let times = 0; times < 5; times += 1)
      await expect(turns.take('a', () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
  });
});
