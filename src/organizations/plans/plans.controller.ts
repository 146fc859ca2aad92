import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query, Req } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import type { Actor } from '../../kernel/actor.js';
import { ApiProblems } from '../../kernel/api-problems.js';
import { Authorize, CurrentActor } from '../../kernel/authorize.js';
import { PageQuery, toPage } from '../../kernel/lists.js';
import { IfMatch, Versioned, VersionedWrite } from '../../kernel/versions.js';
import { CreatePlanRequest, PlanPath, UpdatePlanRequest } from './plans.dto.js';
import { PlansService } from './plans.service.js';
import { PlanPageView, PlanView, toPlanView } from './plans.view.js';

@ApiTags('Plans')
@Controller('api/v1/plans')
export class PlansController {
  constructor(private readonly plans: PlansService) {}

  /** Lists the plans. */
  @Get()
  @Authorize('session')
  async listPlans(@Query() query: PageQuery, @Req() request: FastifyRequest): Promise<PlanPageView> {
    const [plans, total] = await this.plans.list(query);
    return toPage(plans.map(toPlanView), total, query, request.url);
  }

  /** Shows a plan. */
  @Get(':key')
  @Authorize('session')
  @Versioned()
  @ApiProblems('validation_failed')
  async getPlan(@Param() { key }: PlanPath): Promise<PlanView> {
    return toPlanView(await this.plans.get(key));
  }

  /** Makes a plan. */
  @Post()
  @Authorize('platform-admin')
  @Versioned()
  @ApiProblems('conflict')
  async createPlan(@CurrentActor() actor: Actor, @Body() request: CreatePlanRequest): Promise<PlanView> {
    return toPlanView(await this.plans.create(actor, request));
  }

  /** Changes a plan for every organization on it; fewer seats than one of them has members are refused. */
  @Patch(':key')
  @Authorize('platform-admin')
  @VersionedWrite()
  @ApiProblems('seat_limit_reached')
  async updatePlan(
    @CurrentActor() actor: Actor,
    @Param() { key }: PlanPath,
    @Body() request: UpdatePlanRequest,
    @IfMatch() version: number | null,
  ): Promise<PlanView> {
    return toPlanView(await this.plans.update(actor, key, request, version));
  }

  /** Removes a plan that no organization is on; `standard` stays. */
  @Delete(':key')
  @HttpCode(204)
  @Authorize('platform-admin')
  @VersionedWrite()
  @ApiProblems('validation_failed', 'plan_in_use', 'conflict')
  async deletePlan(
    @CurrentActor() actor: Actor,
    @Param() { key }: PlanPath,
    @IfMatch() version: number | null,
  ): Promise<void> {
    await this.plans.remove(actor, key, version);
  }
}
