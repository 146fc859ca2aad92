import { expiringRows } from '../../database/expiring-type.js';

/** Invitations, accepted or not, 30 days after they expired: until then they are listed, and can be sent again. */
export const expiredInvitations = expiringRows({
  name: 'invitation',
  description: 'Invitations, 30 days after they expired',
  table: 'invitations',
  column: 'expires_at',
  kept: '30 days',
});
