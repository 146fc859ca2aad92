import { randomFillSync } from 'node:crypto';
import { v7 } from 'uuid';

/** A new UUIDv7 (RFC 9562): sorted by time, so that indexes and partitions by id follow the clock. */
export function newId(): string {
  return v7();
}

/** Random bytes for 400 ids, ten each: drawn at once they cost an id 0.1 µs instead of 4. */
const pool = Buffer.alloc(4_000);
let taken = pool.length;
let lastMs = 0;
/** How ids of {@link lastMs} begin: with its 12 digits and the version. */
let prefix = '';

/**
 * An id for a request, UUIDv7 too (RFC 9562, 5.7): 48 bits of milliseconds, then version, variant and 74 random bits. Those
 * of one millisecond are in no order, which nobody asks for. 0.2 µs, where {@link newId} takes 4.
 */
export function newRequestId(): string {
  if (taken === pool.length) {
    randomFillSync(pool);
    taken = 0;
  }
  const ms = Date.now();
  if (ms !== lastMs) {
    lastMs = ms;
    prefix = `${firstIdAt(ms).slice(0, 13)}-7`;
  }
  const variant = '89ab'[pool[taken]! & 3]!;
  const random = pool.toString('hex', taken + 1, (taken += 10));
  return `${prefix}${random.slice(0, 3)}-${variant}${random.slice(3, 6)}-${random.slice(6)}`;
}

/**
 * The id before every UUIDv7 of this millisecond, as `uuid_v7_floor()` of the database has it: a bound for a range of
 * time over ids. RFC 9562, 5.7: the first 48 bits are milliseconds since 1970.
 * @param ms since 1970; before it counts as 1970, and what 48 bits cannot hold as the last that they can.
 */
export function firstIdAt(ms: number): string {
  const hex = Math.min(Math.max(0, Math.floor(ms)), 2 ** 48 - 1)
    .toString(16)
    .padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`;
}

/** When a UUIDv7 was made, in ms since 1970; null for an id of another version. */
export function timeOfId(id: string): number | null {
  return id[14] === '7' ? Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16) : null;
}
