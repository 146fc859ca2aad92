import { expiringRows } from '../../database/expiring-type.js';

/** Overrides that expired 30 days ago; they had no effect since. */
export const expiredOverrides = expiringRows({
  name: 'feature_override',
  description: 'Overrides of features, 30 days after they expired',
  table: 'organization_feature_settings',
  column: 'expires_at',
  kept: '30 days',
});
