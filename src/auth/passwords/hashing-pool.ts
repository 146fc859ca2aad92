import { problem } from '../../kernel/problem.js';

/** Seconds after which a caller may try again: a full queue of 200 hashes of 16 ms drains in about 2 s on two cores. */
const RETRY_AFTER = '2';

/**
 * Lets a bounded number of tasks run at once and a bounded number wait, in order of arrival. Hashing takes a core and
 * 19 MiB or more each: unbounded, a burst of sign-ins would take the memory and the time of everything else.
 */
export class HashingPool {
  private running = 0;
  private readonly waiting: (() => void)[] = [];

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
}
