import { type BeforeApplicationShutdown, Global, Module } from '@nestjs/common';
import { PurgeRules } from '../database/purge-rules.js';
import { Readiness } from '../kernel/readiness.js';
import { JobRunner } from './job-runner.js';
import { OutboxHandlers } from './outbox-handlers.js';
import { OutboxHistory } from './outbox-history.js';
import { jobsPurge } from './jobs.purge.js';
import { OutboxRelay } from './outbox-relay.js';
import { Outbox } from './outbox.service.js';
import { OutboxWorker } from './outbox-worker.js';
import { Queues } from './queues.js';
import { Schedules } from './schedules.js';
import { Timers } from './timers.js';

/** Everything that happens outside of requests: the outbox and its delivery, schedules, timers. */
@Global()
@Module({
  providers: [JobRunner, Outbox, OutboxHandlers, OutboxHistory, OutboxRelay, OutboxWorker, Queues, Schedules, Timers],
  exports: [Outbox, OutboxHandlers, OutboxHistory, Queues, Schedules, Timers],
})
export class JobsModule implements BeforeApplicationShutdown {
  constructor(
    private readonly runner: JobRunner,
    readiness: Readiness,
    purge: PurgeRules,
  ) {
    purge.add(jobsPurge);
    readiness.addStep({ name: 'jobs', run: () => runner.start() });
  }

  /** Before the connections of the others close: jobs need them to end well. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.runner.stop();
  }
}
