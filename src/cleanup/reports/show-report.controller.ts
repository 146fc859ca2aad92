import { Controller, Get, Header } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { Public } from '../../kernel/authorize.js';
import { POLICY, script, SHOW_REPORT_PAGE } from './show-report-page.js';

/** The page that the mail of a report leads to; the report itself is asked for by its script. */
@ApiExcludeController()
@Public()
@Controller()
export class ShowReportController {
  @Get('cleanup-report')
  @Header('content-type', 'text/html; charset=utf-8')
  @Header('cache-control', 'no-store')
  @Header('content-security-policy', POLICY)
  page(): string {
    return SHOW_REPORT_PAGE;
  }

  @Get('cleanup-report.js')
  @Header('content-type', 'text/javascript; charset=utf-8')
  @Header('cache-control', 'no-store')
  script(): string {
    return script;
  }
}
