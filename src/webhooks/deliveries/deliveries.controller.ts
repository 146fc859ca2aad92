import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { Actor } from '../../kernel/actor.js';
import { ApiProblems } from '../../kernel/api-problems.js';
import { Authorize, CurrentActor } from '../../kernel/authorize.js';

import { WebhookPath } from '../endpoints/webhooks.dto.js';
import { WebhookDeliveryPath, ReplayWebhookRequest, WebhookDeliveriesQuery } from './deliveries.dto.js';
import { DeliveriesService } from './deliveries.service.js';
import {
  toDeliveryDetailView,
  toDeliveryView,
  WebhookDeliveryDetailView,
  WebhookDeliveryPage,
  WebhookDeliveryView,
  WebhookReplayView,
} from './deliveries.view.js';

@ApiTags('Webhooks')
@Controller('api/v1/webhooks/:id')
export class DeliveriesController {
  constructor(private readonly deliveries: DeliveriesService) {}

  /**
   * Lists what a webhook of the platform was told, or is to be told, the newest event first.
   * @remarks Deliveries are kept to the end of their month and 30 days more.
   */
  @Get('deliveries')
  @Authorize('platform-admin')
  async listWebhookDeliveries(
    @CurrentActor() actor: Actor,
    @Param() { id }: WebhookPath,
    @Query() query: WebhookDeliveriesQuery,
  ): Promise<WebhookDeliveryPage> {
    const { data, meta } = await this.deliveries.list(actor, id, query);
    return { data: data.map(toDeliveryView), meta };
  }

  /** Shows one delivery of a webhook of the platform, with the body that is posted. */
  @Get('deliveries/:deliveryId')
  @Authorize('platform-admin')
  @ApiProblems('validation_failed')
  async getWebhookDelivery(
    @CurrentActor() actor: Actor,
    @Param() { id, deliveryId }: WebhookDeliveryPath,
  ): Promise<WebhookDeliveryDetailView> {
    const { row, payload } = await this.deliveries.get(actor, id, deliveryId);
    return toDeliveryDetailView(row, payload);
  }

  /** Has one event sent again to a webhook of the platform, under the same `webhook-id`, also when it had arrived. */
  @Post('deliveries/:deliveryId/replay')
  @HttpCode(202)
  @Authorize('platform-admin')
  @ApiProblems('validation_failed', 'webhook_disabled')
  async replayWebhookDelivery(
    @CurrentActor() actor: Actor,
    @Param() { id, deliveryId }: WebhookDeliveryPath,
  ): Promise<WebhookDeliveryView> {
    return toDeliveryView(await this.deliveries.replay(actor, id, deliveryId));
  }

  /** Has every event sent again that a webhook of the platform did not take, since a time. */
  @Post('replay')
  @HttpCode(202)
  @Authorize('platform-admin')
  @ApiProblems('webhook_disabled')
  async replayWebhook(
    @CurrentActor() actor: Actor,
    @Param() { id }: WebhookPath,
    @Body() { since }: ReplayWebhookRequest,
  ): Promise<WebhookReplayView> {
    return { deliveries: await this.deliveries.replayAllFailed(actor, id, since) };
  }

  /** Sends a test to a webhook of the platform: an event of the type `webhook.tested`, whatever it listens to. */
  @Post('test')
  @HttpCode(202)
  @Authorize('platform-admin')
  @ApiProblems('validation_failed', 'webhook_disabled')
  async testWebhook(@CurrentActor() actor: Actor, @Param() { id }: WebhookPath): Promise<WebhookDeliveryView> {
    return toDeliveryView(await this.deliveries.test(actor, id));
  }
}
