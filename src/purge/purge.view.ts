import { ApiProperty } from '@nestjs/swagger';
import { CursorMeta, type CursorPage } from '../kernel/lists.js';
import { PURGE_SCOPES, type PurgeScope } from '../database/purge-rules.js';
import {
  type PlannedTable,
  PURGE_OUTCOMES,
  PURGE_STATUSES,
  type PurgeCheck,
  type PurgeOutcome,
  type PurgePlan,
  type PurgeStatus,
  type ShownRows,
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

/** Somebody, or an organization, that would go. */
export class ShownRowView {
  /** Id of the account or organization. */
  @ApiProperty({ format: 'uuid', example: ID })
  id!: string;
  /**
   * What it is called.
   * @example "Test Person"
   */
  name!: string;
  /**
   * E-mail address of an account, slug of an organization.
   * @example someone@example.com
   */
  address!: string;
  /**
   * Why it goes: the pattern of PURGE_TEST_ADDRESSES that an account fits, the members of an organization.
   * @example "The address fits *@example.com"
   */
  why!: string;
}

/** Who of a table would go. */
export class ShownRowsView implements ShownRows {
  /** Accounts, or organizations. */
  @ApiProperty({ example: 'users' })
  table!: string;
  /**
   * How many would go.
   * @example 120
   */
  total!: number;
  /** The first 20 by address. */
  @ApiProperty({ type: [ShownRowView] })
  sample!: ShownRowView[];
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
  /** Who goes, by name. Look at it before you type the phrase. */
  @ApiProperty({ type: [ShownRowsView] })
  goes!: ShownRowsView[];
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
   * Rows that are to go: as counted when it began, or, once more than that are gone, these. What people do between plan and
   * end adds rows, so it may be more than the sum of `remove` of the plan.
   * @example 480
   */
  total!: number;
}

/** A platform admin. */
export class PurgeActorView {
  /** Who it is. */
  @ApiProperty({ format: 'uuid', example: ID })
  id!: string;
  /** What they are called now; null once the account is deleted. */
  @ApiProperty({ type: String, nullable: true, example: 'Grace Hopper' })
  fullName!: string | null;
}

/** A plan or a purge, without its tables. */
export class PurgeSummaryView {
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
  /** Who made the plan; null for the command line. */
  @ApiProperty({ type: PurgeActorView, nullable: true })
  plannedBy!: PurgeActorView | null;
  /** Who had it executed, which only its maker can; null for the command line, and before. */
  @ApiProperty({ type: PurgeActorView, nullable: true })
  executedBy!: PurgeActorView | null;
  /**
   * When it was planned.
   * @example 2026-11-28T09:00:00.000Z
   */
  createdAt!: string;
  /**
   * A plan that was not confirmed by then is forgotten a day later.
   * @example 2026-11-28T09:15:00.000Z
   */
  expiresAt!: string;
  /** When it was confirmed; null before. */
  @ApiProperty({ type: String, format: 'date-time', nullable: true, example: '2026-11-28T09:01:00.000Z' })
  confirmedAt!: string | null;
  /** When it ended; null before. */
  @ApiProperty({ type: String, format: 'date-time', nullable: true, example: '2026-11-28T09:01:04.000Z' })
  finishedAt!: string | null;
  /** How far it is. */
  @ApiProperty({ type: PurgeProgressView })
  progress!: PurgeProgressView;
}

/** A page of purges, the newest first. */
export class PurgePage implements CursorPage<PurgeSummaryView> {
  /** The purges, and plans that nobody has executed. */
  @ApiProperty({ type: [PurgeSummaryView] })
  data!: PurgeSummaryView[];
  /** Whether and where the list goes on. */
  @ApiProperty({ type: CursorMeta })
  meta!: CursorMeta;
}

/** A purge, from its plan to what was seen afterwards. */
export class PurgeReportView extends PurgeSummaryView {
  /** Who would go, by name, while it is a plan; empty afterwards: no name of theirs is kept. */
  @ApiProperty({ type: [ShownRowsView] })
  goes!: ShownRowsView[];
  /** Every table of the plan. */
  @ApiProperty({ type: [PurgedTableView] })
  tables!: PurgedTableView[];
  /** What was seen afterwards; empty before. */
  @ApiProperty({ type: [PurgeCheckView] })
  verification!: PurgeCheckView[];
}

/** @param names of people, by id. */
export function toPurgeSummary(plan: PurgePlan, names: ReadonlyMap<string, string>): PurgeSummaryView {
  const plannedBy = plan.plannedBy ? { id: plan.plannedBy, fullName: names.get(plan.plannedBy) ?? null } : null;
  const counted = (plan.before ?? plan.tables).reduce((sum, { remove }) => sum + remove, 0);
  const done = Object.values(plan.results).reduce((sum, { rows }) => sum + rows, 0);
  return {
    planId: plan.id,
    scope: plan.scope,
    status: plan.status,
    passed: plan.status === 'completed' ? hasPassed(plan) : null,
    plannedBy,
    executedBy: plan.confirmedAt ? plannedBy : null,
    createdAt: plan.createdAt.toISOString(),
    expiresAt: plan.expiresAt.toISOString(),
    confirmedAt: plan.confirmedAt?.toISOString() ?? null,
    finishedAt: plan.finishedAt?.toISOString() ?? null,
    progress: { done, total: Math.max(counted, done) },
  };
}

/** @param goes who goes, while it is a plan. */
export function toPurgeReportView(
  plan: PurgePlan,
  names: ReadonlyMap<string, string>,
  goes: ShownRows[],
): PurgeReportView {
  const tables = plan.tables.map((planned): PurgedTableView => {
    const { outcome = null, rows = 0, detail = null } = plan.results[planned.table] ?? {};
    return { ...planned, outcome, purged: rows, detail };
  });
  return { ...toPurgeSummary(plan, names), goes, tables, verification: plan.verification ?? [] };
}

/** Whether no table failed and everything afterwards was as it should be. */
export function hasPassed({ results, verification }: Pick<PurgePlan, 'results' | 'verification'>): boolean {
  return (
    Object.values(results).every(({ outcome }) => outcome !== 'failed') &&
    (verification ?? []).every(({ passed }) => passed)
  );
}
