import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { Actor } from '../../kernel/actor.js';
import { ApiProblems } from '../../kernel/api-problems.js';
import { Authorize, CurrentActor } from '../../kernel/authorize.js';
import { FeaturePath } from '../definitions/definitions.dto.js';
import { ChangePath, ChangesQuery, FeatureChangesQuery, RollbackRequest } from './change-log.dto.js';
import { ChangeLogService } from './change-log.service.js';
import { ChangesPageView, LoggedChangeView, RollbackView } from './change-log.view.js';

@ApiTags('Feature changes')
@Controller('api/v1/features')
export class ChangeLogController {
  constructor(private readonly changes: ChangeLogService) {}

  /**
   * Lists what was changed of features, newest first.
   * @remarks Features, what they are in environments, segments and policies of approvals, each whole before and after.
   * What organizations have of features apart from their plans stands in their own trail.
   */
  @Get('changes')
  @Authorize('platform-admin')
  @ApiProblems('validation_failed')
  async listChanges(@Query() query: ChangesQuery): Promise<ChangesPageView> {
    return this.changes.list(query);
  }

  /** Shows a change. */
  @Get('changes/:id')
  @Authorize('platform-admin')
  @ApiProblems('validation_failed', 'not_found')
  async getChange(@Param() { id }: ChangePath): Promise<LoggedChangeView> {
    return this.changes.get(id);
  }

  /**
   * Rolls a change back.
   * @remarks What it was about becomes what it was before that change; with `to: after` what it was after it. What was changed
   * of it since goes with it. The change log keeps all: a rollback is a change like any other, under the same checks of the
   * graph, plans and policies, and can be rolled back itself. Where all is so already, nothing is done: the answer has no
   * changes, and the log gets no entry. What names something that is gone by now, as a plan or a segment, cannot come back:
   * that is 409 `conflict`, and says which. A feature that was removed comes back with its configurations, and without the
   * overrides that organizations had.
   */
  @Post('changes/:id/rollback')
  @HttpCode(200)
  @Authorize('platform-admin')
  @ApiProblems(
    'validation_failed',
    'not_found',
    'conflict',
    'feature_dependency_cycle',
    'feature_conflict',
    'feature_dependency_unmet',
    'feature_in_use',
    'feature_segment_in_use',
    'feature_change_needs_approval',
  )
  async rollBackChange(
    @CurrentActor() actor: Actor,
    @Param() { id }: ChangePath,
    @Body() request: RollbackRequest,
  ): Promise<RollbackView> {
    return { data: await this.changes.rollback(actor, id, request) };
  }

  /**
   * Lists what was changed of a feature, newest first.
   * @remarks Of the feature itself and of what it is in environments; also once it was removed.
   */
  @Get(':key/changes')
  @Authorize('platform-admin')
  @ApiProblems('validation_failed', 'not_found')
  async listFeatureChanges(
    @Param() { key }: FeaturePath,
    @Query() query: FeatureChangesQuery,
  ): Promise<ChangesPageView> {
    return this.changes.listOf(key, query);
  }
}
