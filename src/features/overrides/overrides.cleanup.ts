import { retainedRows } from '../../database/retained-rows.js';

/**
 * Overrides that expired: they have no effect, and stay to be seen. For a day at least, in which somebody asks where a value
 * went; for a year at most: the trail tells of older ones.
 */
export const expiredOverrides = retainedRows({
  name: 'feature_override',
  title: 'Feature overrides',
  description: 'Overrides of features that expired',
  table: 'organization_feature_settings',
  column: 'expires_at',
  retention: { days: 30, least: 1, most: 365 },
});
