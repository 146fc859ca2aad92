import type { EntityManager } from '@mikro-orm/postgresql';
import { Client } from 'pg';
import { newId } from '../kernel/ids.js';

const CHANNEL = 'tenon_changes';
/** Twice a second: an answer that is missing for a second is two in a row. */
const NONCE_EVERY_MS = 500;
/** A silence of this length means that changes may be missed: readers ask the database until it is over. */
const DOWN_AFTER_MS = 1_000;
/** PostgreSQL refuses a payload of 8,000 bytes; 150 UUIDs and their JSON stay below it. */
const KEYS_PER_MESSAGE = 150;

/** Somebody who keeps in memory what the database holds. */
export interface ChangeListener {
  /** What was changed, such as `sessions`. */
  topic: string;
  /** Forgets or reloads what these keys name. */
  changed(keys: string[]): void;
  /** Reloads everything; run whenever listening begins (again), before the bus counts as up. */
  catchUp(): Promise<void>;
}

interface Message {
  topic: string;
  keys: string[];
}

/**
 * Tells every instance, within a commit, that something cached has changed: `NOTIFY` in the transaction of the change,
 * `LISTEN` on a connection of its own. Behind a pooler a LISTEN seems to succeed and hears nothing, so the bus sends
 * itself a nonce and counts as down while none comes back.
 *
 * NOTIFY takes a lock of the whole database at commit: it is for configuration and revocation, never for logins,
 * refreshes or usage.
 */
export class ChangeBus {
  private readonly listeners: ChangeListener[] = [];
  private client: Client | null = null;
  private timer: NodeJS.Timeout | null = null;
  private heardAt = 0;
  private caughtUp = false;
  private connecting = false;
  private stopped = false;
  private readonly nonce = newId();

  /**
   * @param url past any pooler (`DATABASE_DIRECT_URL`).
   * @param onStateChange told when the bus goes down or comes back, for the log.
   */
  constructor(
    private readonly url: string,
    private readonly onStateChange: (up: boolean, reason: string) => void = () => undefined,
  ) {}

  /** Adds a cache; before {@link start}. */
  listen(listener: ChangeListener): void {
    this.listeners.push(listener);
  }

  /** Whether what is kept in memory may be believed. While false, readers ask the database. */
  get up(): boolean {
    return this.caughtUp && performance.now() - this.heardAt < DOWN_AFTER_MS;
  }

  /** Announces a change from within the transaction that makes it; heard by every instance once it commits. */
  async announce(em: EntityManager, topic: string, keys: string[]): Promise<void> {
    for (let start = 0; start < keys.length; start += KEYS_PER_MESSAGE) {
      const message: Message = { topic, keys: keys.slice(start, start + KEYS_PER_MESSAGE) };
      await em.execute('select pg_notify(?, ?)', [CHANNEL, JSON.stringify(message)]);
    }
  }

  /** Begins to listen; resolves when every cache has caught up. @throws when the database does not answer. */
  async start(): Promise<void> {
    await this.connect();
    // Not unref'd: the process lives as long as it listens.
    this.timer ??= setInterval(() => void this.beat(), NONCE_EVERY_MS);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    if (this.timer) clearInterval(this.timer);
    await this.drop('stopped');
  }

  private async connect(): Promise<void> {
    if (this.connecting || this.stopped) return;
    this.connecting = true;
    const client = new Client({
      connectionString: this.url,
      connectionTimeoutMillis: 3_000,
      application_name: 'tenon-changes',
      keepAlive: true,
    });
    try {
      // An 'error' without a listener would end the process.
      client.on('error', () => void this.drop('the connection was lost'));
      client.on('end', () => void this.drop('the connection was closed'));
      client.on('notification', ({ payload }) => this.hear(payload ?? ''));
      await client.connect();
      this.client = client;
      await client.query(`listen ${CHANNEL}`);
      await this.awaitNonce(client);
      // Caught up only after listening: what changes in between is heard and not missed.
      for (const listener of this.listeners) await listener.catchUp();
      this.caughtUp = true;
      this.onStateChange(true, 'listening');
    } catch (error) {
      await this.drop(error instanceof Error ? error.message : 'failed', client);
      throw error;
    } finally {
      this.connecting = false;
    }
  }

  private async awaitNonce(client: Client): Promise<void> {
    const before = this.heardAt;
    await client.query('select pg_notify($1, $2)', [CHANNEL, this.nonce]);
    // The notification stands in the stream before the answer of the next query on the same connection.
    await client.query('select 1');
    if (this.heardAt === before) throw new Error('LISTEN hears nothing; DATABASE_DIRECT_URL has to lead past the pooler');
  }

  private async beat(): Promise<void> {
    if (this.stopped || this.connecting) return;
    if (this.client === null) return void (await this.connect().catch(() => undefined));
    if (performance.now() - this.heardAt > DOWN_AFTER_MS && this.caughtUp) return this.drop('no nonce came back for a second');
    await this.client.query('select pg_notify($1, $2)', [CHANNEL, this.nonce]).catch(() => undefined);
  }

  private hear(payload: string): void {
    if (payload === this.nonce) {
      this.heardAt = performance.now();
      return;
    }
    if (!payload.startsWith('{')) return;
    const { topic, keys } = JSON.parse(payload) as Message;
    for (const listener of this.listeners) if (listener.topic === topic) listener.changed(keys);
  }

  private async drop(reason: string, client = this.client): Promise<void> {
    const wasUp = this.caughtUp;
    this.caughtUp = false;
    if (client === this.client) this.client = null;
    client?.removeAllListeners('end');
    await client?.end().catch(() => undefined);
    if (wasUp && !this.stopped) this.onStateChange(false, reason);
  }
}
