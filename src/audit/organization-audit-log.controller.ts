import { Controller, Get, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { Actor } from '../kernel/actor.js';
import { ApiProblems } from '../kernel/api-problems.js';
import { Authorize, CurrentActor } from '../kernel/authorize.js';
import { OrganizationAuditLogQuery } from './audit-log.dto.js';
import { AuditLogPage } from './audit-log.view.js';
import { AuditQueries } from './audit.queries.js';

@ApiTags('Audit')
@Controller('api/v1/organizations/:organizationId/audit-log')
export class OrganizationAuditLogController {
  constructor(private readonly audit: AuditQueries) {}

  /** Lists what happened in an organization, newest first. */
  @Get()
  @Authorize('audit:read')
  @ApiProblems('validation_failed')
  async listOrganizationAuditLog(
    @CurrentActor() actor: Actor,
    @Query() query: OrganizationAuditLogQuery,
  ): Promise<AuditLogPage> {
    return this.audit.searchOrganization(actor, query);
  }
}
