import { describe, expect, it } from 'vitest';
import { SearchTurns } from './search-turns.js';

describe('U3 searches by text at once', () => {
  /** A search that runs until `end()`. */
  function search(turns: SearchTurns, trail: string) {
    const { promise, resolve } = Promise.withResolvers<string>();
    return { result: turns.take(trail, () => promise), end: () => resolve(trail) };
  }
  const refused = expect.objectContaining({
    code: 'rate_limit_exceeded',
    headers: expect.objectContaining({ 'retry-after': '5' }),
  });

  it('are two of one trail and four in all; who comes later is refused, and let in when one has ended', async () => {
    const turns = new SearchTurns();
    const [first, second] = [search(turns, 'a'), search(turns, 'a')];
    await expect(search(turns, 'a').result).rejects.toEqual(refused);
    const others = [search(turns, 'b'), search(turns, 'c')];
    await expect(search(turns, 'd').result).rejects.toEqual(refused);
    first.end();
    await expect(first.result).resolves.toBe('a');
    const next = search(turns, 'd');
    for (const running of [second, ...others, next]) running.end();
    await expect(Promise.all([second, ...others, next].map(({ result }) => result))).resolves.toEqual([
      'a',
      'b',
      'c',
      'd',
    ]);
  });

  it('one that fails gives its turn back', async () => {
    const turns = new SearchTurns();
    for (let times = 0; times < 5; times += 1)
      await expect(turns.take('a', () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
  });
});
