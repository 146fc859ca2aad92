import { Controller, Get, Headers, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import { ApiExtraModels, ApiOkResponse, ApiTags, getSchemaPath } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Env } from '../../../config/env.js';
import type { Actor } from '../../kernel/actor.js';
import { ApiProblems } from '../../kernel/api-problems.js';
import { Authorize, CurrentActor } from '../../kernel/authorize.js';
import { readCursor, toCursorPage } from '../../kernel/lists.js';
import { Links } from '../../mail/links.js';
import { wantsPage, toPage } from './report-page.js';
import { ReportPath, ReportsQuery, ReportTypeQuery } from './reports.dto.js';
import { ReportsService } from './reports.service.js';
import { QueuedReportView, ReportPage, ReportView, toReportSummary, toReportView } from './reports.view.js';

// Its own style attributes, and nothing else: no script, no address, no frame, no form.
const POLICY = [
  "default-src 'none'",
  "style-src 'unsafe-inline'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  'sandbox',
].join('; ');

@ApiTags('Cleanup')
@ApiExtraModels(ReportView)
@Controller('api/v1/admin/cleanup')
export class ReportsController {
  private readonly links: Links;

  constructor(
    private readonly reports: ReportsService,
    env: Env,
  ) {
    this.links = new Links(env.appUrl);
  }

  /**
   * Makes a report of the cleanup, up to now.
   * @remarks The answer comes at once; ask for the report by the same id to see whether it is made. It is mailed to every
   * platform admin. While one of the type waits to be made, it is the one that is asked for, and the answer has its id.
   * Reports come by themselves too: daily, on Sundays and on the first of the month, each at 03:00 UTC.
   */
  @Post('generate-report')
  @HttpCode(202)
  @Authorize('platform-admin')
  @ApiProblems('validation_failed')
  async generateCleanupReport(
    @CurrentActor() actor: Actor,
    @Query() { report_type: type }: ReportTypeQuery,
  ): Promise<QueuedReportView> {
    return { taskId: await this.reports.request(actor, type) };
  }

  /** Lists reports of the cleanup, newest first. */
  @Get('reports')
  @Authorize('platform-admin')
  @ApiProblems('validation_failed')
  async listCleanupReports(@Query() { cursor, limit, reportType }: ReportsQuery): Promise<ReportPage> {
    const rows = await this.reports.list({ limit, before: readCursor(cursor), type: reportType });
    const { data, meta } = toCursorPage(rows, limit, ({ id }) => id);
    return { data: data.map(toReportSummary), meta };
  }

  /**
   * Shows a report of the cleanup, as data or as a page.
   * @remarks With `Accept: text/html` it is the page that was mailed, once it is made. The page runs and loads nothing.
   */
  @Get('reports/:reportId')
  @Authorize('platform-admin')
  @ApiProblems('validation_failed')
  @ApiOkResponse({
    content: {
      'application/json': { schema: { $ref: getSchemaPath(ReportView) } },
      'text/html': { schema: { type: 'string' }, example: '<!doctype html>' },
    },
  })
  async getCleanupReport(
    @Param() { reportId }: ReportPath,
    @Headers('accept') accept: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ReportView | string> {
    const report = toReportView(await this.reports.get(reportId));
    void reply.headers({ 'cache-control': 'no-store', vary: 'Accept' });
    const page = wantsPage(accept) ? toPage(report, this.links) : null;
    if (page === null) return report;
    void reply.headers({ 'content-type': 'text/html; charset=utf-8', 'content-security-policy': POLICY });
    return page;
  }
}
