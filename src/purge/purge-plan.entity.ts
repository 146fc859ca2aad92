import { defineEntity, p } from '@mikro-orm/core';
import { systemPolicy } from '../database/policies.js';
import { PURGE_SCOPES, type PurgeScope } from '../database/purge-rules.js';

export const PURGE_STATUSES = ['planned', 'queued', 'running', 'completed'] as const;
export type PurgeStatus = (typeof PURGE_STATUSES)[number];

/** What is in a table, and what a purge would do with it. */
export interface PlannedTable {
  table: string;
  /** Rows that would go. */
  remove: number;
  /** Rows that would stay. */
  keep: number;
  /** What stays, and why. */
  reason: string;
}

/** The first rows of a table that would go, by name. */
export interface ShownRows {
  table: string;
  total: number;
  sample: { id: string; name: string; address: string; why: string }[];
}

export const PURGE_OUTCOMES = ['purged', 'already clean', 'not found', 'failed'] as const;
export type PurgeOutcome = (typeof PURGE_OUTCOMES)[number];

/** What came of a table. */
export interface TableResult {
  /** null: it is being purged, or was when the process died. */
  outcome: PurgeOutcome | null;
  /** Rows that are gone. */
  rows: number;
  /** Why it failed. */
  detail: string | null;
}

/** One thing that was looked at afterwards. */
export interface PurgeCheck {
  name: 'rows' | 'kept' | 'schema' | 'health' | 'registration';
  passed: boolean;
  detail: string;
}

const oneOf = (column: string, values: readonly string[]) => ({
  name: `purge_plans_${column}_check`,
  expression: `${column} in (${values.map((value) => `'${value}'`).join(', ')})`,
});

const PurgePlanSchema = defineEntity({
  name: 'PurgePlan',
  tableName: 'purge_plans',
  rowLevelSecurity: 'force',
  policies: [systemPolicy],
  checks: [oneOf('scope', PURGE_SCOPES), oneOf('status', PURGE_STATUSES)],
  indexes: [
    {
      name: 'purge_plans_running_unique',
      expression: `create unique index purge_plans_running_unique on purge_plans ((true)) where status in ('queued', 'running')`,
    },
  ],
  properties: {
    id: p.uuid().primary(),
    scope: p.text().$type<PurgeScope>(),
    status: p.text().$type<PurgeStatus>().default('planned'),
    /** What has to be typed back. */
    phrase: p.text(),
    /** What it saw, as one hash. */
    state: p.text(),
    /** Ids of the test data that other rows hang on, by table: they are known by addresses and members that go before them. */
    subjects: p.json<Record<string, string[]>>().lazy(),
    tables: p.json<PlannedTable[]>(),
    /** The tables when it began; null before. */
    before: p.json<PlannedTable[] | null>().nullable(),
    results: p.json<Record<string, TableResult>>().defaultRaw(`'{}'`),
    verification: p.json<PurgeCheck[] | null>().nullable(),
    /** null: somebody at the command line. */
    plannedBy: p.uuid().nullable(),
    createdAt: p.datetime(),
    expiresAt: p.datetime(),
    confirmedAt: p.datetime().nullable(),
    startedAt: p.datetime().nullable(),
    finishedAt: p.datetime().nullable(),
  },
});

/** What a purge would remove, whether it was confirmed, and what came of it. */
export class PurgePlan extends PurgePlanSchema.class {}
PurgePlanSchema.setClass(PurgePlan);
