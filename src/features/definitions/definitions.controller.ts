import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query, Req } from '@nestjs/common';
import { ApiBody, ApiParam, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import type { Actor } from '../../kernel/actor.js';
import { ApiProblems } from '../../kernel/api-problems.js';
import { Authorize, CurrentActor } from '../../kernel/authorize.js';
import { toPage } from '../../kernel/lists.js';
import { IfMatch, Versioned, VersionedWrite } from '../../kernel/versions.js';
import { ReasonQuery } from '../change-log/change-reason.dto.js';
import { CHANGED_FEATURE, createExamples, REMOVED_FEATURE, updateExamples } from './definitions.examples.js';
import { CreateFeatureRequest, FeaturePath, FeaturesQuery, UpdateFeatureRequest } from './definitions.dto.js';
import { DefinitionsService } from './definitions.service.js';
import { FeaturePageView, FeatureView, toFeatureView } from './definitions.view.js';

@ApiTags('Features')
@Controller('api/v1/features')
export class DefinitionsController {
  constructor(private readonly definitions: DefinitionsService) {}

  /** Lists features. */
  @Get()
  @Authorize('session')
  async listFeatures(@Query() query: FeaturesQuery, @Req() request: FastifyRequest): Promise<FeaturePageView> {
    const [features, total] = await this.definitions.list(query);
    return toPage(features.map(toFeatureView), total, query, request.url);
  }

  /** Shows a feature. */
  @Get(':key')
  @Authorize('session')
  @Versioned()
  @ApiProblems('validation_failed')
  async getFeature(@Param() { key }: FeaturePath): Promise<FeatureView> {
    return toFeatureView(await this.definitions.get(key));
  }

  /**
   * Makes a feature.
   * @remarks Only `key`, `name`, `type` and `defaultValue` are required. Everywhere it is then `defaultValue`, until a plan, a
   * configuration of an environment or an override of an organization says otherwise.
   *
   * Execute the examples one after the other, and those of everything else fit: they are about these features. **first**
   * makes `reports`; **second** makes `report-exports`, which needs `reports` and is given by the plan `standard`. What one
   * feature needs may need others, to any depth, but never leads back to it: that is 409 `feature_dependency_cycle`, with
   * the path. `conflicts` names features that nobody can have together with it; if somebody would need both by what they
   * depend on, that is 409 `feature_conflict`.
   */
  @Post()
  @Authorize('platform-admin')
  @Versioned()
  @ApiBody({ type: CreateFeatureRequest, examples: createExamples })
  @ApiProblems(
    'conflict',
    'feature_dependency_cycle',
    'feature_conflict',
    'feature_dependency_unmet',
    'feature_change_needs_approval',
  )
  async createFeature(@CurrentActor() actor: Actor, @Body() request: CreateFeatureRequest): Promise<FeatureView> {
    return toFeatureView(await this.definitions.create(actor, request));
  }

  /**
   * Changes a feature.
   * @remarks What is left out stays, null clears; `dependencies`, `conflicts`, `variants`, `tags` and `plans` are replaced as a
   * whole. What is stored has to fit afterwards: if a plan's value, a rule or an override of an organization does not, that
   * is 409 `conflict`, which names it. An override above a plan's value fits: it stays, and has no effect. A conflict stands in both features, so that naming or removing it in one changes
   * the other, and its version.
   */
  @Patch(':key')
  @Authorize('platform-admin')
  @VersionedWrite()
  @ApiParam({ name: 'key', example: CHANGED_FEATURE })
  @ApiBody({ type: UpdateFeatureRequest, examples: updateExamples })
  @ApiProblems(
    'conflict',
    'feature_dependency_cycle',
    'feature_conflict',
    'feature_dependency_unmet',
    'feature_in_use',
    'feature_change_needs_approval',
  )
  async updateFeature(
    @CurrentActor() actor: Actor,
    @Param() { key }: FeaturePath,
    @Body() request: UpdateFeatureRequest,
    @IfMatch() version: number | null,
  ): Promise<FeatureView> {
    return toFeatureView(await this.definitions.update(actor, key, request, version));
  }

  /**
   * Removes a feature that no other one and no widget needs, and no template gives.
   * @remarks Its configurations, the overrides of organizations and what was counted of it go with it. Archiving it keeps them.
   */
  @Delete(':key')
  @HttpCode(204)
  @Authorize('platform-admin')
  @VersionedWrite()
  @ApiParam({ name: 'key', example: REMOVED_FEATURE })
  @ApiProblems('validation_failed', 'feature_in_use', 'feature_change_needs_approval')
  async deleteFeature(
    @CurrentActor() actor: Actor,
    @Param() { key }: FeaturePath,
    @Query() { reason }: ReasonQuery,
    @IfMatch() version: number | null,
  ): Promise<void> {
    await this.definitions.remove(actor, key, version, reason);
  }
}
