import { defineEntity, p } from '@mikro-orm/core';
import { systemPolicy, tenantPolicy } from '../../database/policies.js';
import { Organization } from '../../organizations/organization.entity.js';

/** Why nothing is sent: somebody switched it off, the receiver said 410 Gone, or it has failed for days. */
export const DISABLED_REASONS = ['by_hand', 'gone', 'failing'] as const;
export type DisabledReason = (typeof DISABLED_REASONS)[number];

const WebhookEndpointSchema = defineEntity({
  name: 'WebhookEndpoint',
  tableName: 'webhook_endpoints',
  rowLevelSecurity: 'force',
  policies: [tenantPolicy(), systemPolicy],
  checks: [
    { name: 'webhook_endpoints_enabled_check', expression: 'enabled = (disabled_reason is null)' },
    {
      name: 'webhook_endpoints_previous_secret_check',
      expression: '(previous_secret is null) = (previous_secret_expires_at is null)',
    },
  ],
  properties: {
    id: p.uuid().primary(),
    /** Null: the platform's, which hears of every organization and of what belongs to none. */
    organization: () => p.manyToOne(Organization).nullable().deleteRule('cascade').index(),
    url: p.text(),
    description: p.text().nullable(),
    /** Actions of the trail, `area.*`, or `*`. */
    eventTypes: p.array().$type<string[]>(),
    enabled: p.boolean().default(true),
    disabledReason: p.text().$type<DisabledReason>().nullable(),
    /** Sealed. */
    secret: p.text(),
    /** Sealed; what was replaced and is signed with, too, for a while. */
    previousSecret: p.text().nullable(),
    previousSecretExpiresAt: p.datetime().nullable(),
    /** Since the first failure after the last success. */
    failingSince: p.datetime().nullable(),
    /** The receiver asked not to be called before. */
    pausedUntil: p.datetime().nullable(),
    version: p.integer().default(1),
    createdAt: p.datetime(),
    updatedAt: p.datetime().onUpdate(() => new Date()),
  },
});

/** Where to tell of entries of the trail. */
export class WebhookEndpoint extends WebhookEndpointSchema.class {}
WebhookEndpointSchema.setClass(WebhookEndpoint);
