import { expiringRows } from '../../database/expiring-type.js';

/** The daily record of the backlog: a row for each type and day, kept as long as the runs are. */
export const expiredBacklogDays = expiringRows({
  name: 'cleanup_backlog_day',
  description: 'How much had expired day by day, after 13 months',
  table: 'cleanup_backlog_days',
  column: 'day',
  kept: '13 months',
});
