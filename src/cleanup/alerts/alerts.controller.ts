import { Controller, Get, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { ApiProblems } from '../../kernel/api-problems.js';
import { Authorize } from '../../kernel/authorize.js';
import { CursorQuery } from '../../kernel/lists.js';
import { AlertsService } from './alerts.service.js';
import { AlertPage, toAlertView } from './alerts.view.js';

@ApiTags('Cleanup')
@Controller('api/v1/admin/cleanup/alerts')
export class AlertsController {
  constructor(private readonly alerts: AlertsService) {}

  /**
   * Lists trouble of the cleanup that was told by mail: what is open first, then what is over.
   * @remarks It is looked for every five minutes. Each cause is told once, and again when it was over and comes back, a day
   * later at the earliest.
   */
  @Get()
  @Authorize('platform-admin')
  @ApiProblems('validation_failed')
  async listCleanupAlerts(@Query() query: CursorQuery): Promise<AlertPage> {
    const { data, meta } = await this.alerts.list(query);
    return { data: data.map(toAlertView), meta };
  }
}
