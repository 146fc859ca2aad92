import { expiringRows } from '../database/expiring-type.js';

/** Messages that were delivered, or given up, and that are 30 days old. */
export const expiredMessages = expiringRows({
  name: 'outbox_message',
  title: 'Outbox messages',
  description: 'What the outbox delivered, or gave up, after 30 days',
  table: 'outbox',
  column: 'created_at',
  kept: '30 days',
  only: `row.status <> 'pending'`,
});
