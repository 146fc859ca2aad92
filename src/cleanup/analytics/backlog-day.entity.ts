import { defineEntity, p } from '@mikro-orm/core';
import { systemPolicy } from '../../database/policies.js';

const BacklogDaySchema = defineEntity({
  name: 'BacklogDay',
  tableName: 'cleanup_backlog_days',
  rowLevelSecurity: 'force',
  policies: [systemPolicy],
  properties: {
    day: p.date().primary(),
    type: p.text().primary(),
    expired: p.bigint('number'),
  },
});

/** What had expired of a type, and was still there, on a day shortly before the daily run. */
export class BacklogDay extends BacklogDaySchema.class {}
BacklogDaySchema.setClass(BacklogDay);
