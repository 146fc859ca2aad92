import { ofInstallation, type PurgeRuleSet } from '../database/purge-rules.js';

export const environmentsPurge: PurgeRuleSet = {
  environments: {
    all: `key not in ('development', 'staging', 'production')`,
    keeps: ofInstallation('The environments of the first start'),
  },
};
