import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query, Req } from '@nestjs/common';
import { ApiParam, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import type { Actor } from '../kernel/actor.js';
import { ApiProblems } from '../kernel/api-problems.js';
import { Authorize, CurrentActor } from '../kernel/authorize.js';
import { PageQuery, toPage } from '../kernel/lists.js';
import { CreateEnvironmentRequest, EnvironmentPath } from './environments.dto.js';
import { EnvironmentsService } from './environments.service.js';
import { EnvironmentPageView, EnvironmentView, toEnvironmentView } from './environments.view.js';

@ApiTags('Environments')
@Controller('api/v1/environments')
export class EnvironmentsController {
  constructor(private readonly environments: EnvironmentsService) {}

  /** Lists the environments of the installation. */
  @Get()
  @Authorize('session')
  async listEnvironments(@Query() query: PageQuery, @Req() request: FastifyRequest): Promise<EnvironmentPageView> {
    const [environments, total] = await this.environments.list(query);
    return toPage(environments.map(toEnvironmentView), total, query, request.url);
  }

  /** Shows an environment. */
  @Get(':key')
  @Authorize('session')
  @ApiProblems('validation_failed')
  async getEnvironment(@Param() { key }: EnvironmentPath): Promise<EnvironmentView> {
    return toEnvironmentView(await this.environments.get(key));
  }

  /**
   * Makes an environment.
   * @remarks Every feature is enabled there and has no rules, until it is configured.
   */
  @Post()
  @Authorize('platform-admin')
  @ApiProblems('conflict')
  async createEnvironment(
    @CurrentActor() actor: Actor,
    @Body() request: CreateEnvironmentRequest,
  ): Promise<EnvironmentView> {
    return toEnvironmentView(await this.environments.create(actor, request));
  }

  /**
   * Removes an environment that no API key is for.
   * @remarks What features are there, and what organizations override there, goes with it. The last environment stays.
   */
  @Delete(':key')
  @HttpCode(204)
  @Authorize('platform-admin')
  @ApiParam({ name: 'key', example: 'preview-eu' })
  @ApiProblems('validation_failed', 'environment_in_use', 'conflict')
  async deleteEnvironment(@CurrentActor() actor: Actor, @Param() { key }: EnvironmentPath): Promise<void> {
    await this.environments.remove(actor, key);
  }
}
