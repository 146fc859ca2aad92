import { expiringRows } from '../../database/expiring-type.js';

/** API keys that expired so long ago that nobody will look at the list for the reason. */
export const expiredApiKeys = expiringRows({
  name: 'api_key',
  description: 'API keys, 90 days after they expired',
  table: 'api_keys',
  column: 'expires_at',
  kept: '90 days',
});
