import { expiringRows } from '../database/expiring-type.js';

/** Counts of rate limits whose windows are over. One that is being counted right now is left alone. */
export const expiredLimits = expiringRows({
  name: 'rate_limit',
  title: 'Rate limit counts',
  description: 'Counts of rate limits whose windows are over',
  table: 'rate_limit_tracking',
  column: 'expires_at',
  hourly: true,
});
