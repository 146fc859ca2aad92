import { isTestAddress, type PurgeRuleSet } from '../database/purge-rules.js';

export const authPurge: PurgeRuleSet = {
  registrations: {
    all: 'true',
    testData: isTestAddress('email'),
    keeps: 'Nothing; with test-data those of other addresses',
    volatile: true,
  },
  login_attempts: {
    all: 'true',
    keeps: 'Nothing; with test-data all, whose keys do not show the address and which expire within a day',
    volatile: true,
  },
  signing_keys: { keeps: 'The keys that sign access tokens: those of kept accounts go on', volatile: true },
};
