import { defineEntity, p } from '@mikro-orm/core';
import type { ActorKind } from '../kernel/actor.js';

export type AuditOutcome = 'success' | 'failure';
export type AuditData = Record<string, unknown>;

const AuditEntrySchema = defineEntity({
  name: 'AuditEntry',
  tableName: 'audit_log',
  rowLevelSecurity: 'force',
  policies: [
    {
      name: 'tenant_reads',
      command: 'select',
      roles: ['tenon_app'],
      using: `organization_id = nullif(current_setting('app.organization_id', true), '')::uuid`,
    },
    // Whoever acts may leave an entry, also where no tenant is known yet, and never in another tenant's trail.
    {
      name: 'app_leaves',
      command: 'insert',
      roles: ['tenon_app'],
      check: `organization_id is null or organization_id = nullif(current_setting('app.organization_id', true), '')::uuid`,
    },
    { name: 'system_reads', command: 'select', roles: ['tenon_system'], using: 'true' },
    { name: 'system_writes', command: 'insert', roles: ['tenon_system'], check: 'true' },
  ],
  // Each ends in the id, so that a page of one filter comes in order and needs no sort.
  indexes: [
    { properties: ['organizationId', 'id'] },
    { properties: ['userId', 'id'] },
    { properties: ['actorId', 'id'] },
    { properties: ['action', 'id'] },
    { properties: ['targetId', 'id'] },
    {
      name: 'audit_log_api_key_id_id_index',
      expression: `create index audit_log_api_key_id_id_index on audit_log (api_key_id, id) where api_key_id is not null`,
    },
  ],
  properties: {
    id: p.uuid().primary(),
    occurredAt: p.datetime(),
    organizationId: p.uuid().nullable(),
    actorKind: p.string().$type<ActorKind>(),
    actorId: p.uuid().nullable(),
    actorName: p.text().nullable(),
    actorRole: p.text().nullable(),
    impersonatorId: p.uuid().nullable(),
    sessionId: p.uuid().nullable(),
    apiKeyId: p.uuid().nullable(),
    userId: p.uuid().nullable(),
    action: p.text(),
    outcome: p.string().$type<AuditOutcome>(),
    targetType: p.text().nullable(),
    targetId: p.text().nullable(),
    before: p.json<AuditData | null>().nullable(),
    after: p.json<AuditData | null>().nullable(),
    reason: p.text().nullable(),
    ip: p.text().nullable(),
    userAgent: p.text().nullable(),
    requestId: p.text().nullable(),
  },
});

/**
 * What happened, once, for good: the application can add and read entries, and neither change nor remove them. Ids are
 * plain, without foreign keys, so that entries outlive what they speak of. The table is partitioned by the month that
 * its UUIDv7 names.
 */
export class AuditEntry extends AuditEntrySchema.class {}
AuditEntrySchema.setClass(AuditEntry);
