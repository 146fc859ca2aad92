import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';
import { DelayedError, type Job, type Processor, WaitingError } from 'bullmq';
import { Env } from '../../config/env.js';
import type { Delivery } from './delivery.js';
import { OUTBOX_QUEUE, OutboxRelay } from './outbox-relay.js';
import { OutboxWorker } from './outbox-worker.js';
import { Queues } from './queues.js';
import { Schedules, SCHEDULES_QUEUE } from './schedules.js';
import { StoppedError } from './time-limit.js';
import { Timers } from './timers.js';

/** Jobs that still run then are given back; the process has 10 s in all. */
const GRACE_MS = 6_000;
const GIVE_UP_MS = 8_000;
const SWEEP_EVERY_MS = 5_000;
const SWEEP_SLOTS_EVERY_MS = 60_000;
/** Each delivery holds a connection of the application's pool while it lasts. */
const OUTBOX_CONCURRENCY = 4;
const SCHEDULES_CONCURRENCY = 4;

/** Starts and stops everything that runs outside of requests. */
@Injectable()
export class JobRunner {
  private readonly log = new Logger('jobs');
  private readonly stopping = new AbortController();

  constructor(
    private readonly env: Env,
    private readonly queues: Queues,
    private readonly outbox: OutboxWorker,
    private readonly schedules: Schedules,
    private readonly timers: Timers,
    relay: OutboxRelay,
  ) {
    timers.add({ name: 'outbox relay', everyMs: SWEEP_EVERY_MS, run: () => relay.sweep() });
    timers.add({ name: 'slots without a run', everyMs: SWEEP_SLOTS_EVERY_MS, run: () => schedules.sweep() });
  }

  /** @throws when the database does not answer; may be called again then. */
  async start(): Promise<void> {
    await this.queues.start([
      {
        name: OUTBOX_QUEUE,
        concurrency: Math.max(1, Math.min(OUTBOX_CONCURRENCY, Math.floor(this.env.databasePoolSize / 2))),
        process: this.givingBack((job) => this.outbox.deliver((job.data as { id: string }).id, this.stopping.signal)),
      },
      {
        name: SCHEDULES_QUEUE,
        // One that does not end leaves others their turn.
        concurrency: SCHEDULES_CONCURRENCY,
        locks: true,
        process: this.givingBack((job) => this.schedules.run(job, this.stopping.signal)),
      },
    ]);
    await this.schedules.ensure(this.queues.queue(SCHEDULES_QUEUE), { forget: true });
    this.timers.start();
  }

  /**
   * Lets running jobs end for 6 s, gives the others back to the queue, and closes every connection. A worker that has
   * not closed after 8 s is left behind: the process ends, and another one takes its jobs as those of a killed one.
   */
  async stop(): Promise<void> {
    const grace = setTimeout(() => this.stopping.abort(), GRACE_MS);
    const late = new AbortController();
    try {
      await Promise.race([
        Promise.all([this.timers.stop(), this.queues.close()]),
        sleep(GIVE_UP_MS, undefined, { signal: late.signal }).then(() =>
          this.log.warn('workers did not close in time'),
        ),
      ]);
    } finally {
      clearTimeout(grace);
      late.abort();
    }
  }

  /** A job that is not done comes back later; one that the stop cut short waits for the next worker at once. */
  private givingBack(process: (job: Job) => Promise<Delivery>): Processor {
    return async (job, token) => {
      try {
        const delivery = await process(job);
        if (delivery.done) return;
        await job.moveToDelayed(Date.now() + delivery.againInMs, token);
      } catch (error) {
        if (!(error instanceof StoppedError)) throw error;
        await job.moveToWait(token);
        throw new WaitingError();
      }
      throw new DelayedError();
    };
  }
}
