import { hash } from 'node:crypto';
import type { Decision } from '../evaluator/index.js';
import { toHex } from './sketch.js';
import { ALL_FEATURES, type Count, type DecisionCount, type EnvironmentTally } from './usage-counts.js';

/** What is written of a decision; several may have the same value. */
interface UsageRow {
  environment: string;
  feature: string;
  value: string;
  evaluations: number;
  /** The sketch of its users, in hexadecimal. */
  users: string | null;
}

/** Of all organizations. */
export interface TotalRow extends UsageRow {
  /** Their sketch, in hexadecimal. */
  organizations: string;
}

/** Of one organization. */
export interface OrganizationRow extends UsageRow {
  organization: string;
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

/** What was counted of each decision, in all organizations together. */
export function* totalRows({ environmentKey: environment, totals }: EnvironmentTally): Generator<TotalRow> {
  for (const { decision, ...count } of totals)
    yield { ...rowOf(environment, decision, count), organizations: toHex(count.organizations)! };
}

/** What was counted of each organization: each decision that it asked for by its key, and all that it asked for at once. */
export function* organizationRows({ environmentKey, organizations }: EnvironmentTally): Generator<OrganizationRow> {
  for (const { organizationId: organization, decisions, all } of organizations.values()) {
    for (const [decision, count] of decisions) yield { ...rowOf(environmentKey, decision, count), organization };
    if (all) yield { environment: environmentKey, feature: ALL_FEATURES, value: '', ...countOf(all), organization };
  }
}

export function* userRows({ environmentKey: environment, organizations }: EnvironmentTally): Generator<UserRow> {
  for (const { organizationId: organization, users } of organizations.values())
    for (const [targetingKey, features] of users) {
      const user = userKeyOf(targetingKey);
      for (const [feature, evaluations] of features) yield { organization, environment, user, feature, evaluations };
    }
}

function rowOf(
  environment: string,
  decision: Decision,
  count: Pick<DecisionCount, 'feature' | 'evaluations' | 'users'>,
): UsageRow {
  return { environment, feature: count.feature, value: labelOf(decision), ...countOf(count) };
}

function countOf({ evaluations, users }: Pick<Count, 'evaluations' | 'users'>): {
  evaluations: number;
  users: string | null;
} {
  return { evaluations, users: toHex(users) };
}
