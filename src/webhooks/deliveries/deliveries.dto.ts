import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsOptional, IsUUID } from 'class-validator';
import { IsInstant } from '../../kernel/instant.js';
import { CursorQuery } from '../../kernel/lists.js';
import { WebhookPath } from '../endpoints/webhooks.dto.js';

/** Where a delivery stands: on its way, taken by the receiver, or given up. */
export const DELIVERY_STATUSES = ['pending', 'delivered', 'failed'] as const;
export type DeliveryStatus = (typeof DELIVERY_STATUSES)[number];

/** Which deliveries to list. */
export class WebhookDeliveriesQuery extends CursorQuery {
  /**
   * Where the delivery stands.
   * @example failed
   */
  @IsOptional()
  @IsIn(DELIVERY_STATUSES)
  status?: DeliveryStatus;
}

/** Sends again what failed. */
export class ReplayWebhookRequest {
  /** Events since then, included: ISO 8601 with a zone, or a date (midnight UTC). All that are kept unless said. */
  @ApiPropertyOptional({ format: 'date-time', example: '2026-11-28T08:00:00Z' })
  @IsOptional()
  @IsInstant()
  since?: string;
}

/** Names a delivery. */
export class WebhookDeliveryPath extends WebhookPath {
  /**
   * Id of the delivery: that of its event, which is the entry of the trail, and its `webhook-id`.
   * @example 0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f04
   */
  @IsUUID()
  deliveryId!: string;
}

/** Names a delivery of an organization. */
export class OrganizationWebhookDeliveryPath extends WebhookDeliveryPath {
  /**
   * Id of the organization.
   * @example 0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f00
   */
  @IsUUID()
  organizationId!: string;
}
