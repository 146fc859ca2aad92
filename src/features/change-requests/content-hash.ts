import { createHash } from 'node:crypto';
import { canonical } from '../canonical.js';
import type { StoredEdit } from './edits.js';

/** What an approval is of: the changes, when they are made, and what they were made from. */
export interface Content {
  changes: readonly StoredEdit[];
  applyAt: Date | null;
  baseRevision: number;
  follows: readonly string[];
}

/** SHA-256 of the content, in hexadecimal: equal contents, one hash, whatever the order of keys. */
export function contentHash({ changes, applyAt, baseRevision, follows }: Content): string {
  const content = { changes, applyAt: applyAt?.toISOString() ?? null, baseRevision, follows };
  return createHash('sha256')
    .update(canonical(JSON.parse(JSON.stringify(content))))
    .digest('hex');
}
