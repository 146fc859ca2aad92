import { Controller, Get, Param } from '@nestjs/common';
import { ApiExtraModels, ApiOkResponse, ApiTags, getSchemaPath } from '@nestjs/swagger';
import { ApiProblems } from '../../kernel/api-problems.js';
import { Authorize } from '../../kernel/authorize.js';
import { ReportsService } from '../reports/reports.service.js';
import { CleanupRunsService } from '../runs/cleanup-runs.service.js';
import { RunView, toRunView } from '../runs/cleanup-runs.view.js';
import { ScheduledTasksService } from '../scheduled-tasks/scheduled-tasks.service.js';
import { CleanupTaskPath } from './tasks.dto.js';
import { ReportTaskView, ScheduledRunView, toReportTask, toScheduledRun } from './tasks.view.js';

@ApiTags('Cleanup')
@ApiExtraModels(RunView, ReportTaskView, ScheduledRunView)
@Controller('api/v1/admin/cleanup')
export class TasksController {
  constructor(
    private readonly runs: CleanupRunsService,
    private readonly reports: ReportsService,
    private readonly scheduled: ScheduledTasksService,
  ) {}

  /**
   * Shows a task of the cleanup, and how far it is.
   * @remarks By the `taskId` of `expired-tokens`, a run: `result` says what it did so far. By that of `generate-report`, a
   * report: `result` says where to get it. By that of `scheduled-tasks/{id}/run`, one of these two if the task is a cleanup or
   * a report, else `result` says how the task fared.
   */
  @Get('task-status/:taskId')
  @Authorize('platform-admin')
  @ApiProblems('validation_failed', 'not_found')
  @ApiOkResponse({
    schema: { oneOf: [RunView, ReportTaskView, ScheduledRunView].map((view) => ({ $ref: getSchemaPath(view) })) },
  })
  async getCleanupTask(@Param() { taskId }: CleanupTaskPath): Promise<RunView | ReportTaskView | ScheduledRunView> {
    const run = await this.runs.find(taskId);
    if (run) return toRunView(run);
    const report = await this.reports.find(taskId);
    return report ? toReportTask(report) : toScheduledRun(await this.scheduled.asked(taskId));
  }
}
