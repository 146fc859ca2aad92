import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { Actor } from '../../kernel/actor.js';
import { ApiProblems } from '../../kernel/api-problems.js';
import { Authorize, CurrentActor } from '../../kernel/authorize.js';
import { OrganizationPath } from '../../kernel/organization-path.js';
import { EntitlementPath, EntitlementQuery } from '../overrides/entitlements.dto.js';
import { ConsumeRequest } from './metering.dto.js';
import { MeteringService } from './metering.service.js';
import { ConsumptionView } from './metering.view.js';

@ApiTags('Entitlements')
@OrganizationPath()
@Controller('api/v1/organizations/:organizationId/features/:key')
export class MeteringController {
  constructor(private readonly metering: MeteringService) {}

  /**
   * Uses up some of a metered limit.
   * @remarks The limit is the value that the feature has for the organization. Where it is a hard one, what would go beyond it
   * is 409 `feature_limit_reached` and counts nothing; a soft one counts on, and says `exceeded`. Calls at once never use
   * more than the limit together. The same `idempotencyKey` again has no second effect and the same answer, with another
   * `amount` it is 409 `idempotency_key_reused`.
   */
  @Post('consume')
  @HttpCode(200)
  @Authorize('features:consume')
  @ApiProblems('feature_limit_reached', 'feature_not_metered', 'idempotency_key_reused')
  async consumeFeature(
    @CurrentActor() actor: Actor,
    @Param() { key }: EntitlementPath,
    @Body() request: ConsumeRequest,
  ): Promise<ConsumptionView> {
    return this.metering.consume(actor, key, request);
  }

  /** Shows what of a metered limit is used. */
  @Get('usage')
  @Authorize('features:read')
  @ApiProblems('validation_failed', 'feature_not_metered')
  async getFeatureUsage(
    @CurrentActor() actor: Actor,
    @Param() { key }: EntitlementPath,
    @Query() { environment }: EntitlementQuery,
  ): Promise<ConsumptionView> {
    return this.metering.usage(actor, key, environment);
  }
}
