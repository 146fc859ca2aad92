import { Controller, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Env } from '../../../config/env.js';
import type { Actor } from '../../kernel/actor.js';
import { ApiProblems } from '../../kernel/api-problems.js';
import { Authorize, CurrentActor } from '../../kernel/authorize.js';
import { readCursor, toCursorPage } from '../../kernel/lists.js';
import { Links } from '../../mail/links.js';
import { ApiDataOrPage, dataOrPage } from '../data-or-page.js';
import { toReportPage } from './report-page.js';
import { ReportPath, ReportsQuery, ReportTypeQuery } from './reports.dto.js';
import { ReportsService } from './reports.service.js';
import { QueuedReportView, ReportPage, ReportView, toReportSummary, toReportView } from './reports.view.js';

@ApiTags('Cleanup')
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
   * @remarks It is about calendar days in UTC, the last of which is the present one so far: a day, seven days or a month. The
   * answer comes at once; ask for the task, or for the report by the same id, to see whether it is made. It is
   * mailed to every platform admin. While one of the type waits to be made, it is the one that is asked for, and the answer
   * has its id. Reports of days that are over come by
   * themselves: daily, on Sundays and on the first of the month, each at 03:00 UTC.
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
  @ApiDataOrPage(ReportView)
  async getCleanupReport(
    @Param() { reportId }: ReportPath,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ReportView | string> {
    const report = toReportView(await this.reports.get(reportId));
    return dataOrPage(reply, report, (view) => toReportPage(view, this.links));
  }
}
