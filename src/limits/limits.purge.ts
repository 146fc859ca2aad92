import type { PurgeRuleSet } from '../database/purge-rules.js';

export const limitsPurge: PurgeRuleSet = {
  // Whose a row is cannot be read from its key, and it lives for minutes: every count begins anew.
  rate_limit_tracking: { all: 'true', testData: 'true', keeps: 'Nothing: every count begins anew', volatile: true },
};
