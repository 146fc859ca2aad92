import { Controller, Get, Query, Req } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import type { Actor } from '../../../kernel/actor.js';
import { ApiProblems } from '../../../kernel/api-problems.js';
import { Authorize, CurrentActor } from '../../../kernel/authorize.js';
import { toPage } from '../../../kernel/lists.js';
import { OrganizationPath } from '../../../kernel/organization-path.js';
import { OrganizationWidgetsService } from './organization-widgets.service.js';
import { OrganizationWidgetPageView } from './organization-widgets.view.js';
import { OrganizationWidgetsQuery } from './widgets.dto.js';

@ApiTags('Widgets')
@OrganizationPath()
@Controller('api/v1/organizations/:organizationId/widgets')
export class OrganizationWidgetsController {
  constructor(private readonly widgets: OrganizationWidgetsService) {}

  /**
   * Lists every widget, and whether the organization can use it.
   * @remarks One that is not `available` says why in `explanation`, and in `requiredFeatures` which feature is off and what
   * decided that, with the reasons of `GET …/features`. It comes by itself when the organization gets the feature, by its
   * plan, an override, or however else. Features are evaluated for the organization itself, not for one of its people.
   */
  @Get()
  @Authorize('widgets:read')
  @ApiProblems('validation_failed')
  async listOrganizationWidgets(
    @CurrentActor() actor: Actor,
    @Query() query: OrganizationWidgetsQuery,
    @Req() request: FastifyRequest,
  ): Promise<OrganizationWidgetPageView> {
    const [widgets, total] = await this.widgets.list(actor, query);
    return toPage(widgets, total, query, request.url);
  }
}
