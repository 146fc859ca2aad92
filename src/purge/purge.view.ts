import { ApiProperty } from '@nestjs/swagger';
import { PURGE_SCOPES, type PurgeScope } from '../database/purge-rules.js';
import {
  type PlannedTable,
  PURGE_OUTCOMES,
  PURGE_STATUSES,
  type PurgeCheck,
  type PurgeOutcome,
  type PurgePlan,
  type PurgeStatus,
} from './purge-plan.entity.js';

const ID = '0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f00';

/** What is in a table, and what a purge would do with it. */
export class PlannedTableView implements PlannedTable {
  /**
   * Its name.
   * @example users
   */
  table!: string;
  /**
   * Rows that would go.
   * @example 120
   */
  remove!: number;
  /**
   * Rows that would stay.
   * @example 3
   */
  keep!: number;
  /**
   * What stays, and why.
   * @example "Platform admins"
   */
  reason!: string;
}

/** What a purge would remove. */
export class PurgePlanView {
  /** Name it to execute the plan. */
  @ApiProperty({ format: 'uuid', example: ID })
  planId!: string;
  /**
   * Has to be typed back to execute the plan.
   * @example "purge test-data of tenon at tenon.example.com"
   */
  phrase!: string;
  /**
   * The plan works until then, and as long as what it would remove stays the same.
   * @example 2026-11-28T09:15:00.000Z
   */
  expiresAt!: string;
  /** Every table of the product. */
  @ApiProperty({ type: [PlannedTableView] })
  tables!: PlannedTableView[];
}

/** A purge that was taken on. */
export class QueuedPurgeView {
  /** Ask for it to see how far it is. */
  @ApiProperty({ format: 'uuid', example: ID })
  planId!: string;
  /** It waits for its turn. */
  @ApiProperty({ enum: ['queued'], example: 'queued' })
  status!: 'queued';
}

/** A table, what was planned, and what came of it. */
export class PurgedTableView extends PlannedTableView {
  /** `failed` says why in `detail`; null: nothing was to go, or it is not done yet. */
  @ApiProperty({ enum: PURGE_OUTCOMES, nullable: true, example: 'purged' })
  outcome!: PurgeOutcome | null;
  /**
   * Rows that are gone.
   * @example 120
   */
  purged!: number;
  /** Why it failed. */
  @ApiProperty({ type: String, nullable: true, example: null })
  detail!: string | null;
}

/** One thing that was looked at afterwards. */
export class PurgeCheckView implements PurgeCheck {
  /** What: rows that should be gone, rows that should be there, indexes and constraints, health, a registration. */
  @ApiProperty({ enum: ['rows', 'kept', 'schema', 'health', 'registration'], example: 'schema' })
  name!: PurgeCheck['name'];
  /**
   * Whether it is as it should be.
   * @example true
   */
  passed!: boolean;
  /**
   * What was seen.
   * @example "Tables, columns, indexes, constraints and policies are what this version expects"
   */
  detail!: string;
}

/** How far a purge is. */
export class PurgeProgressView {
  /**
   * Rows that are gone.
   * @example 120
   */
  done!: number;
  /**
   * Rows that were to go when the plan was made.
   * @example 480
   */
  total!: number;
}

/** A purge, from its plan to what was seen afterwards. */
export class PurgeReportView {
  /** Its plan. */
  @ApiProperty({ format: 'uuid', example: ID })
  planId!: string;
  /** What it is about. */
  @ApiProperty({ enum: PURGE_SCOPES, example: 'test-data' })
  scope!: PurgeScope;
  /** `planned`: nobody has confirmed it; `completed`: look at `passed`. */
  @ApiProperty({ enum: PURGE_STATUSES, example: 'completed' })
  status!: PurgeStatus;
  /** Whether no table failed and everything afterwards was as it should be; null until then. */
  @ApiProperty({ type: Boolean, nullable: true, example: true })
  passed!: boolean | null;
  /** Id of the platform admin who made the plan; null for the command line. */
  @ApiProperty({ type: String, format: 'uuid', nullable: true, example: ID })
  plannedBy!: string | null;
  /**
   * When it was planned.
   * @example 2026-11-28T09:00:00.000Z
   */
  createdAt!: string;
  /** When it was confirmed; null before. */
  @ApiProperty({ type: String, format: 'date-time', nullable: true, example: '2026-11-28T09:01:00.000Z' })
  confirmedAt!: string | null;
  /** When it ended; null before. */
  @ApiProperty({ type: String, format: 'date-time', nullable: true, example: '2026-11-28T09:01:04.000Z' })
  finishedAt!: string | null;
  /** How far it is. */
  @ApiProperty({ type: PurgeProgressView })
  progress!: PurgeProgressView;
  /** Every table of the plan. */
  @ApiProperty({ type: [PurgedTableView] })
  tables!: PurgedTableView[];
  /** What was seen afterwards; empty before. */
  @ApiProperty({ type: [PurgeCheckView] })
  verification!: PurgeCheckView[];
}

export function toPurgeReportView(plan: PurgePlan): PurgeReportView {
  const tables = plan.tables.map((planned): PurgedTableView => {
    const { outcome = null, rows = 0, detail = null } = plan.results[planned.table] ?? {};
    return { ...planned, outcome, purged: rows, detail };
  });
  const sum = (field: 'purged' | 'remove'): number => tables.reduce((total, table) => total + table[field], 0);
  const verification = plan.verification ?? [];
  return {
    planId: plan.id,
    scope: plan.scope,
    status: plan.status,
    passed: plan.status === 'completed' ? hasPassed(plan) : null,
    plannedBy: plan.plannedBy ?? null,
    createdAt: plan.createdAt.toISOString(),
    confirmedAt: plan.confirmedAt?.toISOString() ?? null,
    finishedAt: plan.finishedAt?.toISOString() ?? null,
    progress: { done: sum('purged'), total: sum('remove') },
    tables,
    verification,
  };
}

/** Whether no table failed and everything afterwards was as it should be. */
export function hasPassed({ results, verification }: Pick<PurgePlan, 'results' | 'verification'>): boolean {
  return (
    Object.values(results).every(({ outcome }) => outcome !== 'failed') &&
    (verification ?? []).every(({ passed }) => passed)
  );
}
