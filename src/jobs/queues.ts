import { Injectable, Logger } from '@nestjs/common';
import { createPostgresBackend, type Processor, withBackend } from 'bullmq';
import { Pool } from 'pg';
import { Env } from '../../config/env.js';
import { QUEUE_SCHEMA } from './queue-schema.js';

/** Each worker keeps a connection for LISTEN; two more carry the queries of all. */
const QUERY_CONNECTIONS = 2;
/** A killed process gives its jobs back after 6 to 12 s: the lock runs out, and two checks have to see it. */
const LOCK_DURATION_MS = 6_000;
const STALLED_INTERVAL_MS = 3_000;
/** A job is never given up for being on a process that dies; the outbox counts its own tries. */
const MAX_STALLED_COUNT = 1_000_000;

/** The database ends a session whose host is gone without a word after 25 s, and its lock with it; by default after 2 h. */
const KEEPALIVE = '-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3';

const { Queue, Worker } = withBackend(createPostgresBackend);
/** A queue on PostgreSQL. */
export type Queue = InstanceType<typeof Queue>;
type Worker = InstanceType<typeof Worker>;

/** What a room asks for when it wants jobs of a queue. */
export interface QueueWork {
  name: string;
  concurrency: number;
  process: Processor;
  /** Each job may hold a lock, see {@link Queues.exclusively}. */
  locks?: true;
}

/**
 * BullMQ on PostgreSQL, over one small pool of its own. It goes past any pooler, since LISTEN and `search_path` belong
 * to a session.
 */
@Injectable()
export class Queues {
  private readonly log = new Logger('jobs');
  private pool: Pool | null = null;
  /** Apart from the other, which else would open its connections for a burst of queries. */
  private locks: Pool | null = null;
  private readonly queues = new Map<string, Queue>();
  private readonly workers: Worker[] = [];

  constructor(private readonly env: Env) {}

  /** Opens the queues and starts their workers. @throws when the database does not answer; may be called again then. */
  async start(work: readonly QueueWork[]): Promise<void> {
    await this.close();
    this.pool = this.openPool(work.length + QUERY_CONNECTIONS);
    this.locks = this.openPool(work.reduce((sum, { concurrency, locks }) => sum + (locks ? concurrency : 0), 0));
    try {
      for (const { name } of work) await this.openQueue(name);
      for (const item of work) await this.startWorker(item);
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** @throws Error before {@link start}. */
  queue(name: string): Queue {
    const queue = this.queues.get(name);
    if (!queue) throw new Error(`The queue "${name}" is not open`);
    return queue;
  }

  /** Those that are open. */
  all(): Queue[] {
    return [...this.queues.values()];
  }

  /**
   * Does `work` while no other session of the database has `key`, however long it takes and whatever clocks say: a
   * process that is frozen keeps it, one that is killed gives it back at once. Its signal is aborted when the session is
   * lost.
   * @returns false when another has the key; nothing was done.
   */
  async exclusively(key: string, work: (lost: AbortSignal) => Promise<void>): Promise<boolean> {
    const session = await this.locks!.connect();
    const lost = new AbortController();
    const onError = (error: Error): void => lost.abort(error);
    session.on('error', onError);
    try {
      const { rows } = await session.query<{ taken: boolean }>(
        'select pg_try_advisory_lock(hashtextextended($1, 0)) as taken',
        [key],
      );
      if (!rows[0]!.taken) return false;
      await work(lost.signal);
      return true;
    } finally {
      // A session that cannot say so is closed, which gives back whatever it has.
      const broken = await session.query('select pg_advisory_unlock_all()').then(
        () => false,
        () => true,
      );
      session.off('error', onError);
      session.release(broken);
    }
  }

  /** Waits for the jobs that run, and closes every connection. */
  async close(): Promise<void> {
    await Promise.all(this.workers.splice(0).map((worker) => worker.close()));
    await Promise.all([...this.queues.values()].map((queue) => queue.close()));
    this.queues.clear();
    await Promise.all([this.pool?.end(), this.locks?.end()]);
    [this.pool, this.locks] = [null, null];
  }

  private openPool(max: number): Pool {
    const pool = new Pool({
      connectionString: this.env.databaseDirectUrl ?? this.env.databaseUrl,
      application_name: 'tenon-jobs',
      options: `-c search_path=${QUEUE_SCHEMA} ${KEEPALIVE}`,
      max,
      connectionTimeoutMillis: 5_000,
      idleTimeoutMillis: 10_000,
      keepAlive: true,
    });
    pool.on('error', () => undefined);
    return pool;
  }

  private async openQueue(name: string): Promise<void> {
    const queue = new Queue(name, { connection: this.pool! });
    this.watch(queue, name);
    this.queues.set(name, queue);
    await queue.waitUntilReady();
  }

  private async startWorker({ name, concurrency, process }: QueueWork): Promise<void> {
    const worker = new Worker(name, process, {
      connection: this.pool!,
      concurrency,
      lockDuration: LOCK_DURATION_MS,
      stalledInterval: STALLED_INTERVAL_MS,
      maxStalledCount: MAX_STALLED_COUNT,
      runRetryDelay: 1_000,
    });
    this.watch(worker, name);
    this.workers.push(worker);
    await worker.waitUntilReady();
  }

  /** An 'error' without a listener would end the process; while the database is away they come every second. */
  private watch(source: { on(event: 'error', listener: (error: Error) => void): unknown }, name: string): void {
    source.on('error', (error) => this.log.debug(`queue "${name}": ${error.message}`));
  }
}
