import type { PurgeRuleSet } from '../database/purge-rules.js';

export const webhooksPurge: PurgeRuleSet = {
  webhook_endpoints: { keeps: 'Those of kept organizations, and of the platform, which its admins set up' },
};
