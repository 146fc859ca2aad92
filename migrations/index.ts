import { Migration20261121000100_foundation } from './Migration20261121000100_foundation.js';
import { Migration20261121000200_audit } from './Migration20261121000200_audit.js';
import { Migration20261121000300_outbox } from './Migration20261121000300_outbox.js';
import { Migration20261121000400_limits } from './Migration20261121000400_limits.js';
import { Migration20261121000500_accounts } from './Migration20261121000500_accounts.js';
import { Migration20261121000600_auth } from './Migration20261121000600_auth.js';
import { Migration20261121000610_signing_keys } from './Migration20261121000610_signing_keys.js';
import { Migration20261121000620_decoys } from './Migration20261121000620_decoys.js';
import { Migration20261121000630_sign_in } from './Migration20261121000630_sign_in.js';
import { Migration20261121000700_organizations } from './Migration20261121000700_organizations.js';
import { Migration20261121000710_row_security_tests } from './Migration20261121000710_row_security_tests.js';
import { Migration20261121000720_security_setup } from './Migration20261121000720_security_setup.js';
import { Migration20261125000800_features } from './Migration20261125000800_features.js';
import { Migration20261125000810_api_keys } from './Migration20261125000810_api_keys.js';
import { Migration20261125000820_feature_graph } from './Migration20261125000820_feature_graph.js';
import { Migration20261125000830_feature_metering } from './Migration20261125000830_feature_metering.js';
import { Migration20261125000850_dashboards } from './Migration20261125000850_dashboards.js';
import { Migration20261125000860_feature_templates } from './Migration20261125000860_feature_templates.js';
import { Migration20261125000900_feature_change_log } from './Migration20261125000900_feature_change_log.js';
import { Migration20261125000910_feature_change_requests } from './Migration20261125000910_feature_change_requests.js';
import { Migration20261125000920_feature_usage } from './Migration20261125000920_feature_usage.js';
import { Migration20261128001000_cleanup } from './Migration20261128001000_cleanup.js';
import { Migration20261128001001_schedules } from './Migration20261128001001_schedules.js';
import { Migration20261128001002_cleanup_batches_at } from './Migration20261128001002_cleanup_batches_at.js';
import { Migration20261128001020_webhooks } from './Migration20261128001020_webhooks.js';
import { Migration20261128001030_purge } from './Migration20261128001030_purge.js';
import { Migration20261128001040_cleanup_reports } from './Migration20261128001040_cleanup_reports.js';
import { Migration20261128001050_cleanup_backlog } from './Migration20261128001050_cleanup_backlog.js';
import { Migration20261129001100_cleanup_policies } from './Migration20261129001100_cleanup_policies.js';
import { Migration20261129001110_schedule_slots } from './Migration20261129001110_schedule_slots.js';
import { Migration20261129001120_template_changes_applied_at } from './Migration20261129001120_template_changes_applied_at.js';
import { Migration20261129001121_webhook_versions } from './Migration20261129001121_webhook_versions.js';
import { Migration20261129001122_one_backlog } from './Migration20261129001122_one_backlog.js';
import { Migration20261129002200_template_rollback_kept } from './Migration20261129002200_template_rollback_kept.js';
import { Migration20261129002300_job_board_open } from './Migration20261129002300_job_board_open.js';
import { Migration20261129002400_record_cleanup_batch } from './Migration20261129002400_record_cleanup_batch.js';
import { Migration20261129002500_change_requests_not_carried_over } from './Migration20261129002500_change_requests_not_carried_over.js';
import { Migration20261130002600_sign_ins_together } from './Migration20261130002600_sign_ins_together.js';
import { Migration20261130002700_refreshes_together } from './Migration20261130002700_refreshes_together.js';

/** Every migration, in the order in which they run. */
export const migrations = [
  { name: 'Migration20261121000100_foundation', class: Migration20261121000100_foundation },
  { name: 'Migration20261121000200_audit', class: Migration20261121000200_audit },
  { name: 'Migration20261121000300_outbox', class: Migration20261121000300_outbox },
  { name: 'Migration20261121000400_limits', class: Migration20261121000400_limits },
  { name: 'Migration20261121000500_accounts', class: Migration20261121000500_accounts },
  { name: 'Migration20261121000600_auth', class: Migration20261121000600_auth },
  { name: 'Migration20261121000610_signing_keys', class: Migration20261121000610_signing_keys },
  { name: 'Migration20261121000620_decoys', class: Migration20261121000620_decoys },
  { name: 'Migration20261121000630_sign_in', class: Migration20261121000630_sign_in },
  { name: 'Migration20261121000700_organizations', class: Migration20261121000700_organizations },
  { name: 'Migration20261121000710_row_security_tests', class: Migration20261121000710_row_security_tests },
  { name: 'Migration20261121000720_security_setup', class: Migration20261121000720_security_setup },
  { name: 'Migration20261125000800_features', class: Migration20261125000800_features },
  { name: 'Migration20261125000810_api_keys', class: Migration20261125000810_api_keys },
  { name: 'Migration20261125000820_feature_graph', class: Migration20261125000820_feature_graph },
  { name: 'Migration20261125000830_feature_metering', class: Migration20261125000830_feature_metering },
  { name: 'Migration20261125000850_dashboards', class: Migration20261125000850_dashboards },
  { name: 'Migration20261125000860_feature_templates', class: Migration20261125000860_feature_templates },
  { name: 'Migration20261125000900_feature_change_log', class: Migration20261125000900_feature_change_log },
  { name: 'Migration20261125000910_feature_change_requests', class: Migration20261125000910_feature_change_requests },
  { name: 'Migration20261125000920_feature_usage', class: Migration20261125000920_feature_usage },
  { name: 'Migration20261128001000_cleanup', class: Migration20261128001000_cleanup },
  { name: 'Migration20261128001001_schedules', class: Migration20261128001001_schedules },
  { name: 'Migration20261128001002_cleanup_batches_at', class: Migration20261128001002_cleanup_batches_at },
  { name: 'Migration20261128001020_webhooks', class: Migration20261128001020_webhooks },
  { name: 'Migration20261128001030_purge', class: Migration20261128001030_purge },
  { name: 'Migration20261128001040_cleanup_reports', class: Migration20261128001040_cleanup_reports },
  { name: 'Migration20261128001050_cleanup_backlog', class: Migration20261128001050_cleanup_backlog },
  { name: 'Migration20261129001100_cleanup_policies', class: Migration20261129001100_cleanup_policies },
  { name: 'Migration20261129001110_schedule_slots', class: Migration20261129001110_schedule_slots },
  {
    name: 'Migration20261129001120_template_changes_applied_at',
    class: Migration20261129001120_template_changes_applied_at,
  },
  { name: 'Migration20261129001121_webhook_versions', class: Migration20261129001121_webhook_versions },
  { name: 'Migration20261129001122_one_backlog', class: Migration20261129001122_one_backlog },
  { name: 'Migration20261129002200_template_rollback_kept', class: Migration20261129002200_template_rollback_kept },
  { name: 'Migration20261129002300_job_board_open', class: Migration20261129002300_job_board_open },
  { name: 'Migration20261129002400_record_cleanup_batch', class: Migration20261129002400_record_cleanup_batch },
  {
    name: 'Migration20261129002500_change_requests_not_carried_over',
    class: Migration20261129002500_change_requests_not_carried_over,
  },
  { name: 'Migration20261130002600_sign_ins_together', class: Migration20261130002600_sign_ins_together },
  { name: 'Migration20261130002700_refreshes_together', class: Migration20261130002700_refreshes_together },
];
