import { expiringRows } from '../../database/expiring-type.js';

/** Resets of passwords, used or not, whose link does not work any more. */
export const expiredPasswordResets = expiringRows({
  name: 'password_reset',
  title: 'Password resets',
  description: 'Links to choose a new password, an hour after they were mailed',
  table: 'password_resets',
  column: 'expires_at',
  hourly: true,
});
