import { expiringRows } from '../../database/expiring-type.js';

/** Runs of the cleanup itself, with what they did: a year can be compared with the one before. */
export const expiredRuns = expiringRows({
  name: 'cleanup_run',
  title: 'Cleanup runs',
  description: 'Runs of the cleanup, with their batches, after 13 months',
  table: 'cleanup_runs',
  column: 'created_at',
  kept: '13 months',
  only: `row.status in ('completed', 'failed')`,
});
