import { problem } from '../kernel/problem.js';

/** Searches by text that run at once in this process. Each keeps a connection busy, of 10 at least, for up to 5 s. */
const AT_ONCE = 4;
/** The same of one trail: one organization leaves turns to the others. */
const OF_ONE_TRAIL = 2;
/** As long as a search may take. */
const RETRY_AFTER_SECONDS = 5;

/**
 * Keeps searches by text from taking every connection of the pool: 50 at once over 300,000 entries left no other
 * organization one for 5 s. Who finds no turn is refused at once and waits outside.
 */
export class SearchTurns {
  private readonly running = new Map<string, number>();
  private total = 0;

  /**
   * Runs a search.
   * @param trail whose it is.
   * @throws Problem `rate_limit_exceeded` while as many run as may.
   */
  async take<T>(trail: string, search: () => Promise<T>): Promise<T> {
    const own = this.running.get(trail) ?? 0;
    if (own >= OF_ONE_TRAIL || this.total >= AT_ONCE)
      throw problem('rate_limit_exceeded', {
        detail: 'As many searches as may run at once are running; try again when one has ended',
        headers: { 'retry-after': String(RETRY_AFTER_SECONDS) },
      });
    this.running.set(trail, own + 1);
    this.total += 1;
    try {
      return await search();
    } finally {
      this.total -= 1;
      const left = this.running.get(trail)! - 1;
      if (left > 0) this.running.set(trail, left);
      else this.running.delete(trail);
    }
  }
}
