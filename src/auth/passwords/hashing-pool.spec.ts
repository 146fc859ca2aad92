import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { HashingPool } from './hashing-pool.js';

describe('A3 hashing pool', () => {
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
});
