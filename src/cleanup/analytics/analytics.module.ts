import { Module } from '@nestjs/common';
import { Schedules } from '../../jobs/schedules.js';
import { CleanupAnalyticsController } from './analytics.controller.js';
import { AnalyticsService } from './analytics.service.js';

/** What the cleanup did, and what it will have to do. */
@Module({ controllers: [CleanupAnalyticsController], providers: [AnalyticsService] })
export class CleanupAnalyticsModule {
  constructor(schedules: Schedules, analytics: AnalyticsService) {
    schedules.register({
      id: 'cleanup-backlog',
      description: 'Records how much has expired, for the forecast, before the daily run removes it',
      schedule: '45 1 * * *',
      run: (signal) => analytics.recordBacklog(signal),
    });
  }
}
