import { ApiProperty } from '@nestjs/swagger';
import { PageLinks, PageMeta } from '../../kernel/lists.js';
import { DISABLED_REASONS, type DisabledReason } from './webhook-endpoint.entity.js';
import type { WebhookRow } from './webhooks.queries.js';
import type { WebhookWithSecret } from './webhooks.service.js';

const TIME = { type: String, format: 'date-time', nullable: true } as const;

/** A webhook: where what is told. */
export class WebhookView {
  /** Id of the webhook. */
  @ApiProperty({ format: 'uuid', example: '0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f03' })
  id!: string;
  /** Where events are posted. */
  @ApiProperty({ format: 'uri', example: 'https://hooks.example.com/tenon' })
  url!: string;
  /** What it is for. */
  @ApiProperty({ type: String, nullable: true, example: 'Ticket system' })
  description!: string | null;
  /** What is told: types, all of an area, or `*`. */
  @ApiProperty({ type: [String], example: ['member.*', 'api_key.created'] })
  eventTypes!: string[];
  /** Whether anything is sent. */
  @ApiProperty({ example: true })
  enabled!: boolean;
  /** Why nothing is sent: switched off, or the receiver said 410 Gone, or failed for five days. */
  @ApiProperty({ type: String, enum: DISABLED_REASONS, nullable: true, example: null })
  disabledReason!: DisabledReason | null;
  /** Since when nothing has arrived; null when the last request was a success. */
  @ApiProperty({ ...TIME, example: null })
  failingSince!: string | null;
  /** Until when the secret before the present one signs, too; null when it does not. */
  @ApiProperty({ ...TIME, example: null })
  previousSecretExpiresAt!: string | null;
  /**
   * Counts its changes; the ETag holds it.
   * @example 1
   */
  version!: number;
  /** When it was made. */
  @ApiProperty({ format: 'date-time', example: '2026-11-28T08:00:00.000Z' })
  createdAt!: string;
}

/** A webhook with its secret, which is shown this once. */
export class WebhookSecretView extends WebhookView {
  /** What requests are signed with, as Standard Webhooks writes it. It cannot be shown again. */
  @ApiProperty({ example: 'whsec_…' })
  secret!: string;
}

/** A page of webhooks. */
export class WebhookPageView {
  /** The webhooks of this page. */
  data!: WebhookView[];
  /** Where this page stands. */
  meta!: PageMeta;
  /** Neighbouring pages. */
  links!: PageLinks;
}

/** Types of events. */
export class WebhookEventTypesView {
  /** Every type: the actions of the trail. */
  @ApiProperty({ type: [String], example: ['member.joined', 'member.removed'] })
  types!: readonly string[];
}

export function toWebhookView(row: WebhookRow): WebhookView {
  return {
    id: row.id,
    url: row.url,
    description: row.description,
    eventTypes: row.event_types,
    enabled: row.enabled,
    disabledReason: row.disabled_reason,
    failingSince: toIso(row.failing_since),
    previousSecretExpiresAt: toIso(row.previous_secret_expires_at),
    version: row.version,
    createdAt: toIso(row.created_at)!,
  };
}

export function toWebhookSecretView({ row, secret }: WebhookWithSecret): WebhookSecretView {
  return { ...toWebhookView(row), secret };
}

function toIso(time: string | null): string | null {
  return time === null ? null : new Date(time).toISOString();
}
