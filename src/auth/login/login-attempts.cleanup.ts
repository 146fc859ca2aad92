import { expiringRows } from '../../database/expiring-type.js';

/** Failed sign-ins that count no more: the next one of the address begins at one. */
export const expiredLoginAttempts = expiringRows({
  name: 'login_attempt',
  title: 'Failed sign-in counts',
  description: 'Counts of failed sign-ins, a day after the last one',
  table: 'login_attempts',
  column: 'expires_at',
  hourly: true,
});
