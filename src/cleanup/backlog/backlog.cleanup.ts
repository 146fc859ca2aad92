import { expiringRows } from '../../database/expiring-type.js';

/** How much waited when: as long as the reports that can ask for it. */
export const expiredBacklog = expiringRows({
  name: 'cleanup_backlog',
  title: 'Backlog history',
  description: 'How much had expired and was still there, hour by hour, after 13 months',
  table: 'cleanup_backlog',
  column: 'at',
  kept: '13 months',
});
