import type { PurgeRuleSet } from '../database/purge-rules.js';

export const auditPurge: PurgeRuleSet = {
  audit_log: { keeps: 'The trail is append-only: nobody removes entries, a purge neither' },
};
