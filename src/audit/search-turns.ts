import { problem } from '../kernel/problem.js';

/** Searches by text that run at once in this process. Each keeps a connection busy, of 10 at least, for up to 5 s. */
const AT_ONCE = 4;
/** The same of one trail: one organization leaves turns to the others. */
const OF_ONE_TRAIL = 2;
/** A search's 5 s run while it waits, so nobody waits longer; this only bounds what waits in memory. */
const WAITING_OF_ONE_TRAIL = 100;
/** As long as a search may take. */
const RETRY_AFTER_SECONDS = 5;

interface Waiting {
  trail: string;
  begin: () => void;
}

/**
 * Keeps searches by text from taking every connection of the pool: 50 at once over 300,000 entries left no other
 * organization one for 5 s. Others wait, without a connection, in the order in which they came.
 */
export class SearchTurns {
  private readonly running: string[] = [];
  private readonly waiting: Waiting[] = [];

  /**
   * Runs a search when it is its turn.
   * @param trail whose it is.
   * @throws Problem `rate_limit_exceeded` while too many of the trail wait.
   */
  async take<T>(trail: string, search: () => Promise<T>): Promise<T> {
    if (this.mayRun(trail)) this.running.push(trail);
    else await this.wait(trail);
    try {
      return await search();
    } finally {
      this.running.splice(this.running.indexOf(trail), 1);
      this.next();
    }
  }

  private mayRun(trail: string): boolean {
    return this.running.length < AT_ONCE && this.running.filter((one) => one === trail).length < OF_ONE_TRAIL;
  }

  private wait(trail: string): Promise<void> {
    if (this.waiting.filter((one) => one.trail === trail).length >= WAITING_OF_ONE_TRAIL)
      throw problem('rate_limit_exceeded', {
        detail: 'Too many searches of this trail wait for their turn; try again when some have ended',
        headers: { 'retry-after': String(RETRY_AFTER_SECONDS) },
      });
    return new Promise((begin) => this.waiting.push({ trail, begin }));
  }

  /** Lets in the first whose trail has a turn left: a trail that searches much keeps nobody else waiting. */
  private next(): void {
    const place = this.waiting.findIndex(({ trail }) => this.mayRun(trail));
    if (place < 0) return;
    const [{ trail, begin }] = this.waiting.splice(place, 1) as [Waiting];
    // Counted here, before anybody else can come.
    this.running.push(trail);
    begin();
  }
}
