import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query, Req } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import type { Actor } from '../../kernel/actor.js';
import { ApiProblems } from '../../kernel/api-problems.js';
import { Authorize, CurrentActor } from '../../kernel/authorize.js';
import { PageQuery, toPage } from '../../kernel/lists.js';
import { OrganizationPath } from '../../kernel/organization-path.js';
import { ApiKeyPath, CreateApiKeyRequest, RotateApiKeyRequest } from './api-keys.dto.js';
import { ApiKeysService } from './api-keys.service.js';
import { ApiKeyPageView, ApiKeySecretView, ApiKeyView, toApiKeySecretView, toApiKeyView } from './api-keys.view.js';

@ApiTags('API keys')
@OrganizationPath()
@Controller('api/v1/organizations/:organizationId/api-keys')
export class ApiKeysController {
  constructor(private readonly keys: ApiKeysService) {}

  /**
   * Makes an API key, of your own or of a service account; the answer shows it once.
   * @remarks Send it as `Authorization: Bearer tnn_…` or as `X-API-Key`. It opens what is in its scopes and what its owner
   * may do at that moment, in this organization alone. A key of your own ends when you leave the organization. An organization has at most 1,000 that have not expired.
   */
  @Post()
  @Authorize('api-keys:manage')
  @ApiProblems('api_key_limit_reached')
  async createApiKey(@CurrentActor() actor: Actor, @Body() request: CreateApiKeyRequest): Promise<ApiKeySecretView> {
    return toApiKeySecretView(await this.keys.create(actor, request));
  }

  /** Lists the API keys of an organization, the newest first. */
  @Get()
  @Authorize('api-keys:manage')
  async listApiKeys(
    @CurrentActor() actor: Actor,
    @Query() query: PageQuery,
    @Req() request: FastifyRequest,
  ): Promise<ApiKeyPageView> {
    const [keys, total] = await this.keys.list(actor, query);
    return toPage(keys.map(toApiKeyView), total, query, request.url);
  }

  /** Shows an API key, without what it is. */
  @Get(':id')
  @Authorize('api-keys:manage')
  @ApiProblems('validation_failed')
  async getApiKey(@CurrentActor() actor: Actor, @Param() { id }: ApiKeyPath): Promise<ApiKeyView> {
    return toApiKeyView(await this.keys.get(actor, id));
  }

  /**
   * Revokes an API key, at once.
   * @remarks Whoever manages keys may revoke everybody's, also the personal one of somebody who holds more: a key that has
   * leaked must not wait for the person whose it is. It opens nothing to the one who revokes it, and the trail says who it was.
   */
  @Delete(':id')
  @HttpCode(204)
  @Authorize('api-keys:manage')
  @ApiProblems('validation_failed')
  async revokeApiKey(@CurrentActor() actor: Actor, @Param() { id }: ApiKeyPath): Promise<void> {
    await this.keys.revoke(actor, id);
  }

  /**
   * Gives an API key another secret, shown once; the old one works on for a while.
   * @remarks Rotated again, the key that was replaced last works on, and the one before it no more. A personal key is
   * rotated by the person whose it is.
   */
  @Post(':id/rotate')
  @HttpCode(200)
  @Authorize('api-keys:manage')
  @ApiProblems('conflict')
  async rotateApiKey(
    @CurrentActor() actor: Actor,
    @Param() { id }: ApiKeyPath,
    @Body() { overlapSeconds }: RotateApiKeyRequest,
  ): Promise<ApiKeySecretView> {
    return toApiKeySecretView(await this.keys.rotate(actor, id, overlapSeconds));
  }
}
