import { Body, Controller, Get, Put } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { Actor } from '../../kernel/actor.js';
import { ApiProblems } from '../../kernel/api-problems.js';
import { Authorize, CurrentActor } from '../../kernel/authorize.js';
import { IfMatch, Versioned, VersionedWrite } from '../../kernel/versions.js';
import { OrganizationPath } from '../../kernel/organization-path.js';
import { PutPoliciesRequest } from './policies.dto.js';
import { PoliciesService } from './policies.service.js';
import { PoliciesView, toPoliciesView } from './policies.view.js';

@ApiTags('Policies')
@OrganizationPath()
@Controller('api/v1/organizations/:organizationId/policies')
export class PoliciesController {
  constructor(private readonly policies: PoliciesService) {}

  /** Shows what the organization asks of its members' sign-ins, and which of it nothing enforces yet. */
  @Get()
  @Authorize('policies:read')
  @Versioned()
  async getPolicies(@CurrentActor() actor: Actor): Promise<PoliciesView> {
    return toPoliciesView(await this.policies.get(actor));
  }

  /** Replaces the policies, for every member within a second; refused where you could not come in by them yourself. */
  @Put()
  @Authorize('policies:update')
  @VersionedWrite()
  @ApiProblems('policy_locks_you_out')
  async putPolicies(
    @CurrentActor() actor: Actor,
    @Body() request: PutPoliciesRequest,
    @IfMatch() version: number | null,
  ): Promise<PoliciesView> {
    return toPoliciesView(await this.policies.put(actor, request, version));
  }
}
