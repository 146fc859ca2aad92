import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query, Req } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import type { Actor } from '../../kernel/actor.js';
import { ApiProblems } from '../../kernel/api-problems.js';
import { Authorize, CurrentActor } from '../../kernel/authorize.js';
import { PageQuery, toPage } from '../../kernel/lists.js';
import { IfMatch, Versioned, VersionedWrite } from '../../kernel/versions.js';
import { EVENT_TYPES } from '../event-types.js';
import { CreateWebhookRequest, WebhookPath, RotateWebhookSecretRequest, UpdateWebhookRequest } from './webhooks.dto.js';
import { WebhooksService } from './webhooks.service.js';
import {
  toWebhookSecretView,
  toWebhookView,
  WebhookEventTypesView,
  WebhookPageView,
  WebhookSecretView,
  WebhookView,
} from './webhooks.view.js';

@ApiTags('Webhooks')
@Controller('api/v1/webhooks')
export class WebhooksController {
  constructor(private readonly webhooks: WebhooksService) {}

  /**
   * Makes a webhook of the platform; the answer shows its secret once.
   * @remarks Entries of the whole trail are posted to it, of every organization and of none.
   * Requests carry `webhook-id`, `webhook-timestamp` and `webhook-signature` (Standard Webhooks). There can be 20.
   */
  @Post()
  @Authorize('platform-admin')
  @Versioned()
  @ApiProblems('webhook_limit_reached', 'external_service_failed')
  async createWebhook(@CurrentActor() actor: Actor, @Body() request: CreateWebhookRequest): Promise<WebhookSecretView> {
    return toWebhookSecretView(await this.webhooks.create(actor, request));
  }

  /** Lists the webhooks of the platform, the newest first. */
  @Get()
  @Authorize('platform-admin')
  async listWebhooks(
    @CurrentActor() actor: Actor,
    @Query() query: PageQuery,
    @Req() request: FastifyRequest,
  ): Promise<WebhookPageView> {
    const [webhooks, total] = await this.webhooks.list(actor, query);
    return toPage(webhooks.map(toWebhookView), total, query, request.url);
  }

  /** Lists the types of events that webhooks can listen to. */
  @Get('event-types')
  @Authorize('session')
  listWebhookEventTypes(): WebhookEventTypesView {
    return { types: EVENT_TYPES };
  }

  /** Shows a webhook of the platform, without its secret. */
  @Get(':id')
  @Authorize('platform-admin')
  @Versioned()
  @ApiProblems('validation_failed')
  async getWebhook(@CurrentActor() actor: Actor, @Param() { id }: WebhookPath): Promise<WebhookView> {
    return toWebhookView(await this.webhooks.get(actor, id));
  }

  /**
   * Changes a webhook of the platform, or switches it off or on.
   * @remarks What waits when it is switched off counts as failed; `…/replay` has it sent again.
   */
  @Patch(':id')
  @Authorize('platform-admin')
  @VersionedWrite()
  @ApiProblems('external_service_failed')
  async updateWebhook(
    @CurrentActor() actor: Actor,
    @Param() { id }: WebhookPath,
    @Body() request: UpdateWebhookRequest,
    @IfMatch() version: number | null,
  ): Promise<WebhookView> {
    return toWebhookView(await this.webhooks.update(actor, id, request, version));
  }

  /** Removes a webhook of the platform, with its deliveries. */
  @Delete(':id')
  @HttpCode(204)
  @Authorize('platform-admin')
  @ApiProblems('validation_failed')
  async deleteWebhook(@CurrentActor() actor: Actor, @Param() { id }: WebhookPath): Promise<void> {
    await this.webhooks.delete(actor, id);
  }

  /**
   * Gives a webhook of the platform another secret, shown once; the old one signs as well for a while.
   * @remarks Rotated again, the secret that was replaced last signs on, and the one before it no more.
   */
  @Post(':id/rotate-secret')
  @HttpCode(200)
  @Authorize('platform-admin')
  @Versioned()
  async rotateWebhookSecret(
    @CurrentActor() actor: Actor,
    @Param() { id }: WebhookPath,
    @Body() { overlapSeconds }: RotateWebhookSecretRequest,
  ): Promise<WebhookSecretView> {
    return toWebhookSecretView(await this.webhooks.rotateSecret(actor, id, overlapSeconds));
  }
}
