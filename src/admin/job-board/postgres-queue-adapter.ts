import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { Queue } from '../../jobs/queues.js';

type Worker = NonNullable<Awaited<ReturnType<BullMQAdapter['getWorkers']>>>[number];

/**
 * A queue on PostgreSQL for Bull Board. BullMQ tells of its workers only that they are there: each has a
 * connection that is named after its queue.
 */
export class PostgresQueueAdapter extends BullMQAdapter {
  constructor(
    private readonly em: EntityManager,
    private readonly onPostgres: Queue,
  ) {
    // Bull Board's types know queues on Redis alone.
    super(onPostgres as unknown as ConstructorParameters<typeof BullMQAdapter>[0]);
  }

  /** One for each process that works on the queue: the connection on which it waits for jobs. */
  override async getWorkers(): Promise<Worker[]> {
    return this.em.fork().execute<Worker[]>(
      `select pid::text as id, null as name, coalesce(host(client_addr) || ':' || client_port, 'socket') as addr,
              extract(epoch from now() - backend_start)::int as age
         from pg_stat_activity where datname = current_database() and application_name = ? order by backend_start`,
      [this.onPostgres.name],
    );
  }
}
