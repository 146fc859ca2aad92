import { defineEntity, p } from '@mikro-orm/core';
import type { KeptDays } from '../../database/retained-rows.js';
import { systemPolicy, tenantPolicy } from '../../database/policies.js';
import { Organization } from '../../organizations/organization.entity.js';
import { RETAINED_TYPES } from '../expiring-types.js';

const CleanupPolicySchema = defineEntity({
  name: 'CleanupPolicy',
  tableName: 'cleanup_policies',
  rowLevelSecurity: 'force',
  policies: [tenantPolicy(), systemPolicy],
  checks: [
    {
      // One that is no number of days would stop the sweep of everybody's rows.
      name: 'cleanup_policies_kept_days_check',
      expression: `jsonb_path_match(kept_days, 'strict $.type() == "object" && !exists($.* ? (!(@.type() == "number" && @ >= 0 && @ <= 36500)))')`,
    },
  ],
  // The shortest and the longest that anybody chose, for each batch of a sweep.
  indexes: RETAINED_TYPES.map(({ name }) => ({
    name: `cleanup_policies_${name}_index`,
    expression: `create index cleanup_policies_${name}_index on cleanup_policies (((kept_days -> '${name}')::int))`,
  })),
  properties: {
    organization: () => p.oneToOne(Organization).primary().deleteRule('cascade'),
    /** What it chose; a type that is not named has the platform's retention. */
    keptDays: p.json<KeptDays>().default('{}'),
    version: p.integer().default(1),
    updatedAt: p.datetime().onUpdate(() => new Date()),
  },
});

/** How long an organization has its data kept. No row: as the platform does. */
export class CleanupPolicy extends CleanupPolicySchema.class {}
CleanupPolicySchema.setClass(CleanupPolicy);
