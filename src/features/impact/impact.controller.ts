import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiBody, ApiParam, ApiTags } from '@nestjs/swagger';
import type { Actor } from '../../kernel/actor.js';
import { ApiProblems } from '../../kernel/api-problems.js';
import { Authorize, CurrentActor } from '../../kernel/authorize.js';
import { FeaturePath } from '../definitions/definitions.dto.js';
import { CHANGED_FEATURE } from '../definitions/definitions.examples.js';
import { ImpactQuery, previewExamples, PreviewRequest } from './impact.dto.js';
import { ImpactService } from './impact.service.js';
import { ImpactView, PreviewView } from './impact.view.js';

@ApiTags('Features')
@Controller('api/v1/features/:key/impact')
export class ImpactController {
  constructor(private readonly impact: ImpactService) {}

  /**
   * Says what hangs on a feature, and what switching it would do.
   * @remarks What it needs and what needs it, over any depth; for how many active organizations it is on; and whose
   * features would change, for how many organizations and people, if it were switched off in the environment (on, where
   * it is off).
   */
  @Get()
  @Authorize('platform-admin')
  async getImpact(@Param() { key }: FeaturePath, @Query() { environment }: ImpactQuery): Promise<ImpactView> {
    return this.impact.of(key, environment);
  }

  /**
   * Says what a change of a feature would do, before it is done.
   * @remarks Name one change: of the `definition` (as for PATCH), of the `configuration` in the environment (as for PUT),
   * or `remove: true`. It is made with every check and taken back: the answer is what would change for how many
   * organizations and people, or the refusal that the change itself would meet.
   */
  @Post()
  @HttpCode(200)
  @Authorize('platform-admin')
  @ApiParam({ name: 'key', example: CHANGED_FEATURE })
  @ApiBody({ type: PreviewRequest, examples: previewExamples })
  @ApiProblems('feature_dependency_cycle', 'feature_conflict', 'feature_in_use', 'conflict')
  async previewChange(
    @CurrentActor() actor: Actor,
    @Param() { key }: FeaturePath,
    @Body() request: PreviewRequest,
  ): Promise<PreviewView> {
    return this.impact.preview(actor, key, request);
  }
}
