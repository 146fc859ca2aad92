import { Keys } from '../foreign-names.js';
import type { NotCarriedOver, Placed } from '../import-source.js';
import { toConditions } from './conditions.js';
import type { UnleashDocument, UnleashFlagSegment } from './document.js';

/** The segments of a document, by the numbers that strategies name them by. */
export class Segments {
  readonly entries: Placed<object>[] = [];
  private readonly keys = new Map<number, string>();

  constructor({ segments = [] }: UnleashDocument, notes: NotCarriedOver[]) {
    const keys = new Keys('segment', notes);
    for (const [at, segment] of segments.entries()) {
      const path = `document.segments.${at}`;
      const { id, name = `segment-${id}`, description = null } = segment;
      const when = toWhen(segment);
      if (!Array.isArray(when)) {
        notes.push({ path, what: `the segment "${name}"`, ...when });
        continue;
      }
      const key = keys.give(name, path);
      if (key === null) continue;
      this.keys.set(id, key);
      this.entries.push({ path, entry: { key, name, description, when } });
    }
  }

  /** The key that a segment has here; undefined where it did not come along. */
  of(id: number): string | undefined {
    return this.keys.get(id);
  }
}

function toWhen({ constraints }: UnleashFlagSegment) {
  if (!constraints)
    return {
      why: 'The export has no constraints of segments: put the answer of GET /api/admin/segments in place of them',
    };
  const conditions = constraints.map(toConditions);
  const wrong = conditions.find((one) => !Array.isArray(one));
  if (wrong) return wrong;
  const when = conditions.flatMap((one) => (Array.isArray(one) ? one : []));
  return when.length > 0 ? when : { why: 'It has no constraints' };
}
