import { defineEntity, p } from '@mikro-orm/core';
import { systemPolicy, tenantPolicy } from '../../database/policies.js';
import { WebhookEndpoint } from '../endpoints/webhook-endpoint.entity.js';

/** One request to an endpoint, and what came of it. */
export interface WebhookAttempt {
  /** ISO 8601. */
  at: string;
  durationMs: number;
  /** Of HTTP; null when there was no answer. */
  status: number | null;
  /** In our words; null for a success. */
  error: string | null;
  /** The beginning of the answer; null where none may be shown. */
  body: string | null;
}

const WebhookDeliverySchema = defineEntity({
  name: 'WebhookDelivery',
  tableName: 'webhook_deliveries',
  rowLevelSecurity: 'force',
  policies: [tenantPolicy(), systemPolicy],
  indexes: [
    {
      name: 'webhook_deliveries_due_index',
      expression: `create index webhook_deliveries_due_index on webhook_deliveries (endpoint_id, due_at) where due_at is not null`,
    },
  ],
  properties: {
    endpoint: () => p.manyToOne(WebhookEndpoint).primary().deleteRule('cascade'),
    /** The entry of the trail that it tells of; also its `webhook-id`. */
    eventId: p.uuid().primary(),
    /** That of the endpoint. */
    organizationId: p.uuid().nullable(),
    eventType: p.text(),
    /** When it is tried, or given up by whoever tries it now; null once that is over. */
    dueAt: p.datetime().nullable(),
    /** Since it was left or repeated. */
    tries: p.integer().default(0),
    deliveredAt: p.datetime().nullable(),
    /** The latest, oldest first. */
    attempts: p.json<WebhookAttempt[]>().default('[]'),
  },
});

/** An entry of the trail on its way to an endpoint; a trigger leaves it in the transaction of the entry. */
export class WebhookDelivery extends WebhookDeliverySchema.class {}
WebhookDeliverySchema.setClass(WebhookDelivery);
