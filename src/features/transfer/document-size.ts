import type { Json } from '../../kernel/json.js';
import type { FieldError } from '../../kernel/problem.js';
import { MOST_ENTRIES } from './transfer-document.dto.js';

/** Objects that make up a document, without what stands in values: a body of 1 MiB has less than half as many that say anything. */
const MOST_OBJECTS = 50_000;
/** What is any JSON of at most 64 KiB, and is checked as such. */
const VALUES = new Set(['value', 'defaultValue', 'schema', 'variationJsonSchema']);

/**
 * Whether a document is more than is worth looking at: each object of it costs validation far more than the two bytes
 * that it takes in a body.
 */
export function sizeFault(document: Json, field: string): FieldError | null {
  let objects = 0;
  const walk = (value: Json, path: string): FieldError | null => {
    if (typeof value !== 'object' || value === null) return null;
    objects += 1;
    if (objects > MOST_OBJECTS) return fault(field, `may hold ${MOST_OBJECTS} objects and lists`);
    if (Array.isArray(value) && value.length > MOST_ENTRIES) return fault(path, `may have ${MOST_ENTRIES} entries`);
    for (const [name, inner] of Object.entries(value)) {
      if (!Array.isArray(value) && VALUES.has(name)) continue;
      const found = walk(inner, `${path}.${name}`);
      if (found) return found;
    }
    return null;
  };
  return walk(document, field);
}

function fault(field: string, says: string): FieldError {
  return { field, code: 'document_too_large', message: `${field} ${says}` };
}
