import { createHmac, type KeyObject } from 'node:crypto';
import type { ThrottlerStorage } from '@nestjs/throttler';
import type { Pool } from 'pg';

/** What the interface gives back; the library does not export its name. */
export type LimitRecord = Awaited<ReturnType<ThrottlerStorage['increment']>>;

/** 128 bits of the HMAC are beyond collisions, and half of the index. */
const KEY_BYTES = 16;
/** A statement that takes longer has met a lock or a dead connection; the request has waited enough. */
const STATEMENT_TIMEOUT_MS = 3_000;

// The rows are written in the order of their keys, so that the batches of two instances never wait for each other in a
// circle. now() is the same for the whole statement; a row that another instance renewed meanwhile is simply counted up.
const COUNT = `
  insert into rate_limit_tracking as tracked (key, policy, hits, window_started_at, expires_at)
  select key, policy, hits, now(), now() + make_interval(secs => seconds)
    from unnest($1::bytea[], $2::text[], $3::int[], $4::float8[]) as batch (key, policy, hits, seconds)
   order by key
      on conflict (key) do update set
         hits = excluded.hits + case when tracked.expires_at > now() then tracked.hits else 0 end,
         window_started_at = case when tracked.expires_at > now() then tracked.window_started_at else now() end,
         expires_at = case when tracked.expires_at > now() then tracked.expires_at else excluded.expires_at end
  returning encode(key, 'hex') as key, hits, extract(epoch from expires_at - clock_timestamp())::float8 as seconds`;

interface Row {
  key: string;
  hits: number;
  seconds: number;
}

interface Caller {
  limit: number;
  resolve(record: LimitRecord): void;
  reject(error: unknown): void;
}

/** Everybody who waits for the count of one key. */
interface Entry {
  hash: string;
  policy: string;
  seconds: number;
  callers: Caller[];
}

/**
 * Counts hits in PostgreSQL, for all instances together, by the database's clock.
 *
 * Windows are fixed: the first hit opens one, which ends `ttl` later whatever happens. That lets exactly `limit` through
 * and knows exactly when the next one may come; the price is that the end of one window and the start of the next can
 * stand side by side. A blocked key is blocked until its window ends, so `blockDuration` adds nothing.
 *
 * One statement is in flight at a time. Hits that arrive meanwhile form the next one (group commit), with one row for
 * each key, and each caller gets its own place in the count. With 64 callers a hit costs 1/64 of a statement.
 */
export class PostgresLimitStorage implements ThrottlerStorage {
  private waiting = new Map<string, Entry>();
  private counting = false;
  private readonly pool: () => Promise<Pick<Pool, 'query'>>;
  private readonly secret: KeyObject;

  /**
   * @param pool of the application's login. Statements run outside of any transaction.
   * @param secret keys the hash under which a subject is stored; the same for all instances.
   */
  constructor(pool: () => Promise<Pick<Pool, 'query'>>, secret: KeyObject) {
    this.pool = pool;
    this.secret = secret;
  }

  /**
   * Counts one hit.
   * @param key whom and what it counts, in clear; only its HMAC leaves the process.
   * @param ttl length of the window, ms.
   * @param limit hits in a window that are let through.
   * @returns the place of this hit in the window, and whole seconds until it ends.
   * @throws the driver's error when it could not be counted.
   */
  increment(key: string, ttl: number, limit: number, _blockDuration: number, policy: string): Promise<LimitRecord> {
    return new Promise((resolve, reject) => {
      let entry = this.waiting.get(key);
      if (!entry) {
        const hash = createHmac('sha256', this.secret)
          .update(key)
          .digest('hex')
          .slice(0, KEY_BYTES * 2);
        entry = { hash, policy, seconds: ttl / 1_000, callers: [] };
        this.waiting.set(key, entry);
      }
      entry.callers.push({ limit, resolve, reject });
      if (this.counting) return;
      this.counting = true;
      // Requests that were read in the same turn of the event loop go together.
      setImmediate(() => void this.countWaiting());
    });
  }

  private async countWaiting(): Promise<void> {
    while (this.waiting.size > 0) {
      const batch = this.takeWaiting();
      try {
        settle(batch, await this.count(batch));
      } catch (error) {
        // Who came while this was failing would wait as long again: they hear it now.
        refuse([...batch, ...this.takeWaiting()], error);
      }
    }
    this.counting = false;
  }

  private takeWaiting(): Entry[] {
    const entries = [...this.waiting.values()];
    this.waiting = new Map();
    return entries;
  }

  private async count(batch: Entry[]): Promise<Row[]> {
    const pool = await this.pool();
    const { rows } = await pool.query<Row>({
      text: COUNT,
      values: [
        batch.map(({ hash }) => `\\x${hash}`),
        batch.map(({ policy }) => policy),
        batch.map(({ callers }) => callers.length),
        batch.map(({ seconds }) => seconds),
      ],
      query_timeout: STATEMENT_TIMEOUT_MS,
    } as { text: string; values: unknown[] });
    return rows;
  }
}

/** Tells each caller its place: the last of three stands where the row stands, the first two before it. */
function settle(batch: Entry[], rows: Row[]): void {
  const byKey = new Map(rows.map((row) => [row.key, row]));
  for (const { hash, callers } of batch) {
    const { hits, seconds } = byKey.get(hash)!;
    const timeToExpire = Math.max(1, Math.ceil(seconds));
    for (const [index, { limit, resolve }] of callers.entries()) {
      const totalHits = hits - callers.length + index + 1;
      const isBlocked = totalHits > limit;
      resolve({ totalHits, timeToExpire, isBlocked, timeToBlockExpire: isBlocked ? timeToExpire : 0 });
    }
  }
}

function refuse(batch: Entry[], error: unknown): void {
  for (const { callers } of batch) for (const { reject } of callers) reject(error);
}
