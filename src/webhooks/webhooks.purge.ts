import type { PurgeRuleSet } from '../database/purge-rules.js';

export const webhooksPurge: PurgeRuleSet = {
  // The next owner of the installation must not be told on to the receivers of the one before.
  webhook_endpoints: {
    all: 'true',
    keeps: {
      all: 'Nothing',
      'test-data': 'Those of kept organizations, and those of the platform, which belong to the installation',
    },
  },
};
