import { Controller, Get, Header } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Authorize } from '../../kernel/authorize.js';
import { Limit } from '../../limits/limit.decorator.js';
import { SecurityReports } from './security-reports.js';
import { RlsReportView } from './security.view.js';

@ApiTags('Administration')
@Controller('api/v1/admin/security')
export class SecurityController {
  constructor(private readonly reports: SecurityReports) {}

  /**
   * Tries row level security on every table that holds tenants' rows.
   *
   * Each operation is really executed, for the row's own tenant, another one and none, and rolled back. `expected` says
   * whether it should be carried out, `actual` whether it was. `setup` says whether login, roles, policies and functions
   * are such that the result can be relied on.
   */
  // It writes some hundred rows and holds a connection while it does: rarely asked, and dear by mistake.
  @Get('rls-report')
  @Authorize('platform-admin')
  @Limit('strict')
  @Header('cache-control', 'no-store')
  rlsReport(): Promise<RlsReportView> {
    return this.reports.rowSecurity();
  }
}
