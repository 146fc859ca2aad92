import { Module } from '@nestjs/common';
import { Schedules } from '../../jobs/schedules.js';
import { AlertsService } from '../alerts/alerts.service.js';
import type { ReportType } from './cleanup-report.entity.js';
import { ReportMaker } from './report-maker.js';
import { ReportsController } from './reports.controller.js';
import { ReportsService } from './reports.service.js';

const REPORTS: { type: ReportType; schedule: string; description: string }[] = [
  { type: 'daily', schedule: '0 3 * * *', description: 'Reports on the cleanup of the last day' },
  { type: 'weekly', schedule: '0 3 * * 0', description: 'Reports on the cleanup of the last week' },
  { type: 'monthly', schedule: '0 3 1 * *', description: 'Reports on the cleanup of the last month' },
];

/** What the cleanup tells of itself: reports, and alerts. */
@Module({
  controllers: [ReportsController],
  providers: [ReportsService, ReportMaker, AlertsService],
})
export class ReportsModule {
  constructor(schedules: Schedules, reports: ReportsService, alerts: AlertsService) {
    for (const { type, ...schedule } of REPORTS)
      schedules.register({
        id: `cleanup-report-${type}`,
        ...schedule,
        run: (_, slot) => reports.requestSlot(type, slot),
      });
    schedules.register({
      id: 'cleanup-backlog-hourly',
      description: 'Counts what has expired and is still there',
      // Before the hourly cleanup.
      schedule: '10 * * * *',
      run: (signal, slot) => alerts.look(signal, slot),
    });
    schedules.register({
      id: 'cleanup-alerts',
      description: 'Tells platform admins of failed and late runs and of a backlog that grows',
      schedule: '*/5 * * * *',
      run: () => alerts.check(),
    });
  }
}
