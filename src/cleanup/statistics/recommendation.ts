import type { ExpiringCount } from '../../database/expiring-type.js';
import { shown } from '../../kernel/numbers.js';
import { fittingBatchSize } from '../runs/batch-size.js';

export const ACTIONS = ['none', 'run_now', 'run_more_often'] as const;
export type Action = (typeof ACTIONS)[number];

/** What should be done about what has expired. */
export interface Recommendation {
  action: Action;
  reason: string;
  batchSize: number;
  /** Five-field cron expression in UTC. */
  schedule: string;
}

/** What a recommendation is made from. */
export interface Backlog {
  expired: number;
  oldestExpiredAt: Date | null;
  now: Date;
  deletedPerDay: number;
  rowsPerSecond: number | null;
}

/** What the daily run leaves is never older; an hour more for the run itself. */
export const OVERDUE_MS = 25 * 3_600_000;
/** More in a day is better removed in 24 parts. */
const MUCH_A_DAY = 500_000;
const DAILY = '0 2 * * *';
const HOURLY = '15 * * * *';

/** What the counts of all types, and what was removed day by day, come to. */
export function backlogOf(
  counts: readonly ExpiringCount[],
  daily: readonly { deleted: number }[],
): Pick<Backlog, 'expired' | 'oldestExpiredAt' | 'deletedPerDay'> {
  const times = counts.flatMap(({ oldestExpiredAt }) => oldestExpiredAt?.getTime() ?? []);
  return {
    expired: counts.reduce((sum, { expired }) => sum + expired, 0),
    oldestExpiredAt: times.length > 0 ? new Date(Math.min(...times)) : null,
    deletedPerDay: daily.reduce((sum, { deleted }) => sum + deleted, 0) / daily.length,
  };
}

/** What to do by the backlog and the last days. */
export function recommend({ expired, oldestExpiredAt, now, deletedPerDay, rowsPerSecond }: Backlog): Recommendation {
  const batchSize = fittingBatchSize(rowsPerSecond);
  if (oldestExpiredAt && now.getTime() - oldestExpiredAt.getTime() > OVERDUE_MS) {
    const reason = `The oldest of ${shown(expired)} expired rows should have left with the last daily run`;
    return { action: 'run_now', reason, batchSize, schedule: deletedPerDay > MUCH_A_DAY ? HOURLY : DAILY };
  }
  if (deletedPerDay > MUCH_A_DAY) {
    const reason = `${shown(Math.round(deletedPerDay))} rows expire a day: removed every hour they are felt less`;
    return { action: 'run_more_often', reason, batchSize, schedule: HOURLY };
  }
  const reason = expired === 0 ? 'Nothing has expired' : `${shown(expired)} expired rows leave with the next runs`;
  return { action: 'none', reason, batchSize, schedule: DAILY };
}
