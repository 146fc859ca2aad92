import { createHash } from 'node:crypto';
import { canonical } from '../canonical.js';
import type { StoredEdit } from './edits.js';

/** What an approval is of: all that was said and asked for, when it is made, and what it was made from. */
export interface Content {
  title: string;
  reason?: string | null;
  /** Counts edits: two of them that end where they began are edits, too. */
  version: number;
  changes: readonly StoredEdit[];
  applyAt?: Date | null;
  baseRevision: number;
  follows: readonly string[];
}

/** Of the requests that one follows, in their order. */
export type FollowedHashes = readonly (string | undefined)[];

/**
 * SHA-256 of the content, in hexadecimal: equal contents, one hash, whatever the order of keys. What a request follows is a
 * part of it, so that an approval does not outlive an edit of that.
 */
export function contentHash(of: Content, followed: FollowedHashes): string {
  const { title, reason = null, version, changes, applyAt = null, baseRevision, follows } = of;
  const content = { title, reason, version, changes, applyAt, baseRevision, follows, followed };
  return createHash('sha256')
    .update(canonical(JSON.parse(JSON.stringify(content))))
    .digest('hex');
}
