import { Body, Controller, Get, HttpCode, Param, Patch, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { Actor } from '../../kernel/actor.js';
import { ApiProblems } from '../../kernel/api-problems.js';
import { Authorize, CurrentActor } from '../../kernel/authorize.js';
import { TaskPath, UpdateTaskRequest } from './scheduled-tasks.dto.js';
import { ScheduledTasksService } from './scheduled-tasks.service.js';
import { QueuedTaskView, ScheduledTaskView, toTaskView } from './scheduled-tasks.view.js';

@ApiTags('Cleanup')
@Controller('api/v1/admin/cleanup/scheduled-tasks')
export class ScheduledTasksController {
  constructor(private readonly tasks: ScheduledTasksService) {}

  /** Lists everything that Tenon does by the calendar, with the last and the next run. */
  @Get()
  @Authorize('platform-admin')
  async listScheduledTasks(): Promise<ScheduledTaskView[]> {
    return (await this.tasks.list()).map(toTaskView);
  }

  /** Shows what Tenon does by the calendar, one task of it. */
  @Get(':id')
  @Authorize('platform-admin')
  @ApiProblems('validation_failed')
  async getScheduledTask(@Param() { id }: TaskPath): Promise<ScheduledTaskView> {
    return toTaskView(await this.tasks.get(id));
  }

  /**
   * Changes when a task runs, or pauses it.
   * @remarks What is left out stays, null brings back what the product has. A type of data leaves with the hourly and the
   * daily cleanup; enable its own task, such as `cleanup-session`, and it leaves by that one alone.
   */
  @Patch(':id')
  @Authorize('platform-admin')
  async updateScheduledTask(
    @CurrentActor() actor: Actor,
    @Param() { id }: TaskPath,
    @Body() change: UpdateTaskRequest,
  ): Promise<ScheduledTaskView> {
    return toTaskView(await this.tasks.update(actor, id, { ...change }));
  }

  /**
   * Runs a task now, also one that is paused; its slots stay as they are.
   * @remarks The answer comes at once; ask `task-status` by its `taskId` to see how far the run is.
   */
  @Post(':id/run')
  @HttpCode(202)
  @Authorize('platform-admin')
  @ApiProblems('validation_failed')
  async runScheduledTask(@CurrentActor() actor: Actor, @Param() { id }: TaskPath): Promise<QueuedTaskView> {
    return { id, taskId: await this.tasks.run(actor, id), status: 'queued' };
  }
}
