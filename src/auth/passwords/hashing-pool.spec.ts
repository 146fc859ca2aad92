import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { HashingPool } from './hashing-pool.js';

describe('A3 hashing pool', () => {
  // What is held is let go by time as well: here by that of the tests alone.
  beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
  afterEach(() => void vi.useRealTimers());

  /** Tasks that end when told to. */
  function tasks(): { start(name: string): () => Promise<string>; started: string[]; end(name: string): void } {
    const started: string[] = [];
    const ends = new Map<string, () => void>();
    return {
      started,
      start: (name) => () => {
        started.push(name);
        return new Promise((resolve) => ends.set(name, () => resolve(name)));
      },
      end: (name) => ends.get(name)!(),
    };
  }

  it('runs so many at once, the others in order of arrival', async () => {
    const pool = new HashingPool(2, 10);
    const { start, started, end } = tasks();
    const results = ['a', 'b', 'c', 'd'].map((name) => pool.run(start(name)));
    await setImmediate();
    expect(started).toEqual(['a', 'b']);
    end('b');
    await results[1];
    await setImmediate();
    expect(started).toEqual(['a', 'b', 'c']);
    end('c');
    await results[2];
    await setImmediate();
    expect(started).toEqual(['a', 'b', 'c', 'd']);
    end('a');
    end('d');
    expect(await Promise.all(results)).toEqual(['a', 'b', 'c', 'd']);
  });

  it('refuses beyond the queue with 503 and Retry-After, and takes work again afterwards', async () => {
    const pool = new HashingPool(1, 1);
    const { start, end } = tasks();
    const [running, waiting] = [pool.run(start('running')), pool.run(start('waiting'))];
    await setImmediate();
    await expect(pool.run(start('refused'))).rejects.toMatchObject({
      code: 'service_unavailable',
      status: 503,
      headers: { 'Retry-After': '2' },
    });
    end('running');
    await running;
    await setImmediate();
    end('waiting');
    await waiting;
    await expect(pool.run(async () => 'later')).resolves.toBe('later');
  });

  it('a task that fails gives its place back', async () => {
    const pool = new HashingPool(1, 1);
    const failed = pool.run(() => Promise.reject(new Error('no memory')));
    const next = pool.run(async () => 'next');
    await expect(failed).rejects.toThrow('no memory');
    await expect(next).resolves.toBe('next');
  });

  /** Runs `names` one after the other. @returns the names whose results were handed over, as they come. */
  function oneByOne(names: string[]): { endNext(): Promise<void>; handedOver: string[] } {
    const pool = new HashingPool(1, names.length);
    const { start, end } = tasks();
    const handedOver: string[] = [];
    const ended = names.values();
    for (const name of names) {
      const over = (): void => void handedOver.push(name);
      void pool.run(start(name)).then(over, over);
    }
    return {
      handedOver,
      endNext: async () => {
        end(ended.next().value!);
        await setImmediate();
      },
    };
  }

  it('hands over as many together as still wait, and holds nothing when nobody does', async () => {
    const { endNext, handedOver } = oneByOne(['a', 'b', 'c', 'd', 'e']);
    await setImmediate();
    await endNext();
    expect(handedOver).toEqual([]);
    await endNext();
    expect(handedOver).toEqual(['a', 'b']);
    await endNext();
    expect(handedOver).toEqual(['a', 'b', 'c']);
    await endNext();
    expect(handedOver).toEqual(['a', 'b', 'c', 'd']);
    await endNext();
    expect(handedOver).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  it('hands over what was held for a tenth of a second, however many still wait', async () => {
    const { endNext, handedOver } = oneByOne(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']);
    await setImmediate();
    await endNext();
    vi.advanceTimersByTime(99);
    await endNext();
    expect(handedOver).toEqual([]);
    vi.advanceTimersByTime(1);
    await endNext();
    expect(handedOver).toEqual(['a', 'b', 'c']);
    // Who comes next is held anew.
    await endNext();
    expect(handedOver).toEqual(['a', 'b', 'c']);
  });

  it('holds what failed as long as what did not, and lets nobody wait for nobody', async () => {
    const pool = new HashingPool(1, 10);
    const { start, end } = tasks();
    let failed = false;
    const wrong = pool
      .run(() => Promise.reject(new Error('no memory')))
      .catch(() => {
        failed = true;
      });
    const others = ['b', 'c', 'd'].map((name) => pool.run(start(name)));
    await setImmediate();
    expect(failed).toBe(false);
    end('b');
    await Promise.all([wrong, others[0]]);
    await setImmediate();
    end('c');
    await others[1];
    await setImmediate();
    end('d');
    await others[2];
  });
});
