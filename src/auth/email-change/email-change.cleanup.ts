import { expiringRows } from '../../database/expiring-type.js';

/**
 * Changes of e-mail addresses that nobody can undo any more. Also one that was never confirmed is kept that long: the old
 * address takes back by it whatever came later.
 */
export const expiredEmailChanges = expiringRows({
  name: 'email_change',
  title: 'Changes of e-mail addresses',
  description: 'Changes of e-mail addresses, once the old address cannot undo them any more',
  table: 'email_changes',
  // Always after `expires_at`, the end of the confirmation.
  column: 'undo_expires_at',
});
