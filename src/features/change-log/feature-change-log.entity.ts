import { defineEntity, p } from '@mikro-orm/core';
import type { ActorKind } from '../../kernel/actor.js';
import type { JsonObject } from '../../kernel/json.js';
import { SYSTEM_ROLE } from '../../database/tenant-context.js';

/** What of the configuration of features can change. */
export const CHANGE_KINDS = ['feature', 'configuration', 'segment', 'policy'] as const;
export type ChangeKind = (typeof CHANGE_KINDS)[number];

const FILTERED = ['feature_key', 'segment_key', 'environment_key', 'actor_id', 'change_request_id'];

const FeatureChangeLogSchema = defineEntity({
  name: 'FeatureChangeLog',
  tableName: 'feature_change_logs',
  rowLevelSecurity: 'force',
  policies: [
    { name: 'system_reads', command: 'select', roles: [SYSTEM_ROLE], using: 'true' },
    { name: 'system_writes', command: 'insert', roles: [SYSTEM_ROLE], check: 'true' },
  ],
  checks: [
    {
      name: 'feature_change_logs_kind_check',
      expression: `kind in (${CHANGE_KINDS.map((kind) => `'${kind}'`).join(', ')})`,
    },
  ],
  indexes: FILTERED.map((column) => {
    const name = `feature_change_logs_${column}_id_index`;
    return {
      name,
      expression: `create index ${name} on feature_change_logs (${column}, id) where ${column} is not null`,
    };
  }),
  properties: {
    id: p.uuid().primary(),
    at: p.datetime(),
    revision: p.bigint('number'),
    kind: p.text().$type<ChangeKind>(),
    featureKey: p.text().nullable(),
    segmentKey: p.text().nullable(),
    environmentKey: p.text().nullable(),
    before: p.json<JsonObject | null>().nullable(),
    after: p.json<JsonObject | null>().nullable(),
    reason: p.text().nullable(),
    derived: p.boolean(),
    actorKind: p.text().$type<ActorKind>(),
    actorId: p.uuid().nullable(),
    requestId: p.text().nullable(),
    changeRequestId: p.uuid().nullable(),
    rolledBackId: p.uuid().nullable(),
  },
});

/** What was changed of features, whole before and after: added and read, never changed or removed. */
export class FeatureChangeLog extends FeatureChangeLogSchema.class {}
FeatureChangeLogSchema.setClass(FeatureChangeLog);
