import { Body, Controller, Get, Param, Put, Query, Req } from '@nestjs/common';
import { ApiBody, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import type { Actor } from '../../kernel/actor.js';
import { ApiProblems } from '../../kernel/api-problems.js';
import { Authorize, CurrentActor } from '../../kernel/authorize.js';
import { PageQuery, toPage } from '../../kernel/lists.js';
import { IfMatch, Versioned, VersionedWrite } from '../../kernel/versions.js';
import { ChangePolicyPath, policyExamples, PutChangePolicyRequest } from './change-policies.dto.js';
import { ChangePoliciesService } from './change-policies.service.js';
import { ChangePolicyPageView, ChangePolicyView } from './change-policies.view.js';

@ApiTags('Feature changes')
@Controller('api/v1/feature-changes/policies')
export class ChangePoliciesController {
  constructor(private readonly policies: ChangePoliciesService) {}

  /** Lists what changes of features need in each environment. */
  @Get()
  @Authorize('platform-admin')
  async listChangePolicies(@Query() query: PageQuery, @Req() request: FastifyRequest): Promise<ChangePolicyPageView> {
    const [policies, total] = await this.policies.list(query);
    return toPage(policies, total, query, request.url);
  }

  /** Shows what changes of features need in an environment. */
  @Get(':environment')
  @Authorize('platform-admin')
  @Versioned()
  @ApiProblems('validation_failed', 'not_found')
  async getChangePolicy(@Param() { environment }: ChangePolicyPath): Promise<ChangePolicyView> {
    return this.policies.get(environment);
  }

  /**
   * Sets what changes of features need in an environment.
   * @remarks With `approvals` above 0 such a change is no longer made at once but answered by 409
   * `feature_change_needs_approval`; it is asked for by POST `/api/v1/feature-changes`. Features themselves and segments
   * are the same in every environment, so that the policies of all count for them. Three things never wait: switching a
   * feature off in an environment (the kill switch: `PATCH /api/v1/features/{key}/environments/{environment}` with
   * `{"enabled": false}`), a feature itself while it is a draft, and what organizations override for themselves. What a
   * draft is in an environment does wait, and says why: people get it as soon as the draft is active. With
   * `reasonRequired` a kill switch has to say why, too. Change requests that wait for no more than was asked until now go
   * on at once; what is approved or scheduled and not approved enough any more waits again, and those who may approve it
   * get a mail. A policy that asks for approvals is changed the same way: by a change request with `policy.put`. There
   * have to be admins enough who could approve: others are made by `npm run admin:grant -- EMAIL`.
   */
  @Put(':environment')
  @Authorize('platform-admin')
  @VersionedWrite()
  @ApiBody({ type: PutChangePolicyRequest, examples: policyExamples })
  @ApiProblems('validation_failed', 'not_found', 'feature_change_needs_approval')
  async putChangePolicy(
    @CurrentActor() actor: Actor,
    @Param() { environment }: ChangePolicyPath,
    @Body() request: PutChangePolicyRequest,
    @IfMatch() version: number | null,
  ): Promise<ChangePolicyView> {
    return this.policies.put(actor, environment, request, version);
  }
}
