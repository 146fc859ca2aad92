import { Controller, Get, HttpCode, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Authorize } from '../../kernel/authorize.js';
import { StatisticsQuery } from './statistics.dto.js';
import { StatisticsService } from './statistics.service.js';
import { HealthReportView, StatisticsView } from './statistics.view.js';

@ApiTags('Cleanup')
@Controller('api/v1/admin/cleanup')
export class StatisticsController {
  constructor(private readonly service: StatisticsService) {}

  /**
   * Shows how much has expired, how much of it left by day, and what should be done.
   * @remarks It counts every row of every type: some seconds where there are many millions.
   */
  @Get('statistics')
  @Authorize('platform-admin')
  async getCleanupStatistics(@Query() { days }: StatisticsQuery): Promise<StatisticsView> {
    return this.service.statistics(days);
  }

  /** Looks whether cleanup does its work: schedules, runs, what is overdue. */
  @Post('health-check')
  @HttpCode(200)
  @Authorize('platform-admin')
  async checkCleanup(): Promise<HealthReportView> {
    return this.service.health();
  }
}
