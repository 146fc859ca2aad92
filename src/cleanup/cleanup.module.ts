import { Module } from '@nestjs/common';
import { Schedules } from '../jobs/schedules.js';
import { HOURLY_TYPE_NAMES, TYPE_NAMES } from './expiring-types.js';
import { CleanupRunner } from './runs/cleanup-runner.js';
import { CleanupRunsController } from './runs/cleanup-runs.controller.js';
import { CleanupRunsService } from './runs/cleanup-runs.service.js';

/** Data that leaves on time. */
@Module({
  controllers: [CleanupRunsController],
  providers: [CleanupRunsService, CleanupRunner],
  exports: [CleanupRunsService],
})
export class CleanupModule {
  constructor(schedules: Schedules, runs: CleanupRunsService) {
    schedules.register({
      id: 'cleanup-hourly',
      description: 'Removes what has expired of what lives shortly, or grows fast',
      schedule: '15 * * * *',
      run: (_, slot) => runs.requestSlot({ scheduleId: 'cleanup-hourly', slot }, HOURLY_TYPE_NAMES),
    });
    schedules.register({
      id: 'cleanup-daily',
      description: 'Removes everything that has expired',
      schedule: '0 2 * * *',
      run: (_, slot) => runs.requestSlot({ scheduleId: 'cleanup-daily', slot }, TYPE_NAMES),
    });
  }
}
