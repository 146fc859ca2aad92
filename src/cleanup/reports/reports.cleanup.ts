import { expiringRows } from '../../database/expiring-type.js';

/** Reports: as long as the runs that they tell of. */
export const expiredReports = expiringRows({
  name: 'cleanup_report',
  title: 'Cleanup reports',
  description: 'Reports of the cleanup, after 13 months',
  table: 'cleanup_reports',
  column: 'created_at',
  kept: '13 months',
});
