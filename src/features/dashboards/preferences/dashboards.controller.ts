import { Body, Controller, Delete, Get, HttpCode, Put, Query } from '@nestjs/common';
import { ApiBody, ApiTags } from '@nestjs/swagger';
import type { Actor } from '../../../kernel/actor.js';
import { ApiProblems } from '../../../kernel/api-problems.js';
import { Authorize, CurrentActor } from '../../../kernel/authorize.js';
import { OrganizationPath } from '../../../kernel/organization-path.js';
import { IfMatch, Versioned, VersionedWrite } from '../../../kernel/versions.js';
import { DashboardQuery, PutDashboardRequest } from './dashboards.dto.js';
import { dashboardExamples } from './dashboards.examples.js';
import { DashboardsService } from './dashboards.service.js';
import { DashboardView } from './dashboards.view.js';

@ApiTags('Dashboards')
@OrganizationPath()
@Controller('api/v1/organizations/:organizationId/dashboards/me')
export class DashboardsController {
  constructor(private readonly dashboards: DashboardsService) {}

  /**
   * Shows your dashboard in the organization.
   * @remarks Each widget says whether it is `available` now, and if not, in `explanation` why; it stays where you put it, and
   * comes back by itself when the organization has its features again. `widget_removed`: it is in the library no more.
   *
   * Until you save one it is the default, `isDefault`, made of the first twelve widgets that are available. Nobody else sees
   * it: no other member, no owner, no platform admin. It goes when you leave the organization.
   */
  @Get()
  @Authorize('dashboards:update')
  @Versioned()
  @ApiProblems('validation_failed')
  async getDashboard(@CurrentActor() actor: Actor, @Query() { environment }: DashboardQuery): Promise<DashboardView> {
    return this.dashboards.get(actor, environment);
  }

  /**
   * Saves your dashboard in the organization.
   * @remarks It is replaced as a whole. `GET …/widgets` lists what you can place, with each one's `defaultSize` and
   * `settingsSchema`. The grid has 12 columns and as many rows as you like; refused are two widgets that overlap, one beyond
   * the last column, one that is not in the library, and settings that its schema does not take. `errors` tells them all, with
   * the path of each, and of settings what would be taken.
   *
   * A widget that is not available now can be placed, and one that was removed from the library can stay and be moved. Send
   * the `ETag` that you read as `If-Match`, `"0"` before the first time: what another window saved meanwhile is not lost.
   */
  @Put()
  @Authorize('dashboards:update')
  @VersionedWrite()
  @ApiBody({ type: PutDashboardRequest, examples: dashboardExamples })
  async putDashboard(
    @CurrentActor() actor: Actor,
    @Query() { environment }: DashboardQuery,
    @Body() request: PutDashboardRequest,
    @IfMatch() version: number | null,
  ): Promise<DashboardView> {
    return this.dashboards.put(actor, request, version, environment);
  }

  /** Goes back to the default dashboard. */
  @Delete()
  @HttpCode(204)
  @Authorize('dashboards:update')
  @VersionedWrite()
  async deleteDashboard(@CurrentActor() actor: Actor, @IfMatch() version: number | null): Promise<void> {
    await this.dashboards.reset(actor, version);
  }
}
