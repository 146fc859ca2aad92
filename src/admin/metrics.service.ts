import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { EventStreams } from '../features/openfeature/event-streams.js';
import { OutboxHistory } from '../jobs/outbox-history.js';
import { Answers } from '../kernel/answers.js';

/** Seconds: from an answer of memory to one that has waited for a connection in vain (3 s), and the 30 s of a body. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 3, 10, 30];

/** Of the process, however many applications run in it. */
let processMetrics: Registry | null = null;

/** What Prometheus asks for (text format 0.0.4). */
@Injectable()
export class MetricsService {
  private readonly registry = new Registry();
  private readonly durations = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'Time until an answer was sent, by the route and not the address',
    labelNames: ['method', 'route', 'status'],
    buckets: BUCKETS,
    registers: [this.registry],
  });

  constructor(
    private readonly em: EntityManager,
    private readonly outbox: OutboxHistory,
    streams: EventStreams,
    answers: Answers,
  ) {
    this.gauge('outbox_pending', 'Messages that still have to go', () => this.outbox.pending());
    this.gauge('database_connections_used', 'Connections of the pool that are in use', async () => {
      const pool = await this.em.getConnection().getNativeClient();
      return pool.totalCount - pool.idleCount;
    });
    this.gauge('database_connections_waited_for', 'Requests that wait for a connection of the pool', async () => {
      const pool = await this.em.getConnection().getNativeClient();
      return pool.waitingCount;
    });
    this.gauge('openfeature_streams', 'Change streams that clients hold open', async () => streams.size);
    if (!processMetrics) collectDefaultMetrics({ register: (processMetrics = new Registry()) });
    answers.onAnswer(({ method, route, status, ms }) =>
      this.durations.observe({ method, route: route ?? 'unknown', status }, ms / 1_000),
    );
  }

  /** Everything, as text; what cannot be found out now is NaN. */
  async read(): Promise<string> {
    return `${await processMetrics!.metrics()}\n${await this.registry.metrics()}`;
  }

  private gauge(name: string, help: string, read: () => Promise<number>): void {
    const gauge: Gauge = new Gauge({
      name: `tenon_${name}`,
      help,
      registers: [this.registry],
      collect: async (): Promise<void> => gauge.set(await read().catch(() => NaN)),
    });
  }
}
