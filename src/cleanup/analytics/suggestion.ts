import { shown } from '../../kernel/numbers.js';
import { fittingBatchSize } from '../runs/batch-size.js';

/** A run that takes longer is felt by others; then there are more of them. */
const LONGEST_RUN_S = 60;
/** Hours between two runs, evenly in a day. */
const EVERY_HOURS = [24, 12, 6, 4, 2];
/** More failed batches than this, and smaller ones are tried. */
const MANY_ERRORS = 0.05;
const DAILY = '0 2 * * *';
const HOURLY = '15 * * * *';

/** When a type should be swept, and in which portions. */
export interface Suggestion {
  /** Five-field cron expression in UTC. */
  schedule: string;
  batchSize: number;
  reason: string;
}

/** What a suggestion is made from. */
export interface Load {
  /** Swept every hour by the product's own schedule. */
  hourly: boolean;
  /** Rows that left in a day, on average of the last week. */
  removedPerDay: number;
  /** The most that is forecast to have expired on a day; null where there is no forecast. */
  peak: number | null;
  /** Measured in the last week; null when nothing was removed. */
  rowsPerSecond: number | null;
  /** Share of batches that failed in the last week. */
  errorRate: number;
}

/** As few runs a day as keep each below a minute, and the batches that fit; half of them while many fail. */
export function suggest({ hourly, removedPerDay, peak, rowsPerSecond, errorRate }: Load): Suggestion {
  if (rowsPerSecond === null) {
    const reason = 'Nothing of it was removed in the last 7 days: there is no speed to judge by, so all stays as it is';
    return { schedule: hourly ? HOURLY : DAILY, batchSize: 1_000, reason };
  }
  const rows = Math.ceil(Math.max(removedPerDay, peak ?? 0));
  const seconds = rows / rowsPerSecond;
  const hours = EVERY_HOURS.find((every) => (seconds * every) / 24 <= LONGEST_RUN_S) ?? 1;
  const failing = errorRate > MANY_ERRORS;
  const reason = [
    `Up to ${shown(rows)} rows in a day${peak === null ? ' (as in the last 7; there is no forecast yet)' : ''}`,
    ` at the ${shown(Math.round(rowsPerSecond))} rows/s of the last 7 days take ${shown(Math.ceil(seconds))} s:`,
    hours === 24 ? ' one run is enough' : ` a run every ${hours === 1 ? 'hour' : `${hours} hours`} keeps each short`,
    failing ? `; ${Math.round(errorRate * 100)} % of batches failed, so they should be smaller` : '',
  ].join('');
  return {
    schedule: hours === 24 ? DAILY : hours === 1 ? HOURLY : `0 */${hours} * * *`,
    batchSize: fittingBatchSize(rowsPerSecond) / (failing ? 2 : 1),
    reason,
  };
}
