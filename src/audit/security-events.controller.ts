import { Controller, Get, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Actor } from '../kernel/actor.js';
import { ApiProblems } from '../kernel/api-problems.js';
import { Authorize, CurrentActor } from '../kernel/authorize.js';
import { CursorQuery } from '../kernel/lists.js';
import { AuditQueries } from './audit.queries.js';
import { SecurityEventsPage, toSecurityEvent } from './security-events.view.js';

@ApiTags('Profile')
@Controller('api/v1/users/me/security-events')
export class SecurityEventsController {
  constructor(private readonly audit: AuditQueries) {}

  /** Lists what happened to my account, newest first. */
  @Get()
  @Authorize('session')
  @ApiProblems('validation_failed')
  async listMySecurityEvents(@CurrentActor() actor: Actor, @Query() query: CursorQuery): Promise<SecurityEventsPage> {
    const { data, meta } = await this.audit.about(actor.requiredUserId, query);
    return { data: data.map(toSecurityEvent), meta };
  }
}
