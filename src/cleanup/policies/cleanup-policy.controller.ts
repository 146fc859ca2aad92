import { Body, Controller, Get, HttpCode, Post, Put } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { Actor } from '../../kernel/actor.js';
import { Authorize, CurrentActor } from '../../kernel/authorize.js';
import { OrganizationPath } from '../../kernel/organization-path.js';
import { IfMatch, Versioned, VersionedWrite } from '../../kernel/versions.js';
import { CleanupPolicyRequest } from './cleanup-policy.dto.js';
import { CleanupPolicyService } from './cleanup-policy.service.js';
import {
  CleanupPolicyView,
  CleanupPreviewView,
  toCleanupPolicyView,
  toCleanupPreviewView,
} from './cleanup-policy.view.js';

@ApiTags('Cleanup')
@OrganizationPath()
@Controller('api/v1/organizations/:organizationId/cleanup-policy')
export class CleanupPolicyController {
  constructor(private readonly policies: CleanupPolicyService) {}

  /**
   * Shows how long the organization's data is kept, and what it may choose.
   * @remarks Of each type the days for which a row is kept once its time is over. A choice that is out of today's bounds
   * counts as the nearest bound.
   */
  @Get()
  @Authorize('cleanup:manage')
  @Versioned()
  async getCleanupPolicy(@CurrentActor() actor: Actor): Promise<CleanupPolicyView> {
    return toCleanupPolicyView(await this.policies.get(actor));
  }

  /**
   * Replaces the choices of the organization.
   * @remarks A type that is not named is kept as the platform keeps it. A sweep obeys from its next batch on; what it has
   * passed by then leaves with the next one. What is removed does not come back: look at the preview first.
   */
  @Put()
  @Authorize('cleanup:manage')
  @VersionedWrite()
  async putCleanupPolicy(
    @CurrentActor() actor: Actor,
    @Body() request: CleanupPolicyRequest,
    @IfMatch() version: number | null,
  ): Promise<CleanupPolicyView> {
    return toCleanupPolicyView(await this.policies.put(actor, request, version));
  }

  /**
   * Counts what the next sweep would remove with other choices.
   * @remarks By the conditions of the sweep itself, beside what it removes as things are. Changes nothing.
   */
  @Post('preview')
  @HttpCode(200)
  @Authorize('cleanup:manage')
  async previewCleanupPolicy(
    @CurrentActor() actor: Actor,
    @Body() request: CleanupPolicyRequest,
  ): Promise<CleanupPreviewView> {
    return toCleanupPreviewView(await this.policies.preview(actor, request));
  }
}
