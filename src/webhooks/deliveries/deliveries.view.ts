import { ApiProperty } from '@nestjs/swagger';
import { CursorMeta, type CursorPage } from '../../kernel/lists.js';
import { DELIVERY_STATUSES, type DeliveryStatus } from './deliveries.dto.js';
import type { Payload } from '../sending/payload.js';
import type { DeliveryRow } from './deliveries.queries.js';

const ID = '0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f04';
const TIME = { type: String, format: 'date-time', nullable: true } as const;

/** One request, and what came of it. */
export class WebhookAttemptView {
  /** When it was sent. */
  @ApiProperty({ format: 'date-time', example: '2026-11-28T08:00:00.000Z' })
  at!: string;
  /** How long it took. */
  @ApiProperty({ example: 143 })
  durationMs!: number;
  /** What the receiver answered; null for nothing. */
  @ApiProperty({ type: Number, nullable: true, example: 200 })
  status!: number | null;
  /** Why it was no success. */
  @ApiProperty({ type: String, nullable: true, example: null })
  error!: string | null;
  /** The first KiB of the answer; null where nothing came, and from addresses that are not public. */
  @ApiProperty({ type: String, nullable: true, example: 'ok' })
  body!: string | null;
}

/** An event on its way to a webhook. */
export class WebhookDeliveryView {
  /** Id of the event: that of the entry of the trail, and the `webhook-id` of every request. */
  @ApiProperty({ format: 'uuid', example: ID })
  id!: string;
  /** What happened. */
  @ApiProperty({ example: 'member.joined' })
  type!: string;
  /** Where it stands. */
  @ApiProperty({ enum: DELIVERY_STATUSES, example: 'delivered' })
  status!: DeliveryStatus;
  /** When it is tried next; null once it is over. */
  @ApiProperty({ ...TIME, example: null })
  nextAttemptAt!: string | null;
  /** When the receiver took it last. */
  @ApiProperty({ ...TIME, example: '2026-11-28T08:00:00.000Z' })
  deliveredAt!: string | null;
  /** The requests, oldest first; the latest 20. */
  @ApiProperty({ type: [WebhookAttemptView] })
  attempts!: WebhookAttemptView[];
}

/** A delivery with what is posted. */
export class WebhookDeliveryDetailView extends WebhookDeliveryView {
  /**
   * The body of every request, which is sent as it stands here, without spaces between. Null when the trail does not hold
   * the event any more, or for who may not read the trail.
   */
  @ApiProperty({
    type: 'object',
    additionalProperties: true,
    nullable: true,
    example: { type: 'member.joined', timestamp: '2026-11-28T08:00:00.000Z', data: { id: ID, outcome: 'success' } },
  })
  payload!: Payload | null;
}

/** A page of deliveries, the newest event first. */
export class WebhookDeliveryPage implements CursorPage<WebhookDeliveryView> {
  /** The deliveries. */
  @ApiProperty({ type: [WebhookDeliveryView] })
  data!: WebhookDeliveryView[];
  /** Whether and where the list goes on. */
  @ApiProperty({ type: CursorMeta })
  meta!: CursorMeta;
}

/** How many events are sent again. */
export class WebhookReplayView {
  /** How many. */
  @ApiProperty({ example: 12 })
  deliveries!: number;
}

export function toDeliveryView(row: DeliveryRow): WebhookDeliveryView {
  return {
    id: row.event_id,
    type: row.event_type,
    status: row.due_at !== null ? 'pending' : row.delivered_at !== null ? 'delivered' : 'failed',
    nextAttemptAt: toIso(row.due_at),
    deliveredAt: toIso(row.delivered_at),
    attempts: row.attempts,
  };
}

export function toDeliveryDetailView(row: DeliveryRow, payload: Payload | null): WebhookDeliveryDetailView {
  return { ...toDeliveryView(row), payload };
}

function toIso(time: string | null): string | null {
  return time === null ? null : new Date(time).toISOString();
}
