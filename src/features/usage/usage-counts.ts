import type { Decision } from '../evaluator/index.js';
import { bitOf, joined, type Seen, seenWith } from './sketch.js';
import { Totals } from './totals.js';

/** Stands for a feature in what is kept of an organization, or a user, who asked for all features at once. */
export const ALL_FEATURES = '*';

/** How many pairs of user and feature are kept of one organization in one environment until the next flush, a minute. */
const MOST_USER_COUNTS = 1_000;

/** Different counts that are kept until the next flush, 70 MiB with the sketches of their users. One flush writes while the next is counted. */
export const MOST_COUNTS = 100_000;

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

/** How often something was given, and to whom. */
export class Count {
  evaluations = 0;
  users: Seen = null;

  add(times: number, userBit: number): void {
    this.evaluations += times;
    this.users = seenWith(this.users, userBit);
  }

  merge(other: Count): void {
    this.evaluations += other.evaluations;
    this.users = joined(this.users, other.users);
  }
}

/** How often one decision was given. */
export class DecisionCount extends Count {
  constructor(readonly feature: string) {
    super();
  }
}

/** What was counted of one organization in one environment. */
export class OrganizationTally {
  /** Of what was asked for by its key. */
  readonly decisions = new Map<Decision, DecisionCount>();
  /** Of answers with all features. */
  all: Count | null = null;
  /** By user and feature. */
  readonly users = new Map<string, Map<string, number>>();
  readonly bit: number;
  private userCounts = 0;

  constructor(readonly organizationId: string) {
    this.bit = bitOf(organizationId);
  }

  addUser(user: string, feature: string, times: number): void {
    let features = this.users.get(user);
    const before = features?.get(feature);
    if (before === undefined && this.userCounts >= MOST_USER_COUNTS) return;
    if (features === undefined) this.users.set(user, (features = new Map()));
    if (before === undefined) this.userCounts += 1;
    features.set(feature, (before ?? 0) + times);
  }

  merge(other: OrganizationTally): void {
    mergeAll(this.decisions, other.decisions);
    if (this.all && other.all) this.all.merge(other.all);
    else this.all ??= other.all;
    for (const [user, features] of other.users)
      for (const [feature, times] of features) this.addUser(user, feature, times);
  }
}

/** What was counted in one environment. Decisions are constants of their feature, so that counting one is finding it. */
export class EnvironmentTally {
  readonly totals = new Totals();
  readonly organizations = new Map<string, OrganizationTally>();

  constructor(readonly environmentKey: string) {}

  merge(other: EnvironmentTally): void {
    this.totals.merge(other.totals);
    mergeAll(this.organizations, other.organizations);
  }

  /** How many different counts it holds. */
  get size(): number {
    let size = this.totals.size + this.organizations.size;
    for (const { decisions } of this.organizations.values()) size += decisions.size;
    return size;
  }
}

function mergeAll<K, V extends { merge(other: V): void }>(into: Map<K, V>, from: ReadonlyMap<K, V>): void {
  for (const [key, value] of from) {
    const known = into.get(key);
    if (known) known.merge(value);
    else into.set(key, value);
  }
}

/**
 * How features were used since it was last taken away: each decision in total, and for each organization what it asked for
 * by its key and how often for all. An answer with 1,000 features for 5,000 organizations is 1,000 totals and 5,000 counts,
 * not five million.
 *
 * What it takes is bounded, whatever the traffic: by {@link MOST_COUNTS}, beyond which it says how many evaluations it
 * missed, and of users by a sketch for each count and so many by name.
 */
export class UsageCounts {
  private environments = new Map<string, EnvironmentTally>();
  private repeated: DecidedAnswer[] = [];
  private counts = 0;
  private missed = 0;

  /** How many different counts it holds. */
  get size(): number {
    return this.counts;
  }

  /** Counts a feature that somebody asked for by its key. */
  one(organizationId: string, environmentKey: string, feature: string, decision: Decision, user: string | null): void {
    const environment = this.environmentOf(environmentKey);
    const organization = this.organizationOf(environment, organizationId);
    const count = organization && this.countOf(organization, feature, decision);
    if (!count) {
      this.missed += 1;
      return;
    }
    const bit = bitOf(user);
    this.total(environment, [feature], [decision], 1, bit, organization.bit);
    count.add(1, bit);
    if (user !== null) organization.addUser(user, feature, 1);
  }

  /** Counts an answer with all features that was made just now. */
  all({ organizationId, environmentKey, keys, decisions, user }: DecidedAnswer, times = 1): void {
    const environment = this.environmentOf(environmentKey);
    const organization = this.organizationOf(environment, organizationId);
    if (!organization) {
      this.missed += decisions.length * times;
      return;
    }
    const bit = bitOf(user);
    this.total(environment, keys, decisions, times, bit, organization.bit);
    (organization.all ??= new Count()).add(times, bit);
    if (user !== null) organization.addUser(user, ALL_FEATURES, times);
  }

  /** Notes that an answer was given once more: one step, however many features are in it. */
  again(answer: DecidedAnswer): void {
    if (answer.again === 0) this.repeated.push(answer);
    answer.again += 1;
  }

  /** Takes away what was counted, by environment. */
  take(): EnvironmentTally[] {
    for (const answer of this.repeated) {
      this.all(answer, answer.again);
      answer.again = 0;
    }
    const taken = [...this.environments.values()];
    this.environments = new Map();
    this.repeated = [];
    this.counts = 0;
    return taken;
  }

  /** Takes away how many evaluations it had no room for. */
  takeMissed(): number {
    const { missed } = this;
    this.missed = 0;
    return missed;
  }

  /** Puts back what was taken. */
  putBack(taken: readonly EnvironmentTally[]): void {
    for (const tally of taken) this.environmentOf(tally.environmentKey).merge(tally);
    this.counts = 0;
    for (const { size } of this.environments.values()) this.counts += size;
  }

  private environmentOf(key: string): EnvironmentTally {
    let environment = this.environments.get(key);
    if (environment === undefined) this.environments.set(key, (environment = new EnvironmentTally(key)));
    return environment;
  }

  /** undefined: it would be a new one, and there is no room. */
  private organizationOf({ organizations }: EnvironmentTally, id: string): OrganizationTally | undefined {
    let organization = organizations.get(id);
    if (organization === undefined && this.counts < MOST_COUNTS) {
      organizations.set(id, (organization = new OrganizationTally(id)));
      this.counts += 1;
    }
    return organization;
  }

  /** undefined: it would be a new one, and there is no room. */
  private countOf({ decisions }: OrganizationTally, feature: string, decision: Decision): DecisionCount | undefined {
    let count = decisions.get(decision);
    if (count === undefined && this.counts < MOST_COUNTS) {
      decisions.set(decision, (count = new DecisionCount(feature)));
      this.counts += 1;
    }
    return count;
  }

  private total(
    { totals }: EnvironmentTally,
    features: readonly string[],
    decisions: readonly Decision[],
    times: number,
    userBit: number,
    organizationBit: number,
  ): void {
    const before = totals.size;
    const missed = totals.add(features, decisions, times, userBit, organizationBit, MOST_COUNTS - this.counts);
    this.counts += totals.size - before;
    this.missed += missed * times;
  }
}
