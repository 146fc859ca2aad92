import { expiringRows } from '../../database/expiring-type.js';

/** Idempotency keys of consumptions whose week is over. */
export const expiredConsumptions = expiringRows({
  name: 'feature_consumption',
  description: 'Idempotency keys of consumptions, after 7 days',
  table: 'feature_consumptions',
  column: 'expires_at',
  hourly: true,
});

/** Meters of periods that ended more than 13 months ago: a year can be compared with the one before. */
export const expiredMeters = expiringRows({
  name: 'feature_meter',
  description: 'What was used of features, 13 months after the period ended',
  table: 'feature_meters',
  column: 'resets_at',
  kept: '13 months',
});
