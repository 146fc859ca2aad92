import { Socket } from 'node:net';
import type { EntityManager } from '@mikro-orm/postgresql';
import { Client } from 'pg';
import { newId } from '../kernel/ids.js';

const CHANNEL = 'tenon_changes';
/** Twice a second: an answer that is missing for a second is two in a row. */
const NONCE_EVERY_MS = 500;
const NONCES_UNANSWERED = 2;
/** What was committed longer ago than this has to have been heard, or readers ask the database. */
const DOWN_AFTER_MS = 1_000;
/** PostgreSQL refuses a payload of 8,000 bytes; 150 UUIDs and their JSON stay below it. */
const KEYS_PER_MESSAGE = 150;

/** The topic of every cache. */
const EVERYTHING = '*';

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
  private readonly id = newId();
  private readonly listeners: ChangeListener[] = [];
  private timer: NodeJS.Timeout | null = null;
  /** The connection, from its first attempt until it is given up; null between two. */
  private client: Client | null = null;
  private socket: Socket | null = null;
  /** LISTEN was seen to hear. */
  private listening = false;
  private caughtUp = false;
  /** When the last nonce that came back was sent: PostgreSQL delivers in the order of commits. */
  private heardUntil = -Infinity;
  private unanswered = 0;
  private sendingOn: Client | null = null;
  private told: boolean | null = null;
  private stopped = false;

  /**
   * @param url past any pooler (`DATABASE_DIRECT_URL`).
   * @param onStateChange told when the bus comes up, goes down or cannot come up at first, for the log.
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
    return this.caughtUp && performance.now() - this.heardUntil < DOWN_AFTER_MS;
  }

  /** Announces a change from within the transaction that makes it; heard by every instance once it commits. */
  async announce(em: EntityManager, topic: string, keys: readonly string[]): Promise<void> {
    for (let start = 0; start < keys.length; start += KEYS_PER_MESSAGE) {
      const message: Message = { topic, keys: keys.slice(start, start + KEYS_PER_MESSAGE) };
      await em.execute('select pg_notify(?, ?)', [CHANNEL, JSON.stringify(message)]);
    }
  }

  /** Makes every cache of every instance read anew once the transaction commits: for changes past the rooms' own ways. */
  async announceEverything(em: EntityManager): Promise<void> {
    await em.execute('select pg_notify(?, ?)', [
      CHANNEL,
      JSON.stringify({ topic: EVERYTHING, keys: [] } satisfies Message),
    ]);
  }

  /**
   * Begins to listen; resolves when every cache has caught up, or the first attempt has failed. Failing is no reason
   * not to serve: readers ask the database, and the bus tries on twice a second.
   */
  async start(): Promise<void> {
    // Not unref'd: the process lives as long as it listens.
    this.timer ??= setInterval(() => this.beat(), NONCE_EVERY_MS);
    if (!this.client) await this.connect();
  }

  stop(): void {
    this.stopped = true;
    if (this.timer) clearInterval(this.timer);
    if (this.client) this.drop(this.client, 'stopped');
  }

  private async connect(): Promise<void> {
    const socket = new Socket();
    const client = new Client({
      connectionString: this.url,
      stream: () => socket,
      connectionTimeoutMillis: 3_000,
      // Without it a connection that died silently would be waited for forever.
      query_timeout: 3_000,
      application_name: 'tenon-changes',
      keepAlive: true,
    });
    this.client = client;
    this.socket = socket;
    // An 'error' without a listener would end the process.
    client.on('error', () => this.drop(client, 'the connection was lost'));
    client.on('end', () => this.drop(client, 'the connection was closed'));
    client.on('notification', ({ payload = '' }) => this.hear(client, payload));
    try {
      await client.connect();
      await client.query(`listen ${CHANNEL}`);
      const before = this.heardUntil;
      await this.sendNonce(client);
      // The notification stands in the stream before the answer of the next query on the same connection.
      await client.query('select 1');
      if (this.heardUntil === before)
        throw new Error('LISTEN hears nothing; DATABASE_DIRECT_URL has to lead past the pooler');
      this.listening = this.client === client;
      // Caught up only after listening: what changes in between is heard and not missed.
      for (const listener of this.listeners) await listener.catchUp();
    } catch (error) {
      return this.drop(client, error instanceof Error ? error.message : 'failed');
    }
    // Lost again while catching up: the next connection begins anew.
    if (this.client !== client) return;
    this.caughtUp = true;
    this.tell(true, 'listening');
  }

  private beat(): void {
    const { client } = this;
    if (!client) return void this.connect();
    // Time-outs of its own end a connection that does not get as far as listening.
    if (!this.listening) return;
    // Counted and not timed: after a second in which this process itself stood still, the answers wait in the socket.
    if (this.unanswered >= NONCES_UNANSWERED) return this.drop(client, 'no nonce came back for a second');
    this.sendNonce(client).catch(() => this.drop(client, 'a nonce could not be sent'));
  }

  private async sendNonce(client: Client): Promise<void> {
    this.unanswered += 1;
    // A server that does not answer is not asked again: queries would queue up behind each other.
    if (this.sendingOn === client) return;
    this.sendingOn = client;
    try {
      // Nothing of it has to survive a crash: without waiting for the disk NOTIFY's lock is held for microseconds.
      await client.query(`select set_config('synchronous_commit', 'off', true), pg_notify($1, $2)`, [
        CHANNEL,
        `${this.id} ${performance.now()}`,
      ]);
    } finally {
      if (this.sendingOn === client) this.sendingOn = null;
    }
  }

  private hear(client: Client, payload: string): void {
    if (client !== this.client) return;
    if (payload.startsWith(this.id)) {
      this.heardUntil = Number(payload.slice(this.id.length));
      this.unanswered = 0;
      return;
    }
    const message = parse(payload);
    if (message?.topic === EVERYTHING) return void this.readAnew(client);
    try {
      for (const listener of this.listeners) if (listener.topic === message?.topic) listener.changed(message.keys);
    } catch {
      // What this cache holds is wrong now: catching up is the way back.
      this.drop(client, `the cache of ${message?.topic} did not take a change`);
    }
  }

  private async readAnew(client: Client): Promise<void> {
    try {
      for (const listener of this.listeners) await listener.catchUp();
    } catch {
      this.drop(client, 'a cache could not be read anew');
    }
  }

  /** Gives a connection up, once. */
  private drop(client: Client, reason: string): void {
    if (client !== this.client) return;
    this.client = null;
    this.listening = false;
    this.caughtUp = false;
    this.unanswered = 0;
    if (!this.stopped) this.tell(false, reason);
    // Not `client.end()`: it waits for a server that may never answer.
    this.socket?.destroy();
  }

  private tell(up: boolean, reason: string): void {
    if (this.told === up) return;
    this.told = up;
    this.onStateChange(up, reason);
  }
}

/** Reads a message; null for nonces of other instances and whatever else somebody may send on the channel. */
function parse(payload: string): Message | null {
  if (!payload.startsWith('{')) return null;
  try {
    const { topic, keys } = JSON.parse(payload) as Partial<Message>;
    return typeof topic === 'string' && Array.isArray(keys) ? { topic, keys } : null;
  } catch {
    return null;
  }
}
