import { isTestAddress, type PurgeRuleSet } from '../database/purge-rules.js';

export const authPurge: PurgeRuleSet = {
  registrations: {
    all: 'true',
    testData: isTestAddress('email'),
    keeps: { all: 'Nothing', 'test-data': 'Those of other addresses' },
    volatile: true,
  },
  login_attempts: {
    all: 'true',
    keeps: {
      all: 'Nothing',
      'test-data': 'All of them: their keys do not show the address, and they expire within a day',
    },
    volatile: true,
  },
  signing_keys: { keeps: 'The keys that sign access tokens: those of kept accounts go on', volatile: true },
};
