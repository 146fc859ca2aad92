import { Controller, Get, Param, Query, Req } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import type { Actor } from '../../kernel/actor.js';
import { ApiProblems } from '../../kernel/api-problems.js';
import { Authorize, CurrentActor } from '../../kernel/authorize.js';
import { toPage } from '../../kernel/lists.js';
import { OrganizationPath } from '../../kernel/organization-path.js';
import { FeaturePath } from '../definitions/definitions.dto.js';
import { StaleService } from './stale.service.js';
import { StalePageView } from './stale.view.js';
import { FeatureUsageQuery, StaleQuery, UsageQuery } from './usage.dto.js';
import { UsageService } from './usage.service.js';
import { FeatureUsageChartView, UsageChartView } from './usage.view.js';

@ApiTags('Feature usage')
@Controller('api/v1')
export class FeatureUsageController {
  constructor(
    private readonly usage: UsageService,
    private readonly stale: StaleService,
  ) {}

  /**
   * Shows how features were used in an organization.
   * @remarks How often callers of the evaluation and of OpenFeature were told which value, by day, with zeros where nobody
   * asked. Up to a minute behind.
   *
   * Who asks for all features at once, as OpenFeature's SDKs in browsers do, is told the value of each: that is one series
   * whose `feature` and `value` are null, also where you name a `feature`, for it was in each of these answers. How often a
   * feature was given is its own series and that one together; `GET /api/v1/features/{key}/usage` adds them up by value, for
   * all organizations.
   *
   * With `userKey`, how often was asked on behalf of a user in the last 30 days: of a day up to 10,000 pairs of user and
   * feature are kept, others are counted only in total.
   */
  @Get('organizations/:organizationId/feature-usage')
  @OrganizationPath()
  @Authorize('feature-usage:read')
  @ApiProblems('validation_failed')
  async getOrganizationUsage(@CurrentActor() actor: Actor, @Query() query: UsageQuery): Promise<UsageChartView> {
    return this.usage.ofOrganization(actor, query);
  }

  /**
   * Shows how a feature was used in all organizations.
   * @remarks By value and day, with zeros where nobody asked. Up to a minute behind; kept for 13 months.
   */
  @Get('features/:key/usage')
  @Authorize('platform-admin')
  @ApiProblems('validation_failed', 'not_found')
  async getUsageOfFeature(
    @Param() { key }: FeaturePath,
    @Query() query: FeatureUsageQuery,
  ): Promise<FeatureUsageChartView> {
    return this.usage.ofFeature(key, query);
  }

  /**
   * Lists features that can probably go, with the proof.
   * @remarks `unused`: nobody asked for it in the last `days`. `constant`: whoever asked in them was given the same value.
   * `expired`: its `removeBy` is past. Of features that are younger than `days`, or while usage is counted for less, only
   * `expired` is said: an empty list proves something only when `countedSince`, the first day that was counted, is at least
   * `days` ago. An answer with all features asks for all of them.
   */
  @Get('feature-usage/stale')
  @Authorize('platform-admin')
  @ApiProblems('validation_failed')
  async listStaleFeatures(@Query() query: StaleQuery, @Req() request: FastifyRequest): Promise<StalePageView> {
    const { features, total, countedSince } = await this.stale.list(query);
    return { ...toPage(features, total, query, request.url), countedSince };
  }
}
