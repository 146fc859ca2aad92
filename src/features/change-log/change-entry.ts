import type { Actor } from '../../kernel/actor.js';
import type { JsonObject } from '../../kernel/json.js';
import type { ChangeKind, FeatureChangeLog } from './feature-change-log.entity.js';

/** One thing that a change made, changed or removed, whole before and after. */
export interface ChangeEntry {
  actor: Actor;
  kind: ChangeKind;
  feature?: string;
  segment?: string;
  environment?: string;
  /** null: it was not there, or not configured. */
  before: JsonObject | null;
  /** null: it is gone. */
  after: JsonObject | null;
  /** Why, as whoever changed it says. */
  reason?: string | null;
  /** It follows from the change of something else: the other side of a conflict, a plan that went. */
  derived?: boolean;
}

/** Why a change is made, where that is more than one request of one admin. */
export interface ChangeOrigin {
  /** The approved change request. */
  changeRequestId?: string;
  /** The entry that is rolled back. */
  rolledBackId?: string;
  /** Of entries that have none of their own. */
  reason?: string | null;
}

/** A change that is being made: what it names for those who keep features in memory, and its entries. */
export class OpenChange {
  readonly keys = new Set<string>();
  readonly entries: ChangeEntry[] = [];
  /** The entries as the log has them, once the change was committed. */
  written: readonly FeatureChangeLog[] = [];

  /** Notes keys of what changed; with nothing noted the transaction is no change. */
  names(...keys: string[]): void {
    for (const key of keys) this.keys.add(key);
  }

  /** Leaves an entry for the change log. */
  log(entry: ChangeEntry): void {
    this.entries.push(entry);
  }
}
