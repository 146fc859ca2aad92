import { expiringRows } from '../../database/expiring-type.js';

/** Trouble that was told; open trouble stays. */
export const expiredAlerts = expiringRows({
  name: 'cleanup_alert',
  title: 'Cleanup alerts',
  description: 'Trouble of the cleanup that is over, 13 months after it was told',
  table: 'cleanup_alerts',
  column: 'raised_at',
  kept: '13 months',
  only: 'row.cleared_at is not null',
});
