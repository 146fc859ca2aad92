import { Controller, Get, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { ApiProblems } from '../kernel/api-problems.js';
import { Authorize } from '../kernel/authorize.js';
import { AuditLogQuery } from './audit-log.dto.js';
import { AuditLogPage } from './audit-log.view.js';
import { AuditQueries } from './audit.queries.js';

@ApiTags('Audit')
@Controller('api/v1/admin/audit-log')
export class AuditLogController {
  constructor(private readonly audit: AuditQueries) {}

  /**
   * Lists the trail of the whole platform, newest first.
   * @remarks A search that takes longer than 5 s is refused with `search_too_broad`: narrow it with `from` and `to`.
   */
  @Get()
  @Authorize('platform-admin')
  @ApiProblems('validation_failed')
  async listAuditLog(@Query() query: AuditLogQuery): Promise<AuditLogPage> {
    return this.audit.search(query);
  }
}
