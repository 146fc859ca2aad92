import type { PurgeRuleSet } from '../database/purge-rules.js';

const FIGURES = 'What was cleaned up, and when: figures that name nobody';

export const cleanupPurge: PurgeRuleSet = {
  cleanup_runs: { keeps: FIGURES, volatile: true },
  cleanup_reports: { keeps: FIGURES, volatile: true },
  cleanup_backlog: { keeps: FIGURES, volatile: true },
  cleanup_alerts: { keeps: 'What platform admins were told already, so that they are told once', volatile: true },
};
