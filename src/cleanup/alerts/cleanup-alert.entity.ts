import { defineEntity, p } from '@mikro-orm/core';
import { systemPolicy } from '../../database/policies.js';

const CleanupAlertSchema = defineEntity({
  name: 'CleanupAlert',
  tableName: 'cleanup_alerts',
  rowLevelSecurity: 'force',
  policies: [systemPolicy],
  indexes: [
    { properties: ['raisedAt'] },
    {
      name: 'cleanup_alerts_open_unique',
      expression: `create unique index cleanup_alerts_open_unique on cleanup_alerts (cause) where cleared_at is null`,
    },
  ],
  properties: {
    id: p.uuid().primary(),
    /** `failed session`, `growing session`, `missed cleanup-daily`, `late cleanup-daily`. */
    cause: p.text(),
    raisedAt: p.datetime(),
    /** When it was no longer so; null while it is. */
    clearedAt: p.datetime().nullable(),
  },
});

/** Trouble that was told. */
export class CleanupAlert extends CleanupAlertSchema.class {}
CleanupAlertSchema.setClass(CleanupAlert);
