import { expiringRows } from '../database/expiring-type.js';

/** Slots of schedules: what was run in the last month. */
export const expiredScheduleRuns = expiringRows({
  name: 'schedule_run',
  title: 'Runs of schedules',
  description: 'Runs of schedules, after 30 days',
  table: 'schedule_runs',
  column: 'slot',
  kept: '30 days',
});
