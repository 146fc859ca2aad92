import { hash } from 'node:crypto';
import type { Decision } from '../evaluator/index.js';
import type { Tally } from './usage-counts.js';
import { join, newSketch, toHex, type UserSketch } from './user-sketch.js';

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
  const rows = new Map<string, UsageRow & { seen: UserSketch | null }>();
  for (const [decision, { feature, evaluations, users }] of decisions) {
    const value = labelOf(decision);
    const key = `${feature} ${value}`;
    let row = rows.get(key);
    if (!row)
      rows.set(key, (row = { organization, environment, feature, value, evaluations: 0, users: null, seen: null }));
    row.evaluations += evaluations;
    if (users) join((row.seen ??= newSketch()), users);
  }
  return Array.from(rows.values(), ({ seen, ...row }) => ({ ...row, users: seen && toHex(seen) }));
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
