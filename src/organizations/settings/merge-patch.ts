import { isDeepStrictEqual } from 'node:util';
import { isJsonObject, type Json, type JsonObject } from '../../kernel/json.js';

/**
 * Merges a patch into a value (JSON Merge Patch, RFC 7396, 2): objects by path, null removes, anything else replaces.
 * Neither is changed. Names become own properties, whatever they are: no prototype is reached.
 */
export function mergePatch(target: Json | undefined, patch: Json): Json {
  if (!isJsonObject(patch)) return patch;
  const merged = new Map(isJsonObject(target) ? Object.entries(target) : []);
  for (const [name, value] of Object.entries(patch))
    if (value === null) merged.delete(name);
    else merged.set(name, mergePatch(merged.get(name), value));
  return Object.fromEntries(merged);
}

/** The smallest patch that makes `to` of `from`: what changed between them, null where something went. */
export function patchBetween(from: JsonObject, to: JsonObject): JsonObject {
  const names = new Set([...Object.keys(from), ...Object.keys(to)]);
  return Object.fromEntries(
    [...names].flatMap((name): [string, Json][] => {
      // Own ones alone: every object has a `toString` that nobody set.
      const [before, after] = [from, to].map((one) => (Object.hasOwn(one, name) ? one[name] : undefined));
      if (after === undefined) return [[name, null]];
      if (isDeepStrictEqual(before, after)) return [];
      return [[name, isJsonObject(before) && isJsonObject(after) ? patchBetween(before, after) : after]];
    }),
  );
}
