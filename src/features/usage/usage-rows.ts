import { hash } from 'node:crypto';
import type { Decision } from '../evaluator/index.js';
import type { Count, Tally } from './usage-counts.js';
import { joined, toHex } from './user-sketch.js';

/** What is written of one value of a feature. */
export interface UsageRow {
  organization: string;
  environment: string;
  feature: string;
  value: string;
  evaluations: number;
  /** The sketch of its users, in hexadecimal. */
  users: string | null;
}

/** What is written of one user. */
export interface UserRow {
  organization: string;
  environment: string;
  user: string;
  feature: string;
  evaluations: number;
}

const LONGEST_VALUE = 100;
const LONGEST_USER = 200;

/** What a decision is counted as: its variant, else its value as JSON, of which a long one is named by its hash. */
export function labelOf({ variant, value }: Decision): string {
  if (variant !== null) return variant;
  const json = JSON.stringify(value);
  return json.length <= LONGEST_VALUE ? json : named(json);
}

/** What a user is kept as: their targeting key, of which one that is long, or no text for PostgreSQL, is named by its hash. */
export function userKeyOf(targetingKey: string): string {
  return targetingKey.length <= LONGEST_USER && targetingKey.isWellFormed() && !targetingKey.includes('\0')
    ? targetingKey
    : named(targetingKey);
}

function named(text: string): string {
  return `sha256:${hash('sha256', text, 'hex').slice(0, 32)}`;
}

/** The rows of a tally: one for each value, also where several decisions gave it. */
export function usageRows({ organizationId: organization, environmentKey: environment, decisions }: Tally): UsageRow[] {
  const counts = new Map<string, Count & { value: string }>();
  for (const [decision, { feature, evaluations, users }] of decisions) {
    const value = labelOf(decision);
    const key = `${feature} ${value}`;
    const known = counts.get(key);
    // A copy, since what cannot be written is put back.
    if (!known) counts.set(key, { feature, value, evaluations, users });
    else {
      known.evaluations += evaluations;
      known.users = joined(known.users, users);
    }
  }
  return Array.from(counts.values(), ({ users, ...row }) => ({
    organization,
    environment,
    ...row,
    users: users && toHex(users),
  }));
}

export function userRows({ organizationId: organization, environmentKey: environment, users }: Tally): UserRow[] {
  return [...users].flatMap(([targetingKey, features]) => {
    const user = userKeyOf(targetingKey);
    return Array.from(features, ([feature, evaluations]) => ({
      organization,
      environment,
      user,
      feature,
      evaluations,
    }));
  });
}
