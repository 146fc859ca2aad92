import { defineEntity, p } from '@mikro-orm/core';
import { systemPolicy } from '../../database/policies.js';

const CleanupBacklogSchema = defineEntity({
  name: 'CleanupBacklog',
  tableName: 'cleanup_backlog',
  rowLevelSecurity: 'force',
  policies: [systemPolicy],
  properties: {
    type: p.text().primary(),
    at: p.datetime().primary().index(),
    total: p.bigint('number'),
    /** What a sweep would have removed then. */
    expired: p.bigint('number'),
  },
});

/** How much there was of a type when it was looked at. */
export class CleanupBacklog extends CleanupBacklogSchema.class {}
CleanupBacklogSchema.setClass(CleanupBacklog);

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
    /** `failed session`, `growing session`, `late cleanup-daily`. */
    cause: p.text(),
    raisedAt: p.datetime(),
    /** When it was no longer so; null while it is. */
    clearedAt: p.datetime().nullable(),
  },
});

/** Trouble that was told. */
export class CleanupAlert extends CleanupAlertSchema.class {}
CleanupAlertSchema.setClass(CleanupAlert);
