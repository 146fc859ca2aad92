import { Module } from '@nestjs/common';
import { Schedules } from '../../jobs/schedules.js';
import { AlertsController } from '../alerts/alerts.controller.js';
import { AlertsService } from '../alerts/alerts.service.js';
import type { ReportType } from './cleanup-report.entity.js';
import { ReportMaker } from './report-maker.js';
import { ReportsController } from './reports.controller.js';
import { ReportsService } from './reports.service.js';
import { ShowReportController } from './show-report.controller.js';

const REPORTS: { type: ReportType; schedule: string; description: string }[] = [
  { type: 'daily', schedule: '0 3 * * *', description: 'Reports on the cleanup of the last day' },
  { type: 'weekly', schedule: '0 3 * * 0', description: 'Reports on the cleanup of the last week' },
  { type: 'monthly', schedule: '0 3 1 * *', description: 'Reports on the cleanup of the last month' },
];

/** What the cleanup tells of itself: reports, and alerts. */
@Module({
  controllers: [ReportsController, ShowReportController, AlertsController],
  providers: [ReportsService, ReportMaker, AlertsService],
  exports: [ReportsService],
})
export class ReportsModule {
  constructor(schedules: Schedules, reports: ReportsService) {
    for (const { type, ...schedule } of REPORTS)
      schedules.register({
        id: `cleanup-report-${type}`,
        ...schedule,
        run: (_, slot, asked) => reports.requestSlot(type, slot, asked),
      });
  }
}
