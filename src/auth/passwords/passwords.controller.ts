import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { Actor } from '../../kernel/actor.js';
import { ApiProblems } from '../../kernel/api-problems.js';
import { Authorize, CurrentActor, Public } from '../../kernel/authorize.js';
import { Limit } from '../../limits/limit.decorator.js';
import { EmailRequest } from '../registration/registration.dto.js';
import { AcceptedView } from '../registration/registration.view.js';
import { ChangePasswordRequest, ResetPasswordRequest } from './passwords.dto.js';
import { PasswordsService } from './passwords.service.js';

@ApiTags('Passwords')
@Controller('api/v1/auth/password')
export class PasswordsController {
  constructor(private readonly passwords: PasswordsService) {}

  /** Mails a link to choose a new password, if the address has an account; it works once, for an hour. */
  @Post('forgot')
  @HttpCode(202)
  @Public()
  @Limit('auth', { by: ['ip', 'recipient'] })
  @ApiProblems('validation_failed', 'malformed_json')
  async forgotPassword(@CurrentActor() actor: Actor, @Body() { email }: EmailRequest): Promise<AcceptedView> {
    await this.passwords.forgot(actor, email);
    return { accepted: true };
  }

  /** Sets a new password with the token of the mail; every session of the person ends. */
  @Post('reset')
  @HttpCode(204)
  @Public()
  @Limit('auth')
  @ApiProblems('validation_failed', 'malformed_json', 'link_invalid')
  async resetPassword(@CurrentActor() actor: Actor, @Body() request: ResetPasswordRequest): Promise<void> {
    await this.passwords.reset(actor, request);
  }

  /** Changes your password; every other session ends. */
  @Post('change')
  @HttpCode(204)
  @Authorize('session')
  @Limit('auth')
  @ApiProblems('validation_failed', 'malformed_json', 'invalid_credentials', 'too_many_attempts')
  async changePassword(@CurrentActor() actor: Actor, @Body() request: ChangePasswordRequest): Promise<void> {
    await this.passwords.change(actor, request);
  }
}
