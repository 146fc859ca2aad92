import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance } from 'fastify';
import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { OutboxHistory } from '../jobs/outbox-history.js';

/** Seconds: from an answer of memory to one that has waited for a connection in vain (3 s), and the 30 s of a body. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 3, 10, 30];

/** Of the process, however many applications run in it. */
let processMetrics: Registry | null = null;

/** What Prometheus asks for (text format 0.0.4). */
@Injectable()
export class MetricsService implements OnModuleInit {
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
    private readonly host: HttpAdapterHost,
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
  }

  onModuleInit(): void {
    if (!processMetrics) collectDefaultMetrics({ register: (processMetrics = new Registry()) });
    // A command has no HTTP.
    const fastify = this.host.httpAdapter?.getInstance<FastifyInstance>();
    fastify?.addHook('onResponse', (request, reply, done) => {
      this.durations.observe(
        { method: request.method, route: request.routeOptions.url ?? 'unknown', status: reply.statusCode },
        reply.elapsedTime / 1_000,
      );
      done();
    });
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
