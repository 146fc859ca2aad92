import { expiringRows } from '../../database/expiring-type.js';
import { retainedRows } from '../../database/retained-rows.js';

/** Idempotency keys of consumptions whose week is over. No organization may choose: that a call counts once hangs on it. */
export const expiredConsumptions = expiringRows({
  name: 'feature_consumption',
  title: 'Idempotency keys',
  description: 'Idempotency keys of consumptions, after 7 days',
  table: 'feature_consumptions',
  column: 'expires_at',
  hourly: true,
});

/**
 * Meters of periods that ended more than 400 days ago: a year can be compared with the one before. For a quarter at least,
 * since whoever sends the bill reads them and not the organization alone; for ten years at most, as long as books are kept.
 */
export const expiredMeters = retainedRows({
  name: 'feature_meter',
  title: 'Feature meters',
  description: 'What was used of features in periods that ended',
  table: 'feature_meters',
  column: 'resets_at',
  retention: { days: 400, least: 92, most: 3_650 },
});
