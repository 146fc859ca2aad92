import type { FeatureType, Json } from './model.js';

/** Whether a value is of a feature's type; a number too large for JSON, such as 1e400, is of none. */
export function fits(type: FeatureType, value: Json | undefined): value is Json {
  if (value === undefined || !isFinite(value)) return false;
  return type === 'json' || typeof value === type;
}

function isFinite(value: Json): boolean {
  if (typeof value === 'number') return Number.isFinite(value);
  return typeof value !== 'object' || value === null || Object.values(value).every(isFinite);
}

/** Whether two values are the same JSON; the order of an object's keys says nothing. */
export function equal(a: Json, b: Json): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    return Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((part, i) => equal(part, b[i]!));
  }
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && equal(a[key]!, b[key]!));
}
