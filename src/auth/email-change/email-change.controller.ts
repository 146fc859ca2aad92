import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { Actor } from '../../kernel/actor.js';
import { ApiProblems } from '../../kernel/api-problems.js';
import { Authorize, CurrentActor, Public } from '../../kernel/authorize.js';
import { Limit } from '../../limits/limit.decorator.js';
import { TokenRequest } from '../registration/registration.dto.js';
import { AcceptedView } from '../registration/registration.view.js';
import { ChangeEmailRequest } from './email-change.dto.js';
import { EmailChangeService } from './email-change.service.js';

@ApiTags('Profile')
@Controller('api/v1')
export class EmailChangeController {
  constructor(private readonly changes: EmailChangeService) {}

  /** Asks for another e-mail address; a link to confirm is mailed there. */
  @Post('users/me/email')
  @HttpCode(202)
  @Authorize('session')
  @Limit('auth', { by: ['account', 'recipient'] })
  @ApiProblems('validation_failed', 'malformed_json', 'invalid_credentials', 'too_many_attempts')
  async changeEmail(@CurrentActor() actor: Actor, @Body() request: ChangeEmailRequest): Promise<AcceptedView> {
    await this.changes.request(actor, request);
    return { accepted: true };
  }

  /** Confirms another e-mail address with the token of its mail; the old address is told. */
  @Post('auth/email-change/confirm')
  @HttpCode(204)
  @Public()
  @Limit('auth')
  @ApiProblems('validation_failed', 'malformed_json', 'link_invalid')
  async confirmEmailChange(@CurrentActor() actor: Actor, @Body() { token }: TokenRequest): Promise<void> {
    await this.changes.confirm(actor, token);
  }

  /** Takes a change of the e-mail address back with the token that the old address got; every session ends. */
  @Post('auth/email-change/undo')
  @HttpCode(204)
  @Public()
  @Limit('auth')
  @ApiProblems('validation_failed', 'malformed_json', 'link_invalid', 'email_taken')
  async undoEmailChange(@CurrentActor() actor: Actor, @Body() { token }: TokenRequest): Promise<void> {
    await this.changes.undo(actor, token);
  }
}
