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
    /** What a sweep would have removed then. */
    expired: p.bigint('number'),
  },
});

/** How much had expired of a type, and was still there, when it was looked at: for reports, alerts and the forecast. */
export class CleanupBacklog extends CleanupBacklogSchema.class {}
CleanupBacklogSchema.setClass(CleanupBacklog);
