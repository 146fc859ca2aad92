import { expiringRows } from '../../database/expiring-type.js';

/** How much waited when: as long as the reports that can ask for it. */
export const expiredBacklog = expiringRows({
  name: 'cleanup_backlog',
  description: 'How much had expired and was still there, hour by hour, after 13 months',
  table: 'cleanup_backlog',
  column: 'at',
  kept: '13 months',
});

/** Trouble that was told; open trouble stays. */
export const expiredAlerts = expiringRows({
  name: 'cleanup_alert',
  description: 'Trouble of the cleanup that is over, 13 months after it was told',
  table: 'cleanup_alerts',
  column: 'raised_at',
  kept: '13 months',
  only: 'row.cleared_at is not null',
});
