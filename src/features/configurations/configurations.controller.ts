import { Body, Controller, Get, Param, Patch, Put, Query, Req } from '@nestjs/common';
import { ApiBody, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import type { Actor } from '../../kernel/actor.js';
import { ApiProblems } from '../../kernel/api-problems.js';
import { Authorize, CurrentActor } from '../../kernel/authorize.js';
import { PageQuery, toPage } from '../../kernel/lists.js';
import { IfMatch, Versioned, VersionedWrite } from '../../kernel/versions.js';
import { FeaturePath } from '../definitions/definitions.dto.js';
import {
  configurationExamples,
  ConfigurationPath,
  PutConfigurationRequest,
  SwitchConfigurationRequest,
  switchExamples,
} from './configurations.dto.js';
import { ConfigurationsService } from './configurations.service.js';
import { ConfigurationPageView, ConfigurationView, toConfigurationView } from './configurations.view.js';

@ApiTags('Features')
@Controller('api/v1/features/:key/environments')
export class ConfigurationsController {
  constructor(private readonly configurations: ConfigurationsService) {}

  /** Lists what a feature is in each environment. */
  @Get()
  @Authorize('platform-admin')
  async listConfigurations(
    @Param() { key }: FeaturePath,
    @Query() query: PageQuery,
    @Req() request: FastifyRequest,
  ): Promise<ConfigurationPageView> {
    const [configurations, total] = await this.configurations.list(key, query);
    return toPage(configurations.map(toConfigurationView), total, query, request.url);
  }

  /**
   * Shows what a feature is in an environment.
   * @remarks Where it was never configured it is enabled and has no rules; its version is 0, and `If-Match: "0"` configures
   * it only if nobody has done so meanwhile.
   */
  @Get(':environment')
  @Authorize('platform-admin')
  @Versioned()
  @ApiProblems('validation_failed')
  async getConfiguration(@Param() { key, environment }: ConfigurationPath): Promise<ConfigurationView> {
    return toConfigurationView(await this.configurations.get(key, environment));
  }

  /**
   * Configures a feature in an environment.
   * @remarks In place of what it was there. The rules are asked in their order; the first whose conditions and segments all
   * fit decides. It gives exactly one of `value`, `variant` and `rollout`; a roll-out of a boolean gives true, of other
   * types one of the variants. For whom no rule fits the `rollout` of the whole decides, then the plan's value, then the
   * default. Who is outside of that `rollout` has the default: of a boolean whose default is true everybody has it,
   * whatever the percentage. Names of rules are shown to whoever evaluates.
   *
   * Rules that are left out are gone, also with `enabled: false`: the kill switch is `PATCH` of the same address, which
   * leaves them as they are and never waits for approval.
   */
  @Put(':environment')
  @Authorize('platform-admin')
  @VersionedWrite()
  @ApiProblems('feature_change_needs_approval')
  @ApiBody({ type: PutConfigurationRequest, examples: configurationExamples })
  async putConfiguration(
    @CurrentActor() actor: Actor,
    @Param() { key, environment }: ConfigurationPath,
    @Body() request: PutConfigurationRequest,
    @IfMatch() version: number | null,
  ): Promise<ConfigurationView> {
    return toConfigurationView(await this.configurations.put(actor, key, environment, request, version));
  }

  /**
   * Switches a feature on or off in an environment, and leaves its rules and its roll-out as they are.
   * @remarks With `enabled: false` this is the kill switch. It never waits for approval, whatever the policy of the
   * environment; where that asks for a `reason`, give one. Switching on is under the policy like any other change: as a
   * change request it is `feature.switch`.
   */
  @Patch(':environment')
  @Authorize('platform-admin')
  @VersionedWrite()
  @ApiBody({ type: SwitchConfigurationRequest, examples: switchExamples })
  @ApiProblems('validation_failed', 'not_found', 'feature_change_needs_approval')
  async switchConfiguration(
    @CurrentActor() actor: Actor,
    @Param() { key, environment }: ConfigurationPath,
    @Body() request: SwitchConfigurationRequest,
    @IfMatch() version: number | null,
  ): Promise<ConfigurationView> {
    return toConfigurationView(await this.configurations.switch(actor, key, environment, request, version));
  }
}
