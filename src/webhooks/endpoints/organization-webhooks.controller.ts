import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query, Req } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import type { Actor } from '../../kernel/actor.js';
import { ApiProblems } from '../../kernel/api-problems.js';
import { Authorize, CurrentActor } from '../../kernel/authorize.js';
import { PageQuery, toPage } from '../../kernel/lists.js';
import { OrganizationPath } from '../../kernel/organization-path.js';
import { IfMatch, Versioned, VersionedWrite } from '../../kernel/versions.js';
import {
  CreateWebhookRequest,
  OrganizationWebhookPath,
  RotateWebhookSecretRequest,
  UpdateWebhookRequest,
} from './webhooks.dto.js';
import { WebhooksService } from './webhooks.service.js';
import {
  toWebhookSecretView,
  toWebhookView,
  WebhookPageView,
  WebhookSecretView,
  WebhookView,
} from './webhooks.view.js';

@ApiTags('Webhooks')
@OrganizationPath()
@Controller('api/v1/organizations/:organizationId/webhooks')
export class OrganizationWebhooksController {
  constructor(private readonly webhooks: WebhooksService) {}

  /**
   * Makes a webhook of an organization; the answer shows its secret once.
   * @remarks Entries of the organization’s trail are posted to it, in the words of that trail: you have to hold
   * `audit:read`, too. Requests carry `webhook-id`, `webhook-timestamp` and `webhook-signature` (Standard Webhooks). There
   * can be 20. It takes a session: the secret is a credential, and API keys make none.
   */
  @Post()
  @Authorize('webhooks:manage', { sessionOnly: true })
  @Versioned()
  @ApiProblems('webhook_limit_reached', 'external_service_failed')
  async createOrganizationWebhook(
    @CurrentActor() actor: Actor,
    @Body() request: CreateWebhookRequest,
  ): Promise<WebhookSecretView> {
    return toWebhookSecretView(await this.webhooks.create(actor, request));
  }

  /** Lists the webhooks of an organization, the newest first. */
  @Get()
  @Authorize('webhooks:manage')
  async listOrganizationWebhooks(
    @CurrentActor() actor: Actor,
    @Query() query: PageQuery,
    @Req() request: FastifyRequest,
  ): Promise<WebhookPageView> {
    const [webhooks, total] = await this.webhooks.list(actor, query);
    return toPage(webhooks.map(toWebhookView), total, query, request.url);
  }

  /** Shows a webhook of an organization, without its secret. */
  @Get(':id')
  @Authorize('webhooks:manage')
  @Versioned()
  @ApiProblems('validation_failed')
  async getOrganizationWebhook(
    @CurrentActor() actor: Actor,
    @Param() { id }: OrganizationWebhookPath,
  ): Promise<WebhookView> {
    return toWebhookView(await this.webhooks.get(actor, id));
  }

  /**
   * Changes a webhook of an organization, or switches it off or on.
   * @remarks What waits when it is switched off counts as failed; `…/replay` has it sent again.
   */
  @Patch(':id')
  @Authorize('webhooks:manage')
  @VersionedWrite()
  @ApiProblems('external_service_failed')
  async updateOrganizationWebhook(
    @CurrentActor() actor: Actor,
    @Param() { id }: OrganizationWebhookPath,
    @Body() request: UpdateWebhookRequest,
    @IfMatch() version: number | null,
  ): Promise<WebhookView> {
    return toWebhookView(await this.webhooks.update(actor, id, request, version));
  }

  /** Removes a webhook of an organization, with its deliveries. */
  @Delete(':id')
  @HttpCode(204)
  @Authorize('webhooks:manage')
  @ApiProblems('validation_failed')
  async deleteOrganizationWebhook(
    @CurrentActor() actor: Actor,
    @Param() { id }: OrganizationWebhookPath,
  ): Promise<void> {
    await this.webhooks.delete(actor, id);
  }

  /**
   * Gives a webhook of an organization another secret, shown once; the old one signs as well for a while.
   * @remarks Rotated again, the secret that was replaced last signs on, and the one before it no more.
   * It takes a session and `audit:read`, as making a webhook does.
   */
  @Post(':id/rotate-secret')
  @HttpCode(200)
  @Authorize('webhooks:manage', { sessionOnly: true })
  @Versioned()
  async rotateOrganizationWebhookSecret(
    @CurrentActor() actor: Actor,
    @Param() { id }: OrganizationWebhookPath,
    @Body() { overlapSeconds }: RotateWebhookSecretRequest,
  ): Promise<WebhookSecretView> {
    return toWebhookSecretView(await this.webhooks.rotateSecret(actor, id, overlapSeconds));
  }
}
