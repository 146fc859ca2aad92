import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { Actor } from '../../kernel/actor.js';
import { ApiProblems } from '../../kernel/api-problems.js';
import { Authorize, CurrentActor } from '../../kernel/authorize.js';
import { OrganizationPath } from '../../kernel/organization-path.js';
import { OrganizationWebhookPath } from '../endpoints/webhooks.dto.js';
import { OrganizationWebhookDeliveryPath, ReplayWebhookRequest, WebhookDeliveriesQuery } from './deliveries.dto.js';
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
@OrganizationPath()
@Controller('api/v1/organizations/:organizationId/webhooks/:id')
export class OrganizationDeliveriesController {
  constructor(private readonly deliveries: DeliveriesService) {}

  /**
   * Lists what a webhook of an organization was told, or is to be told, the newest event first.
   * @remarks Deliveries are kept to the end of their month and 30 days more.
   */
  @Get('deliveries')
  @Authorize('webhooks:manage')
  async listOrganizationWebhookDeliveries(
    @CurrentActor() actor: Actor,
    @Param() { id }: OrganizationWebhookPath,
    @Query() query: WebhookDeliveriesQuery,
  ): Promise<WebhookDeliveryPage> {
    const { data, meta } = await this.deliveries.list(actor, id, query);
    return { data: data.map(toDeliveryView), meta };
  }

  /** Shows one delivery of a webhook of an organization, with the body that is posted. */
  @Get('deliveries/:deliveryId')
  @Authorize('webhooks:manage')
  @ApiProblems('validation_failed')
  async getOrganizationWebhookDelivery(
    @CurrentActor() actor: Actor,
    @Param() { id, deliveryId }: OrganizationWebhookDeliveryPath,
  ): Promise<WebhookDeliveryDetailView> {
    const { row, payload } = await this.deliveries.get(actor, id, deliveryId);
    return toDeliveryDetailView(row, payload);
  }

  /** Has one event sent again to a webhook of an organization, under the same `webhook-id`, also when it had arrived. */
  @Post('deliveries/:deliveryId/replay')
  @HttpCode(202)
  @Authorize('webhooks:manage')
  @ApiProblems('validation_failed', 'webhook_disabled')
  async replayOrganizationWebhookDelivery(
    @CurrentActor() actor: Actor,
    @Param() { id, deliveryId }: OrganizationWebhookDeliveryPath,
  ): Promise<WebhookDeliveryView> {
    return toDeliveryView(await this.deliveries.replay(actor, id, deliveryId));
  }

  /** Has every event sent again that a webhook of an organization did not take, since a time. */
  @Post('replay')
  @HttpCode(202)
  @Authorize('webhooks:manage')
  @ApiProblems('webhook_disabled')
  async replayOrganizationWebhook(
    @CurrentActor() actor: Actor,
    @Param() { id }: OrganizationWebhookPath,
    @Body() { since }: ReplayWebhookRequest,
  ): Promise<WebhookReplayView> {
    return { deliveries: await this.deliveries.replayAllFailed(actor, id, since) };
  }

  /** Sends a test to a webhook of an organization: an event of the type `webhook.tested`, whatever it listens to. */
  @Post('test')
  @HttpCode(202)
  @Authorize('webhooks:manage')
  @ApiProblems('validation_failed', 'webhook_disabled')
  async testOrganizationWebhook(
    @CurrentActor() actor: Actor,
    @Param() { id }: OrganizationWebhookPath,
  ): Promise<WebhookDeliveryView> {
    return toDeliveryView(await this.deliveries.test(actor, id));
  }
}
