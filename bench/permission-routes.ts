import { Controller, Get } from '@nestjs/common';
import { Authorize } from '../src/kernel/authorize.js';
import { probe } from './probe.js';

@Controller()
class PermissionController {
  @Get('api/v1/organizations/:organizationId/bench')
  @Authorize('members:read')
  answerMember(): { ok: boolean } {
    return { ok: true };
  }

  /** Below no organization, yet as long. */
  @Get('api/v1/sessions-only/:id/bench')
  @Authorize('session')
  answerSession(): { ok: boolean } {
    return { ok: true };
  }
}

await probe(PermissionController);
