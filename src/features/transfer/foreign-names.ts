import { TAG } from '../definitions/definitions.dto.js';
import { FEATURE_KEY } from '../feature-key.js';
import type { NotCarriedOver } from './import-source.js';

/**
 * What another system calls something, as one of our keys; null where nothing of it could stand in one. What is a key stays
 * as it is, but for capitals; signs that cannot stand in one become a hyphen, and at either end nothing.
 */
export function toKey(name: string): string | null {
  const lower = name.toLowerCase();
  if (FEATURE_KEY.test(lower)) return lower;
  const key = lower
    .replaceAll(/[^a-z0-9._-]+/g, '-')
    .replace(/^[^a-z0-9]+/, '')
    .slice(0, 100)
    .replace(/-+$/, '');
  return FEATURE_KEY.test(key) ? key : null;
}

/** Keys for names, each of its own, and a note for each that is not the name itself. */
export class Keys {
  private readonly byName = new Map<string, string>();
  private readonly taken = new Set<string>();

  constructor(
    private readonly kind: string,
    private readonly notes: NotCarriedOver[],
  ) {}

  /** The key for a name that stands at a path; null, with a note, where it can have none. */
  give(name: string, path: string): string | null {
    const key = toKey(name);
    const what = `the ${this.kind} "${name.slice(0, 200)}"`;
    if (key === null) this.notes.push({ path, what, why: 'Nothing of its name can stand in a key: rename it there' });
    else if (this.taken.has(key))
      this.notes.push({
        path,
        what,
        why: `Another ${this.kind} has the key "${key}" already: rename one of them there`,
      });
    else {
      this.taken.add(key);
      this.byName.set(name, key);
      if (key !== name) this.notes.push({ path, what: `${what}, by this name`, why: `Its key here is "${key}"` });
      return key;
    }
    return null;
  }

  /** The key that a name was given, or would be. */
  of(name: string): string {
    return this.byName.get(name) ?? toKey(name) ?? '';
  }
}

/** Texts as names of rules: one line each, and none twice. */
export function uniqueNames(names: readonly string[]): string[] {
  const taken = new Set<string>();
  return names.map((name) => {
    const line = [...name.replaceAll(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ').trim()].slice(0, 100).join('') || 'Rule';
    let unique = line;
    for (let count = 2; taken.has(unique); count += 1) unique = `${line} (${count})`;
    taken.add(unique);
    return unique;
  });
}

/** Words that can stand as tags here; the others are noted. */
export function toTags(words: readonly string[], path: string, notes: NotCarriedOver[]): string[] {
  const tags = [...new Set(words)];
  for (const word of tags)
    if (!TAG.test(word))
      notes.push({
        path,
        what: `the tag "${word.slice(0, 100)}"`,
        why: 'A tag is one word of letters, digits, . _ and -',
      });
  return tags.filter((word) => TAG.test(word)).slice(0, 50);
}
