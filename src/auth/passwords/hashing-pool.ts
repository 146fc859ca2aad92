import { availableParallelism } from 'node:os';
import { problem } from '../../kernel/problem.js';

/**
 * One for each core. Whoever is done is followed by another once the main thread comes to it, and the core idles meanwhile;
 * but each more takes 19 MiB of the others' caches, and with one or two more there were 0.97 and 0.94 as many sign-ins.
 */
export const HASHES_AT_ONCE = availableParallelism();

/** Seconds after which a caller may try again: a full queue of 200 hashes of 16 ms drains in about 2 s on two cores. */
const RETRY_AFTER = '2';

/**
 * After which a result is held no more once another is done: on two cores some 15 are done in it. Those of other systems
 * may take a second each.
 */
const MAX_HELD_MS = 100;

/**
 * Lets a bounded number of tasks run at once and a bounded number wait, in order of arrival. Hashing takes a core and
 * 19 MiB or more each: unbounded, a burst of sign-ins would take the memory and the time of everything else.
 *
 * While others wait, results are handed over together, as many as there are still waiting. What follows a hash (a statement,
 * a token, an answer) finds the caches of its core emptied by other hashes, and takes two to three times its time when it comes
 * alone; and those that come together share a statement. Of 32 at once, without it, there were 0.85 times as many sign-ins.
 * Nothing is held when nobody waits.
 */
export class HashingPool {
  private running = 0;
  private readonly waiting: (() => void)[] = [];
  private readonly done: (() => void)[] = [];
  /** When the first of those that are done was. */
  private doneSince = 0;

  constructor(
    private readonly maxRunning: number,
    private readonly maxWaiting: number,
  ) {}

  /** Runs the task as soon as there is room. Throws `service_unavailable` at once when the queue is full. */
  async run<T>(task: () => Promise<T>): Promise<T> {
    await this.enter();
    try {
      return await task();
    } finally {
      this.leave();
      await this.together();
    }
  }

  private enter(): Promise<void> | undefined {
    if (this.running < this.maxRunning) {
      this.running += 1;
      return undefined;
    }
    if (this.waiting.length >= this.maxWaiting) {
      throw problem('service_unavailable', {
        detail: 'Too many sign-ins at the moment; try again',
        headers: { 'Retry-After': RETRY_AFTER },
      });
    }
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  /** Hands the place over instead of freeing it, so that nobody overtakes the queue. */
  private leave(): void {
    const next = this.waiting.shift();
    if (next) next();
    else this.running -= 1;
  }

  /** Whoever is held is let go by one that is still to end: as long as anybody waits, somebody runs. */
  private together(): Promise<void> {
    const now = performance.now();
    if (this.done.length === 0) this.doneSince = now;
    const held = new Promise<void>((resolve) => this.done.push(resolve));
    if (this.done.length >= this.waiting.length || now - this.doneSince >= MAX_HELD_MS)
      for (const go of this.done.splice(0)) go();
    return held;
  }
}
