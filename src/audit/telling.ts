import { PLATFORM_ADMIN } from '../kernel/actor.js';
import { type ErrorCode, errors } from '../kernel/errors.js';
import type { EntryFacts } from './audit-log.view.js';

const MAX_CODE_POINTS = 80;
const MAX_FIELDS = 4;
/** Stands for a reason that nobody gave. */
export const NO_REASON = 'no reason given';
const DELETED = 'a deleted user';
const DELETED_ACCOUNT = 'a deleted service account';

/**
 * A value that a person chose, as it may stand in a sentence: one line, without control and format characters, which
 * could turn the text around it (Unicode TR 36), and not so long that nothing else is seen.
 * @returns null for what is no text, number or truth value.
 */
export function shown(value: unknown): string | null {
  if (Array.isArray(value)) return value.length === 0 ? null : shown(value.map((one) => shown(one) ?? '…').join(', '));
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (typeof value !== 'string') return null;
  const points = [...value.replace(/[\p{C}\p{Z}]+/gu, ' ').trim()];
  return points.length > MAX_CODE_POINTS
    ? `${points.slice(0, MAX_CODE_POINTS - 1).join('')}…`
    : points.join('') || null;
}

/** An entry in the words that sentences are made of. Whatever a field misses has a word that stands for it. */
export class Telling {
  /** Who acted: `Ada Lovelace`, `the service account CI`, `a platform admin`, `somebody`, `Tenon`. */
  readonly who: string;
  /** Whom it is about. */
  readonly person: string;
  /** Who acted for themselves; where nobody was signed in, the person whose mail it came from. */
  readonly self: string;
  /** Whether somebody did it to themselves. */
  readonly ofSelf: boolean;
  /** Id of what was acted on, where it is one to read, such as an address or a key. */
  readonly target: string;
  readonly reason: string;

  constructor(
    private readonly entry: EntryFacts,
    names: ReadonlyMap<string, string>,
  ) {
    const nameOf = (id: string): string => shown(names.get(id)) ?? DELETED;
    this.person = entry.userId === null ? 'somebody' : nameOf(entry.userId);
    this.who = actorOf(entry, nameOf);
    this.self = entry.actorKind === 'user' || entry.actorKind === 'service_account' ? this.who : this.person;
    this.ofSelf = entry.userId !== null && entry.actorId === entry.userId;
    this.target = shown(entry.targetId) ?? 'something';
    this.reason = shown(entry.reason) ?? NO_REASON;
  }

  /** Whether it was done for a person by somebody else, or by Tenon. */
  get byAnother(): boolean {
    return this.entry.actorKind === 'system' || (this.entry.actorKind !== 'anonymous' && !this.ofSelf);
  }

  /** What the first of these fields is since, was before, or else `otherwise`. */
  now(otherwise: string, ...fields: string[]): string {
    return pick(this.entry.after, fields) ?? pick(this.entry.before, fields) ?? otherwise;
  }

  /** `1 row`, `5 rows`: how many a field says, of what is counted in the singular; else `otherwise` many. */
  count(field: string, singular: string, otherwise: string): string {
    const number = this.now(otherwise, field);
    return `${number} ${singular}${number === '1' ? '' : 's'}`;
  }

  /** ` from member to admin`, as far as it is known. */
  change(...fields: string[]): string {
    const before = pick(this.entry.before, fields);
    const after = pick(this.entry.after, fields);
    return `${before === null ? '' : ` from ${before}`}${after === null ? '' : ` to ${after}`}`;
  }

  /** ` as admin`; nothing when the field is not there. */
  as(field: string): string {
    const value = this.now('', field);
    return value && ` as ${value}`;
  }

  /** ` (reports)`; nothing when the field is not there. */
  of(field: string): string {
    const value = this.now('', field);
    return value && ` (${value})`;
  }

  /** ` (mfaRequired on, ipAllowList)`: the fields that were changed, and what switches were switched to. */
  get fields(): string {
    return this.fieldsBut();
  }

  /** The fields that were changed, without one that the sentence tells itself. */
  fieldsBut(told?: string): string {
    const keys = [...new Set([...Object.keys(this.entry.before ?? {}), ...Object.keys(this.entry.after ?? {})])];
    const changed = keys
      .filter((key) => key !== told && this.changes(key))
      .map((key) => [shown(key) ?? '…', this.switched(key)].filter(Boolean).join(' '));
    if (changed.length === 0) return '';
    const more = changed.length > MAX_FIELDS ? ` and ${changed.length - MAX_FIELDS} more` : '';
    return ` (${changed.slice(0, MAX_FIELDS).join(', ')}${more})`;
  }

  /** `on` or `off`: to what a field was switched; null where it was not, or is no switch. */
  switched(field: string): 'on' | 'off' | null {
    const value = this.entry.after?.[field];
    if (typeof value !== 'boolean' || !this.changes(field)) return null;
    return value ? 'on' : 'off';
  }

  /** What stood against it, in the words of the error that the reason is a code of. */
  get refusal(): string {
    return Object.hasOwn(errors, this.reason) ? errors[this.reason as ErrorCode].title : this.reason;
  }

  /** Whether a field is another one since. */
  changes(field: string): boolean {
    const { before, after } = this.entry;
    return JSON.stringify(before?.[field]) !== JSON.stringify(after?.[field]);
  }
}

function actorOf(entry: EntryFacts, nameOf: (id: string) => string): string {
  if (entry.actorKind === 'system') return 'Tenon';
  if (entry.actorRole === PLATFORM_ADMIN) return 'a platform admin';
  if (entry.actorKind === 'anonymous' || entry.actorId === null) return 'somebody';
  const name = nameOf(entry.actorId);
  if (entry.actorKind === 'service_account') return name === DELETED ? DELETED_ACCOUNT : `the service account ${name}`;
  if (entry.apiKeyId !== null) return `${name} (by an API key)`;
  return entry.impersonatorId === null ? name : `a platform admin in the name of ${name}`;
}

function pick(data: Record<string, unknown> | null, fields: readonly string[]): string | null {
  for (const field of fields) {
    const value = shown(data?.[field]);
    if (value !== null) return value;
  }
  return null;
}
