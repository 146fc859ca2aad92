import { expiringRows } from '../../database/expiring-type.js';

/** Registrations whose link does not work any more. What they ask for was never done. */
export const expiredRegistrations = expiringRows({
  name: 'email_verification',
  title: 'Unproven registrations',
  description: 'Registrations whose e-mail address nobody has proven within a day',
  table: 'registrations',
  column: 'expires_at',
  hourly: true,
});
