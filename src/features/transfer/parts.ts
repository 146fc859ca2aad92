import type { CreateSegmentRequest } from '../segments/segments.dto.js';
import { type FeatureEntry, MOST_ENTRIES } from './transfer-document.dto.js';

/** A body may have 1 MiB: what is left is for environments, plans and what goes around the document. */
const MOST_BYTES = 800 * 1024;

/** What stands in one part of a document. */
export interface Part {
  segments: CreateSegmentRequest[];
  features: FeatureEntry[];
}

/**
 * Cuts a document into parts that can be imported one after the other, in their order. What is larger by itself than a
 * part may be has one for itself.
 */
export function cut(segments: readonly CreateSegmentRequest[], features: readonly FeatureEntry[]): [Part, ...Part[]] {
  const parts: [Part, ...Part[]] = [{ segments: [], features: [] }];
  let bytes = 0;
  const partFor = (entry: object): Part => {
    const more = Buffer.byteLength(JSON.stringify(entry)) + 1;
    const last = parts.at(-1)!;
    const entries = Math.max(last.segments.length, last.features.length);
    const isFull = bytes > 0 && (bytes + more > MOST_BYTES || entries >= MOST_ENTRIES);
    if (isFull) parts.push({ segments: [], features: [] });
    bytes = isFull ? more : bytes + more;
    return parts.at(-1)!;
  };
  for (const segment of segments) partFor(segment).segments.push(segment);
  for (const feature of features) partFor(feature).features.push(feature);
  return parts;
}
