import { Body, Controller, Get, Put } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { Actor } from '../../kernel/actor.js';
import { ApiProblems } from '../../kernel/api-problems.js';
import { Authorize, CurrentActor } from '../../kernel/authorize.js';
import { IfMatch, Versioned, VersionedWrite } from '../../kernel/versions.js';
import { OrganizationPath } from '../../kernel/organization-path.js';
import { OrganizationPlanService } from './organization-plan.service.js';
import { OrganizationPlanView, toOrganizationPlanView } from './organization-plan.view.js';
import { PutOrganizationPlanRequest } from './plans.dto.js';

@ApiTags('Plans')
@OrganizationPath()
@Controller('api/v1/organizations/:organizationId/plan')
export class OrganizationPlanController {
  constructor(private readonly plans: OrganizationPlanService) {}

  /** Shows the plan of the organization, and how much of its limits is used. */
  @Get()
  @Authorize('plan:read')
  @Versioned()
  async getOrganizationPlan(@CurrentActor() actor: Actor): Promise<OrganizationPlanView> {
    return toOrganizationPlanView(await this.plans.get(actor));
  }

  /** Puts the organization on another plan, unless it has more members than that has seats. */
  @Put()
  @Authorize('platform-admin')
  @VersionedWrite()
  @ApiProblems('seat_limit_reached')
  async putOrganizationPlan(
    @CurrentActor() actor: Actor,
    @Body() { plan }: PutOrganizationPlanRequest,
    @IfMatch() version: number | null,
  ): Promise<OrganizationPlanView> {
    return toOrganizationPlanView(await this.plans.put(actor, plan, version));
  }
}
