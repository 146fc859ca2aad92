import { defineEntity, p } from '@mikro-orm/core';

/**
 * Where a message stands. `kept`: there is nowhere to send it, and a person may look at it. `duplicate`: another
 * message with the same key went out or is about to.
 */
export const OUTBOX_STATUSES = ['pending', 'sent', 'failed', 'kept', 'duplicate'] as const;
export type OutboxStatus = (typeof OUTBOX_STATUSES)[number];
/** What may be shown of a message: recipient, template, subject; nothing secret. */
export type OutboxSummary = Record<string, string | number | boolean | null>;

const OutboxMessageSchema = defineEntity({
  name: 'OutboxMessage',
  tableName: 'outbox',
  rowLevelSecurity: 'force',
  policies: [
    // Whoever changes something may leave work behind, in no other tenant's name, and never read what others left.
    {
      name: 'app_writes',
      command: 'insert',
      roles: ['tenon_app'],
      check: `organization_id is null or organization_id = nullif(current_setting('app.organization_id', true), '')::uuid`,
    },
    { name: 'system', roles: ['tenon_system'], using: 'true', check: 'true' },
  ],
  indexes: [
    {
      name: 'outbox_pending_index',
      expression: `create index outbox_pending_index on outbox (available_at) where status = 'pending'`,
    },
    {
      // By age: what ended leaves after a while.
      name: 'outbox_ended_index',
      expression: `create index outbox_ended_index on outbox (created_at) where status <> 'pending'`,
    },
    {
      name: 'outbox_dedupe_key_index',
      expression: `create index outbox_dedupe_key_index on outbox (dedupe_key) where dedupe_key is not null`,
    },
    { name: 'outbox_topic_id_index', properties: ['topic', 'id'] },
    {
      name: 'outbox_recipient_index',
      expression: `create index outbox_recipient_index on outbox ((summary ->> 'to'), id)`,
    },
  ],
  properties: {
    id: p.uuid().primary(),
    topic: p.string(),
    /** Sealed; null once it was sent. */
    payload: p.text().nullable(),
    summary: p.json<OutboxSummary>(),
    dedupeKey: p.string().nullable(),
    status: p.string().$type<OutboxStatus>(),
    /** Tries that failed. */
    attempts: p.integer(),
    lastError: p.text().nullable(),
    createdAt: p.datetime(),
    availableAt: p.datetime(),
    sentAt: p.datetime().nullable(),
    failedAt: p.datetime().nullable(),
    organizationId: p.uuid().nullable(),
  },
});

/** Work that commits with the change that causes it. The row is the truth; its job in the queue only wakes a worker. */
export class OutboxMessage extends OutboxMessageSchema.class {}
OutboxMessageSchema.setClass(OutboxMessage);
