import { retainedRows } from '../../database/retained-rows.js';

/**
 * API keys that expired so long ago that nobody will look at the list for the reason. For a week at least, in which somebody
 * asks why a program is refused; for two years at most: an audit looks back at the year before.
 */
export const expiredApiKeys = retainedRows({
  name: 'api_key',
  title: 'API keys',
  description: 'API keys that expired',
  table: 'api_keys',
  column: 'expires_at',
  retention: { days: 90, least: 7, most: 730 },
});
