/** Somebody who waits for a place. */
interface Waiting {
  key: string;
  enter: () => void;
}

/** Nothing was done, as others kept it waiting for too long; worth another try. */
export class WaitedTooLong extends Error {}

/**
 * A bounded number of tasks at once in this process, and one at a time of each key. The others wait in order of arrival,
 * without what the task would take, such as a connection.
 */
export class Places {
  private readonly busy = new Set<string>();
  private readonly waiting: Waiting[] = [];

  /**
   * @param size tasks at once.
   * @param longestWaitMs after which one who waits is turned away.
   */
  constructor(
    private readonly size: number,
    private readonly longestWaitMs: number,
  ) {}

  /**
   * Runs a task once there is a place, and none of the same key has one.
   * @param urgent before all that wait.
   * @throws WaitedTooLong when it did not get to run.
   */
  async take<T>(key: string, work: () => Promise<T>, urgent = false): Promise<T> {
    await this.enter(key, urgent);
    try {
      return await work();
    } finally {
      this.busy.delete(key);
      this.admit();
    }
  }

  private enter(key: string, urgent: boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const patience = AbortSignal.timeout(this.longestWaitMs);
      const leave = (): void => {
        this.waiting.splice(this.waiting.indexOf(waiting), 1);
        reject(new WaitedTooLong(`Waited ${this.longestWaitMs} ms for others`));
      };
      const enter = (): void => {
        patience.removeEventListener('abort', leave);
        resolve();
      };
      const waiting = { key, enter };
      patience.addEventListener('abort', leave);
      if (urgent) this.waiting.unshift(waiting);
      else this.waiting.push(waiting);
      this.admit();
    });
  }

  private admit(): void {
    while (this.busy.size < this.size) {
      const at = this.waiting.findIndex(({ key }) => !this.busy.has(key));
      if (at === -1) return;
      const [next] = this.waiting.splice(at, 1);
      this.busy.add(next!.key);
      next!.enter();
    }
  }
}
