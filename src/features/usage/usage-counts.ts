import type { Decision } from '../evaluator/index.js';
import { bitOf, joined, newSketch, see, type UserSketch } from './user-sketch.js';

/** Stands for a feature in what is kept of a user who asked for all features at once. */
export const ALL_FEATURES = '*';

/** How many pairs of user and feature are kept of one organization in one environment until the next flush, a minute. */
const MOST_USER_COUNTS = 1_000;

/**
 * Different decisions that are kept until the next flush, 50 MiB with the sketches of their users. One flush writes while the
 * next is counted: what 100 organizations ask of 1,000 features in that time fits.
 */
export const MOST_DECISIONS = 100_000;

/** All features as they were decided for somebody, to be counted again when the same answer is given again. */
export interface DecidedAnswer {
  readonly organizationId: string;
  readonly environmentKey: string;
  readonly keys: readonly string[];
  readonly decisions: readonly Decision[];
  readonly user: string | null;
  /** How often it was given since it was last counted. */
  again: number;
}

/** How often one decision was given, and to how many users. */
export interface Count {
  readonly feature: string;
  evaluations: number;
  users: UserSketch | null;
}

/** What was counted of one organization in one environment. */
export class Tally {
  /** Decisions are constants of their feature, so that counting one is finding it. */
  readonly decisions = new Map<Decision, Count>();
  /** By user and feature. */
  readonly users = new Map<string, Map<string, number>>();
  private userCounts = 0;

  constructor(
    readonly organizationId: string,
    readonly environmentKey: string,
  ) {}

  /** @returns whether it is the first of its kind; null when it would be, and there is no room for it. */
  add(feature: string, decision: Decision, bit: number, times: number, room = true): boolean | null {
    let count = this.decisions.get(decision);
    const first = count === undefined;
    if (first && !room) return null;
    if (count === undefined) this.decisions.set(decision, (count = { feature, evaluations: 0, users: null }));
    count.evaluations += times;
    if (bit >= 0) see((count.users ??= newSketch()), bit);
    return first;
  }

  addUser(user: string, feature: string, times: number): void {
    let features = this.users.get(user);
    const before = features?.get(feature);
    if (before === undefined && this.userCounts >= MOST_USER_COUNTS) return;
    if (features === undefined) this.users.set(user, (features = new Map()));
    if (before === undefined) this.userCounts += 1;
    features.set(feature, (before ?? 0) + times);
  }

  merge(other: Tally): void {
    for (const [decision, { feature, evaluations, users }] of other.decisions) {
      this.add(feature, decision, -1, evaluations);
      const count = this.decisions.get(decision)!;
      count.users = joined(count.users, users);
    }
    for (const [user, features] of other.users)
      for (const [feature, times] of features) this.addUser(user, feature, times);
  }
}

/**
 * How features were used since it was last taken away. What it takes is bounded, whatever the traffic: by
 * {@link MOST_DECISIONS}, beyond which it counts what it misses, and of users by a sketch of 128 bytes for each decision and
 * so many by name.
 */
export class UsageCounts {
  private tallies = new Map<string, Map<string, Tally>>();
  private repeated: DecidedAnswer[] = [];
  private decisions = 0;
  private missed = 0;

  /** How many different decisions it holds. */
  get size(): number {
    return this.decisions;
  }

  /** Counts a feature that somebody asked for by its key. */
  one(organizationId: string, environmentKey: string, feature: string, decision: Decision, user: string | null): void {
    const tally = this.openTally(organizationId, environmentKey);
    if (tally === null) this.missed += 1;
    else {
      this.add(tally, feature, decision, bitOf(user), 1);
      if (user !== null) tally.addUser(user, feature, 1);
    }
  }

  /** Counts an answer with all features that was made just now. */
  all(answer: DecidedAnswer, times = 1): void {
    const { organizationId, environmentKey, keys, decisions, user } = answer;
    const tally = this.openTally(organizationId, environmentKey);
    if (tally === null) {
      this.missed += decisions.length * times;
      return;
    }
    const bit = bitOf(user);
    for (let at = 0; at < decisions.length; at += 1) this.add(tally, keys[at]!, decisions[at]!, bit, times);
    if (user !== null) tally.addUser(user, ALL_FEATURES, times);
  }

  /** Notes that an answer was given once more: one step, however many features are in it. */
  again(answer: DecidedAnswer): void {
    if (answer.again === 0) this.repeated.push(answer);
    answer.again += 1;
  }

  /** Takes away what was counted. */
  take(): Tally[] {
    for (const answer of this.repeated) {
      this.all(answer, answer.again);
      answer.again = 0;
    }
    const taken = [...this.tallies.values()].flatMap((tallies) => [...tallies.values()]);
    this.tallies = new Map();
    this.repeated = [];
    this.decisions = 0;
    return taken;
  }

  /** Takes away how many evaluations it had no room for. */
  takeMissed(): number {
    const { missed } = this;
    this.missed = 0;
    return missed;
  }

  /** Puts back what was taken. */
  putBack(taken: readonly Tally[]): void {
    for (const tally of taken) this.tallyOf(tally.organizationId, tally.environmentKey).merge(tally);
    this.decisions = this.count();
  }

  private add(tally: Tally, feature: string, decision: Decision, bit: number, times: number): void {
    const first = tally.add(feature, decision, bit, times, this.decisions < MOST_DECISIONS);
    if (first === null) this.missed += times;
    else if (first) this.decisions += 1;
  }

  /** null: it would be a new one, and there is no room. */
  private openTally(organizationId: string, environmentKey: string): Tally | null {
    return this.decisions < MOST_DECISIONS
      ? this.tallyOf(organizationId, environmentKey)
      : (this.tallies.get(environmentKey)?.get(organizationId) ?? null);
  }

  private tallyOf(organizationId: string, environmentKey: string): Tally {
    let tallies = this.tallies.get(environmentKey);
    if (tallies === undefined) this.tallies.set(environmentKey, (tallies = new Map()));
    let tally = tallies.get(organizationId);
    if (tally === undefined) tallies.set(organizationId, (tally = new Tally(organizationId, environmentKey)));
    return tally;
  }

  private count(): number {
    let count = 0;
    for (const tallies of this.tallies.values()) for (const tally of tallies.values()) count += tally.decisions.size;
    return count;
  }
}
