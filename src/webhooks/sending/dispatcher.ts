import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable, Logger } from '@nestjs/common';
import { factsOf } from '../../audit/entries-by-id.js';
import { asSystem } from '../../database/tenant-context.js';
import { Timers } from '../../jobs/timers.js';
import { Turns } from '../../kernel/turns.js';
import { Sender } from './sender.js';
import { claim, dueEndpoints } from './sending.queries.js';

const LOOK_EVERY_MS = 1_000;
/** Slots of a process: endpoints served at once, each with a batch at a time. */
const MOST_ENDPOINTS = 200;
/**
 * Slots of one organization; the platform counts as one. A receiver may take 15 s, and who waits for a slot waits as long.
 * An organization can have 20 webhooks: a larger share, such as a quarter of the slots, would hold none of them back.
 */
const MOST_OF_ONE = 10;
/** Slots that only an organization without one gets: to take them all, too, somebody needs that many organizations. */
const KEPT_FOR_FIRST = 50;
const BATCH = 10;
/** Requests that run when the process stops may end for so long; the others are given back. */
const GRACE_MS = 2_000;

/**
 * Finds what is due and has it sent. The rows are the queue: whoever claims one has it for a lease, and what a killed
 * process had is due again after that.
 */
@Injectable()
export class Dispatcher {
  private readonly log = new Logger('webhooks');
  private readonly serving = new Map<string, Promise<void>>();
  /** Hundreds of endpoints take their batches one after the other, and not from a pool of ten connections at once. */
  private readonly turns = new Turns();
  /** Somebody waits for a slot. */
  private crowded = false;
  private readonly stopped = new AbortController();
  private stopping = false;

  constructor(
    private readonly em: EntityManager,
    private readonly sender: Sender,
    timers: Timers,
  ) {
    timers.add({ name: 'webhook deliveries', everyMs: LOOK_EVERY_MS, run: () => this.look() });
  }

  /** Lets running requests end for 2 s, and gives the others back. */
  async stop(): Promise<void> {
    this.stopping = true;
    AbortSignal.timeout(GRACE_MS).addEventListener('abort', () => this.stopped.abort(), { once: true });
    await Promise.all(this.serving.values());
  }

  /** Begins to serve every endpoint that waits, as far as there is room; does not wait for the receivers. */
  private async look(): Promise<void> {
    if (this.stopping) return;
    const room = MOST_ENDPOINTS - this.serving.size;
    const due = await this.inTurn((em) => dueEndpoints(em, [...this.serving.keys()], room + 1));
    const begun = due.filter(
      ({ nth }, index) => nth <= MOST_OF_ONE && index < (nth === 1 ? room : room - KEPT_FOR_FIRST),
    );
    this.crowded = begun.length < due.length;
    for (const { id } of begun) {
      const served = this.serve(id)
        .catch((error: unknown) => this.log.warn({ endpoint: id, err: error }, 'webhook not served'))
        .finally(() => this.serving.delete(id));
      this.serving.set(id, served);
    }
  }

  /**
   * Batch after batch, as long as they arrive: one that does not makes room for others until the next look. So does one
   * that had its slot for the time between two looks while others wait for theirs.
   */
  private async serve(endpointId: string): Promise<void> {
    const began = performance.now();
    while (!this.stopping) {
      const batch = await this.inTurn(async (em) => {
        const claimed = await claim(em, endpointId, BATCH);
        if (!claimed) return undefined;
        const ids = claimed.claims.map(({ event_id: id }) => id);
        return { ...claimed, facts: await factsOf(em, ids, claimed.endpoint.organization_id) };
      });
      if (!batch) return;
      const arrived = await Promise.all(
        batch.claims.map((one) =>
          this.sender.send(batch.endpoint, one, batch.facts.get(one.event_id), this.stopped.signal),
        ),
      );
      if (!arrived.every(Boolean)) return;
      if (this.crowded && performance.now() - began > LOOK_EVERY_MS) return;
    }
  }

  private inTurn<T>(work: (em: EntityManager) => Promise<T>): Promise<T> {
    return this.turns.take('', () => asSystem(this.em, work));
  }
}
