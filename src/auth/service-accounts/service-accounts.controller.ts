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
  CreateServiceAccountRequest,
  ServiceAccountPath,
  UpdateServiceAccountRequest,
} from './service-accounts.dto.js';
import { ServiceAccountsService } from './service-accounts.service.js';
import { ServiceAccountPageView, ServiceAccountView, toServiceAccountView } from './service-accounts.view.js';

@ApiTags('API keys')
@OrganizationPath()
@Controller('api/v1/organizations/:organizationId/service-accounts')
export class ServiceAccountsController {
  constructor(private readonly accounts: ServiceAccountsService) {}

  /**
   * Makes a service account, with a role that holds nothing that you do not hold yourself.
   * @remarks It acts by API keys that name it, stays when the person who made it leaves, and takes no seat of the plan.
   */
  @Post()
  @Authorize('api-keys:manage')
  @Versioned()
  async createServiceAccount(
    @CurrentActor() actor: Actor,
    @Body() request: CreateServiceAccountRequest,
  ): Promise<ServiceAccountView> {
    return toServiceAccountView(await this.accounts.create(actor, request));
  }

  /** Lists the service accounts of an organization, by name. */
  @Get()
  @Authorize('api-keys:manage')
  async listServiceAccounts(
    @CurrentActor() actor: Actor,
    @Query() query: PageQuery,
    @Req() request: FastifyRequest,
  ): Promise<ServiceAccountPageView> {
    const [accounts, total] = await this.accounts.list(actor, query);
    return toPage(accounts.map(toServiceAccountView), total, query, request.url);
  }

  /** Shows a service account. */
  @Get(':id')
  @Authorize('api-keys:manage')
  @Versioned()
  @ApiProblems('validation_failed')
  async getServiceAccount(
    @CurrentActor() actor: Actor,
    @Param() { id }: ServiceAccountPath,
  ): Promise<ServiceAccountView> {
    return toServiceAccountView(await this.accounts.get(actor, id));
  }

  /**
   * Changes a service account; its keys have another role at once.
   * @remarks Not one that holds more than you, and never to more than you hold.
   */
  @Patch(':id')
  @Authorize('api-keys:manage')
  @VersionedWrite()
  async updateServiceAccount(
    @CurrentActor() actor: Actor,
    @Param() { id }: ServiceAccountPath,
    @Body() request: UpdateServiceAccountRequest,
    @IfMatch() version: number | null,
  ): Promise<ServiceAccountView> {
    return toServiceAccountView(await this.accounts.update(actor, id, request, version));
  }

  /** Removes a service account, and all its keys. */
  @Delete(':id')
  @HttpCode(204)
  @Authorize('api-keys:manage')
  @ApiProblems('validation_failed')
  async deleteServiceAccount(@CurrentActor() actor: Actor, @Param() { id }: ServiceAccountPath): Promise<void> {
    await this.accounts.delete(actor, id);
  }
}
