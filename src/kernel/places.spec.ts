import { describe, expect, it } from 'vitest';
import { Places, WaitedTooLong } from './places.js';

/** A task that runs until it is told to end, and notes when it began. */
function task(began: string[], name: string) {
  const { promise, resolve } = Promise.withResolvers<void>();
  const run = (): Promise<void> => {
    began.push(name);
    return promise;
  };
  return { run, end: resolve };
}

describe('places', () => {
  it('go to as many as there are, to one of a key, then in order of arrival, the urgent first', async () => {
    const places = new Places(2, 60_000);
    const began: string[] = [];
    const [a, again, b, c, urgent] = ['a', 'a again', 'b', 'c', 'urgent'].map((name) => task(began, name));
    const all = [
      places.take('a', a!.run),
      places.take('a', again!.run),
      places.take('b', b!.run),
      places.take('c', c!.run),
      places.take('a', urgent!.run, true),
    ];
    await Promise.resolve();
    expect(began).toEqual(['a', 'b']);
    b!.end();
    await all[2];
    expect(began).toEqual(['a', 'b', 'c']);
    a!.end();
    await all[0];
    expect(began).toEqual(['a', 'b', 'c', 'urgent']);
    for (const one of [again, c, urgent]) one!.end();
    await Promise.all(all);
    expect(began).toEqual(['a', 'b', 'c', 'urgent', 'a again']);
  });

  it('are given back by what fails', async () => {
    const places = new Places(1, 60_000);
    await expect(places.take('a', () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
    await expect(places.take('a', () => Promise.resolve('done'))).resolves.toBe('done');
  });

  it('are waited for no longer than said; who was turned away is not let in later', async () => {
    const places = new Places(1, 20);
    const began: string[] = [];
    const first = task(began, 'first');
    const running = places.take('a', first.run);
    await expect(places.take('b', task(began, 'late').run)).rejects.toThrow(WaitedTooLong);
    first.end();
    await running;
    await places.take('c', () => Promise.resolve(began.push('next')));
    expect(began).toEqual(['first', 'next']);
  });
});
