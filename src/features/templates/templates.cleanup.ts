import { expiringRows } from '../../database/expiring-type.js';

/** For so long an application can be rolled back. */
export const ROLLBACK_DAYS = 90;

/** What an application has replaced, an hour longer than it can be rolled back: one that has begun finds all of it. */
export const expiredApplicationChanges = expiringRows({
  name: 'template_application_change',
  title: 'Template applications',
  description: `What organizations had before a template was applied, after ${ROLLBACK_DAYS} days in which that can be rolled back`,
  table: 'template_application_changes',
  column: 'applied_at',
  kept: `${ROLLBACK_DAYS} days 1 hour`,
});
