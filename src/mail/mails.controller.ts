import { Controller, Get, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { ApiProblems } from '../kernel/api-problems.js';
import { Authorize } from '../kernel/authorize.js';
import { MailsQuery } from './mails.dto.js';
import { MailsQueries } from './mails.queries.js';
import { MailPage } from './mails.view.js';

@ApiTags('Mail')
@Controller('api/v1/admin/mails')
export class MailsController {
  constructor(private readonly mails: MailsQueries) {}

  /** Lists mails and what became of them, newest first. */
  @Get()
  @Authorize('platform-admin')
  @ApiProblems('validation_failed')
  async listMails(@Query() query: MailsQuery): Promise<MailPage> {
    return this.mails.list(query);
  }
}
