import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable, Logger } from '@nestjs/common';
import { factsOf } from '../../audit/entries-by-id.js';
import { asSystem } from '../../database/tenant-context.js';
import { Timers } from '../../jobs/timers.js';
import { Sender } from './sender.js';
import { claim, dueEndpoints } from './sending.queries.js';

const LOOK_EVERY_MS = 1_000;
/** Endpoints served at once by a process, each with a batch at a time: a receiver that is slow is slow for itself. */
const MOST_ENDPOINTS = 200;
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
    const room = MOST_ENDPOINTS - this.serving.size;
    if (room <= 0 || this.stopping) return;
    const due = await asSystem(this.em, (em) => dueEndpoints(em, [...this.serving.keys()], room));
    for (const id of due) {
      const served = this.serve(id)
        .catch((error: unknown) => this.log.warn({ endpoint: id, err: error }, 'webhook not served'))
        .finally(() => this.serving.delete(id));
      this.serving.set(id, served);
    }
  }

  /** Batch after batch, as long as they arrive: one that does not makes room for others until the next look. */
  private async serve(endpointId: string): Promise<void> {
    while (!this.stopping) {
      const batch = await asSystem(this.em, async (em) => {
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
    }
  }
}
