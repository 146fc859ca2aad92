import { defineEntity, p } from '@mikro-orm/core';
import { systemPolicy } from '../../database/policies.js';

export const RUN_STATUSES = ['queued', 'running', 'completed', 'failed'] as const;
export type RunStatus = (typeof RUN_STATUSES)[number];

/** What made a run begin. */
export const RUN_TRIGGERS = ['request', 'schedule', 'command'] as const;
export type RunTrigger = (typeof RUN_TRIGGERS)[number];

const oneOf = (column: string, values: readonly string[]): { name: string; expression: string } => ({
  name: `cleanup_runs_${column}_check`,
  expression: `${column} in (${values.map((value) => `'${value}'`).join(', ')})`,
});

const CleanupRunSchema = defineEntity({
  name: 'CleanupRun',
  tableName: 'cleanup_runs',
  rowLevelSecurity: 'force',
  policies: [systemPolicy],
  checks: [oneOf('status', RUN_STATUSES), oneOf('trigger', RUN_TRIGGERS)],
  indexes: [{ properties: ['createdAt'] }],
  uniques: [{ properties: ['scheduleId', 'slot'] }],
  properties: {
    id: p.uuid().primary(),
    trigger: p.text().$type<RunTrigger>(),
    /** The schedule and its slot; null where somebody asked. */
    scheduleId: p.text().nullable(),
    slot: p.datetime().nullable(),
    /** The most rows of a batch. */
    batchSize: p.integer(),
    /** Counts, and removes nothing. */
    dryRun: p.boolean(),
    status: p.text().$type<RunStatus>(),
    requestedBy: p.uuid().nullable(),
    createdAt: p.datetime(),
    startedAt: p.datetime().nullable(),
    finishedAt: p.datetime().nullable(),
    types: () => p.oneToMany(CleanupRunType).mappedBy('run').orderBy({ position: 'asc' }),
  },
});

/** One run of the cleanup over some types. */
export class CleanupRun extends CleanupRunSchema.class {}
CleanupRunSchema.setClass(CleanupRun);

const CleanupRunTypeSchema = defineEntity({
  name: 'CleanupRunType',
  tableName: 'cleanup_run_types',
  rowLevelSecurity: 'force',
  policies: [systemPolicy],
  properties: {
    run: () => p.manyToOne(CleanupRun).primary().updateRule('no action').deleteRule('cascade'),
    type: p.text().primary(),
    /** When its turn comes. */
    position: p.integer(),
    /** Counted when its turn came. */
    expired: p.integer().default(0),
    /** Committed together with each batch: what is really gone. */
    deleted: p.integer().default(0),
    batches: p.integer().default(0),
    /** What its batches took, without the pauses between them. */
    durationMs: p.float().default(0),
    errors: p.integer().default(0),
    lastError: p.text().nullable(),
    /** After too many errors in a row the run went on without it. */
    givenUp: p.boolean().default(false),
    /** Where the next batch starts. */
    next: p.text().nullable(),
    startedAt: p.datetime().nullable(),
    finishedAt: p.datetime().nullable(),
  },
});

/** What a run did of one type. */
export class CleanupRunType extends CleanupRunTypeSchema.class {}
CleanupRunTypeSchema.setClass(CleanupRunType);

const CleanupBatchSchema = defineEntity({
  name: 'CleanupBatch',
  tableName: 'cleanup_batches',
  rowLevelSecurity: 'force',
  policies: [systemPolicy],
  properties: {
    run: () => p.manyToOne(CleanupRun).primary().updateRule('no action').deleteRule('cascade'),
    type: p.text().primary(),
    /** From 1, in its run and type. */
    number: p.integer().primary(),
    deleted: p.integer(),
    durationMs: p.float(),
    at: p.datetime().index(),
  },
});

/** One transaction that removed something. */
export class CleanupBatch extends CleanupBatchSchema.class {}
CleanupBatchSchema.setClass(CleanupBatch);
