import { Controller, Get, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { Actor } from '../kernel/actor.js';
import { ApiProblems } from '../kernel/api-problems.js';
import { Authorize, CurrentActor } from '../kernel/authorize.js';
import { OrganizationPath } from '../kernel/organization-path.js';
import { OrganizationAuditLogQuery } from './audit-log.dto.js';
import { AuditLogPage } from './audit-log.view.js';
import { AuditQueries } from './audit.queries.js';

@ApiTags('Audit')
@OrganizationPath()
@Controller('api/v1/organizations/:organizationId/audit-log')
export class OrganizationAuditLogController {
  constructor(private readonly audit: AuditQueries) {}

  /**
   * Lists what happened in an organization, newest first.
   * @remarks Of a platform admin you see that it was one and what was done, not who and from where. Where members were is
   * shown for what they did as members; what they do elsewhere, such as signing in, stands in their own security events.
   * A search that takes longer than 5 s is refused with `search_too_broad`: narrow it with `from` and `to`.
   */
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
