import { isJsonObject, type Json, type JsonObject } from '../../kernel/json.js';
import { equal } from '../evaluator/values.js';

/** One place in which two states differ. */
export interface Difference {
  /** Such as `rules[Beta testers].rollout.percentage`; elements that have a name or a key are known by it. */
  path: string;
  /** null: it was not there, or was null. */
  before: Json;
  /** null: it is not there, or is null. */
  after: Json;
  /** The same for a person to read. */
  text: string;
}

const MAX_SHOWN = 200;

/**
 * Where two states differ, down to single values. Elements of lists are known by their `name` or `key` where all have
 * one, so that a rule put in front changes no other one; a list of which only the order changed is shown as a whole.
 */
export function differencesOf(before: JsonObject | null, after: JsonObject | null): Difference[] {
  if (before === null || after === null) {
    const only = { path: '', before, after };
    return before === after ? [] : [{ ...only, text: before === null ? 'was added' : 'was removed' }];
  }
  return [...objects(before, after, '')];
}

function* values(before: Json | undefined, after: Json | undefined, path: string): Generator<Difference> {
  if (before !== undefined && after !== undefined && equal(before, after)) return;
  if (isJsonObject(before) && isJsonObject(after)) yield* objects(before, after, path);
  else if (Array.isArray(before) && Array.isArray(after)) yield* lists(before, after, path);
  else yield difference(path, before ?? null, after ?? null);
}

function* objects(before: JsonObject, after: JsonObject, path: string): Generator<Difference> {
  for (const name of new Set([...Object.keys(before), ...Object.keys(after)]))
    yield* values(own(before, name), own(after, name), path === '' ? name : `${path}.${name}`);
}

function* lists(before: Json[], after: Json[], path: string): Generator<Difference> {
  const [old, now] = [named(before), named(after)];
  if (!old || !now) return yield difference(path, before, after);
  for (const name of new Set([...old.keys(), ...now.keys()]))
    yield* values(old.get(name), now.get(name), `${path}[${name}]`);
  const kept = [...old.keys()].filter((name) => now.has(name));
  const order = [...now.keys()].filter((name) => old.has(name));
  if (!equal(kept, order))
    yield { path, before: kept, after: order, text: `${path}: order ${kept.join(', ')} → ${order.join(', ')}` };
}

/** Elements by what they are known by; null where one has no name of its own. */
function named(list: Json[]): Map<string, Json> | null {
  const byName = new Map<string, Json>();
  for (const element of list) {
    const name = isJsonObject(element) ? (own(element, 'name') ?? own(element, 'key')) : null;
    if (typeof name !== 'string' || byName.has(name)) return null;
    byName.set(name, element);
  }
  return byName;
}

function own(object: JsonObject, name: string): Json | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

function difference(path: string, before: Json, after: Json): Difference {
  const text =
    before === null
      ? `${path}: set to ${shown(after)}`
      : after === null
        ? `${path}: removed, was ${shown(before)}`
        : `${path}: ${shown(before)} → ${shown(after)}`;
  return { path, before, after, text };
}

function shown(value: Json): string {
  const text = JSON.stringify(value);
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN - 1)}…` : text;
}
