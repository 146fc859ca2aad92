import { Body, Controller, Delete, Get, HttpCode, Param, Put, Query, Req } from '@nestjs/common';
import { ApiBody, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import type { Actor } from '../../kernel/actor.js';
import { ApiProblems } from '../../kernel/api-problems.js';
import { Authorize, CurrentActor } from '../../kernel/authorize.js';
import { toPage } from '../../kernel/lists.js';
import { OrganizationPath } from '../../kernel/organization-path.js';
import {
  EntitlementPath,
  EntitlementQuery,
  ListEntitlementsQuery,
  overrideExamples,
  OverrideQuery,
  PutOverrideRequest,
} from './entitlements.dto.js';
import { EntitlementsService } from './entitlements.service.js';
import { EntitlementPageView, EntitlementView } from './entitlements.view.js';
import { OverridesService } from './overrides.service.js';

@ApiTags('Entitlements')
@OrganizationPath()
@Controller('api/v1/organizations/:organizationId/features')
export class EntitlementsController {
  constructor(
    private readonly entitlements: EntitlementsService,
    private readonly overrides: OverridesService,
  ) {}

  /**
   * Lists what the organization has of each feature, and why.
   * @remarks Every active and deprecated feature, by key: what is its default, what the plan says, what an override wishes,
   * and what comes of it in `value`. `explanation` says in a sentence why it is so; `reason` names what decided, the first
   * of these that had something to say:
   * - `kill_switch`: a platform admin switched it off in this environment.
   * - `entitlement`: the plan excludes it, or allows no more.
   * - `dependency`: it needs a feature that is off; `details` names it, and the path to where that began.
   * - `conflict`: another feature that cannot go together with it would be on as well.
   * - `override`: the organization was given a value of its own.
   * - `rule`, `rollout`: the configuration of this environment gives it to some.
   * - `default`: nothing else had something to say.
   *
   * It is evaluated for the organization itself. Where `dependsOnContext` is true, some of its users may get another value.
   */
  @Get()
  @Authorize('features:read')
  @ApiProblems('validation_failed')
  async listEntitlements(
    @CurrentActor() actor: Actor,
    @Query() query: ListEntitlementsQuery,
    @Req() request: FastifyRequest,
  ): Promise<EntitlementPageView> {
    const [features, total] = await this.entitlements.list(actor, query);
    return toPage(features, total, query, request.url);
  }

  /**
   * Shows what the organization has of a feature, and why.
   * @remarks Read `explanation` first: it says why the feature is off, or what gave its value.
   */
  @Get(':key')
  @Authorize('features:read')
  @ApiProblems('validation_failed')
  async getEntitlement(
    @CurrentActor() actor: Actor,
    @Param() { key }: EntitlementPath,
    @Query() { environment }: EntitlementQuery,
  ): Promise<EntitlementView> {
    return this.entitlements.get(actor, key, environment);
  }

  /**
   * Overrides a feature: gives the organization a value of its own.
   * @remarks It holds everywhere unless you name an `environment`, until `expiresAt` or until it is removed, and replaces
   * the one that was there. The answer says what comes of it, by the way in `explanation`.
   *
   * An override stays within the plan: true for what the plan excludes, or a number above its ceiling, is 403
   * `plan_does_not_include`. Turning on what needs a feature that is off everywhere is 409 `feature_dependency_unmet`, and
   * what is in conflict with a feature that is on, 409 `feature_conflict`; `detail` names them and why they are so. Turn
   * the other one on or off first.
   */
  @Put(':key')
  @Authorize('features:override')
  @ApiBody({ type: PutOverrideRequest, examples: overrideExamples })
  @ApiProblems('plan_does_not_include', 'feature_dependency_unmet', 'feature_conflict')
  async putOverride(
    @CurrentActor() actor: Actor,
    @Param() { key }: EntitlementPath,
    @Body() request: PutOverrideRequest,
  ): Promise<EntitlementView> {
    return this.overrides.put(actor, key, request);
  }

  /**
   * Removes an override.
   * @remarks The one for every environment, unless you name one. Also of an archived feature.
   */
  @Delete(':key')
  @HttpCode(204)
  @Authorize('features:override')
  @ApiProblems('validation_failed')
  async deleteOverride(
    @CurrentActor() actor: Actor,
    @Param() { key }: EntitlementPath,
    @Query() { environment }: OverrideQuery,
  ): Promise<void> {
    await this.overrides.remove(actor, key, environment);
  }
}
