import { ofInstallation, type PurgeRuleSet } from '../database/purge-rules.js';

const OF_INSTALLATION = ofInstallation('Nothing');

/** What is in memory is known by its revision. */
const COUNT_UP = 'update feature_revision set revision = revision + 1 where id = 1';

/** The starters that came with the schema (Migration20261125000850_dashboards). */
const STARTERS = [
  'seats-used',
  'plan-entitlements',
  'features-overview',
  'recent-activity',
  'security-events',
  'active-sessions',
  'api-keys',
  'metered-limits',
  'usage-chart',
  'pending-invitations',
  'domain-status',
  'roles',
];

export const featuresPurge: PurgeRuleSet = {
  feature_definitions: { all: 'true', keeps: OF_INSTALLATION, afterwards: COUNT_UP },
  feature_segments: { all: 'true', keeps: OF_INSTALLATION, afterwards: COUNT_UP },
  feature_templates: { all: 'true', keeps: OF_INSTALLATION },
  template_application_logs: { all: 'true', keeps: OF_INSTALLATION },
  feature_change_policies: { all: 'true', keeps: OF_INSTALLATION },
  feature_change_requests: { all: 'true', keeps: OF_INSTALLATION },
  widget_library: {
    all: `key not in (${STARTERS.map((key) => `'${key}'`).join(', ')})`,
    keeps: ofInstallation('The starters'),
  },
  feature_usage_days: {
    all: 'true',
    keeps: { all: 'Nothing', 'test-data': 'All of them: they name nobody' },
    volatile: true,
  },
  feature_change_logs: { keeps: 'The log of changes is append-only, as the trail is' },
  feature_revision: { keeps: 'The number of the last change of features counts on' },
};
