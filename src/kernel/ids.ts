import { v7 } from 'uuid';

/** A new UUIDv7 (RFC 9562): sorted by time, so that indexes and partitions by id follow the clock. */
export function newId(): string {
  return v7();
}
