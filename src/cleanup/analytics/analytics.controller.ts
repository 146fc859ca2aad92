import { Controller, Get, Param, Query, Req, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ApiProblems } from '../../kernel/api-problems.js';
import { Authorize } from '../../kernel/authorize.js';
import { PageQuery, toPage } from '../../kernel/lists.js';
import { ApiDataOrPage, dataOrPage } from '../data-or-page.js';
import { CleanupTaskPath } from '../tasks/tasks.dto.js';
import { ForecastQuery, HistoryChartQuery, HistoryQuery } from './analytics.dto.js';
import { AnalyticsService } from './analytics.service.js';
import { ForecastsView } from './forecast.view.js';
import { toHistoryPage } from './history-page.js';
import { BatchPageView, HistoryChartView, HistoryPageView, toBatchView, toHistoryRun } from './history.view.js';

@ApiTags('Cleanup')
@Controller('api/v1/admin/cleanup')
export class CleanupAnalyticsController {
  constructor(private readonly analytics: AnalyticsService) {}

  /**
   * Lists the runs of the cleanup.
   * @remarks The newest first, kept for 13 months.
   */
  @Get('history')
  @Authorize('platform-admin')
  @ApiProblems('validation_failed')
  async listCleanupHistory(@Query() query: HistoryQuery): Promise<HistoryPageView> {
    const { data, meta } = await this.analytics.history(query);
    return { data: data.map(toHistoryRun), meta };
  }

  /**
   * Shows what the cleanup did, ready for a chart or drawn as one.
   * @remarks By type and day on which a run was asked for, with zeros where nothing was done. Dry runs are left out. With
   * `Accept: text/html` it is a page with the charts; the page runs and loads nothing.
   */
  @Get('history/chart')
  @Authorize('platform-admin')
  @ApiProblems('validation_failed')
  @ApiDataOrPage(HistoryChartView)
  async getCleanupChart(
    @Query() query: HistoryChartQuery,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<HistoryChartView | string> {
    return dataOrPage(reply, await this.analytics.chart(query), toHistoryPage);
  }

  /**
   * Lists the batches of a run.
   * @remarks In their order: rows and time of each transaction that removed something.
   */
  @Get('history/:taskId/batches')
  @Authorize('platform-admin')
  @ApiProblems('validation_failed', 'not_found')
  async listCleanupBatches(
    @Param() { taskId }: CleanupTaskPath,
    @Query() query: PageQuery,
    @Req() request: FastifyRequest,
  ): Promise<BatchPageView> {
    const [batches, total] = await this.analytics.batches(taskId, query);
    return toPage(batches.map(toBatchView), total, query, request.url);
  }

  /**
   * Forecasts what will have expired.
   * @remarks By type: how many expired rows will wait at the most on a day, such as before the daily run, from what was
   * recorded hour by hour. Two methods forecast the last 7 days without knowing them, by level, trend and weekday, and as
   * on the last day; the one that was nearer is used, and how far both were off is said. With fewer than 21 days there is no
   * forecast. The suggestion rests on it and on the speed of the last 7 days.
   */
  @Get('forecast')
  @Authorize('platform-admin')
  @ApiProblems('validation_failed')
  async getCleanupForecast(@Query() query: ForecastQuery): Promise<ForecastsView> {
    return this.analytics.forecasts(query);
  }
}
