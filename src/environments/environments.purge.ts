import type { PurgeRuleSet } from '../database/purge-rules.js';

export const environmentsPurge: PurgeRuleSet = {
  environments: {
    all: `key not in ('development', 'staging', 'production')`,
    keeps: 'The environments of the first start; with test-data all of them, which belong to the installation',
  },
};
