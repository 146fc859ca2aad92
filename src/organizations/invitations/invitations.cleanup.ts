import { retainedRows } from '../../database/retained-rows.js';

/**
 * Invitations, accepted or not, that expired: until they leave they are listed, and can be sent again. For a day at least,
 * so that one who comes too late is known; for a year at most, since they are addresses of people who may never have come.
 */
export const expiredInvitations = retainedRows({
  name: 'invitation',
  title: 'Invitations',
  description: 'Invitations that expired',
  table: 'invitations',
  column: 'expires_at',
  retention: { days: 30, least: 1, most: 365 },
});
