import { Module } from '@nestjs/common';
import { Schedules } from '../jobs/schedules.js';
import { EntityManager } from '@mikro-orm/postgresql';
import { PurgeRules } from '../database/purge-rules.js';
import { asSystem } from '../database/tenant-context.js';
import { CleanupAnalyticsModule } from './analytics/analytics.module.js';
import { backlogSchedule } from './backlog/backlog.schedule.js';
import { cleanupPurge } from './cleanup.purge.js';
import { EXPIRING_TYPES, HOURLY_TYPE_NAMES, TYPE_NAMES } from './expiring-types.js';
import { CleanupPolicyController } from './policies/cleanup-policy.controller.js';
import { CleanupPolicyService } from './policies/cleanup-policy.service.js';
import { ReportsModule } from './reports/reports.module.js';
import { CleanupRunner } from './runs/cleanup-runner.js';
import { CleanupRunsController } from './runs/cleanup-runs.controller.js';
import { CleanupRunsService } from './runs/cleanup-runs.service.js';
import { ScheduledTasksController } from './scheduled-tasks/scheduled-tasks.controller.js';
import { ScheduledTasksService } from './scheduled-tasks/scheduled-tasks.service.js';
import { StatisticsController } from './statistics/statistics.controller.js';
import { StatisticsService } from './statistics/statistics.service.js';
import { TasksController } from './tasks/tasks.controller.js';

/** Data that leaves on time. */
@Module({
  imports: [CleanupAnalyticsModule, ReportsModule],
  controllers: [
    CleanupRunsController,
    TasksController,
    CleanupPolicyController,
    ScheduledTasksController,
    StatisticsController,
  ],
  providers: [CleanupRunsService, CleanupRunner, CleanupPolicyService, ScheduledTasksService, StatisticsService],
  exports: [CleanupRunsService],
})
export class CleanupModule {
  constructor(em: EntityManager, schedules: Schedules, runs: CleanupRunsService, purge: PurgeRules) {
    purge.add(cleanupPurge);
    schedules.register(backlogSchedule(em));
    /** Of these, what has no schedule of its own that is enabled. */
    const common = async (types: readonly string[]): Promise<string[]> => {
      const tasks = await asSystem(em, (system) => schedules.tasks(system));
      const own = new Set(tasks.flatMap(({ id, enabled }) => (enabled ? [id] : [])));
      return types.filter((type) => !own.has(taskOf(type)));
    };
    const register = (id: string, schedule: string, description: string, types: readonly string[]): void =>
      schedules.register({
        id,
        description,
        schedule,
        run: async (_, slot, asked) => runs.requestSlot({ scheduleId: id, slot }, await common(types), asked),
      });
    register(
      'cleanup-hourly',
      '15 * * * *',
      'Removes what has expired of what lives shortly, or grows fast',
      HOURLY_TYPE_NAMES,
    );
    register('cleanup-daily', '0 2 * * *', 'Removes everything that has expired', TYPE_NAMES);
    for (const { name, description } of EXPIRING_TYPES)
      schedules.register({
        id: taskOf(name),
        description: `In place of the hourly and the daily cleanup: ${description}`,
        schedule: '30 * * * *',
        enabled: false,
        run: (_, slot, asked) => runs.requestSlot({ scheduleId: taskOf(name), slot }, [name], asked),
      });
  }
}

/** The schedule that a type can have of its own. */
const taskOf = (type: string): string => `cleanup-${type.replaceAll('_', '-')}`;
