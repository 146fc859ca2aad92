import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { Actor } from '../../kernel/actor.js';
import { ApiProblems } from '../../kernel/api-problems.js';
import { CurrentActor, Public } from '../../kernel/authorize.js';
import { Limit } from '../../limits/limit.decorator.js';
import { EmailRequest, RegisterRequest, TokenRequest } from './registration.dto.js';
import { RegistrationService } from './registration.service.js';
import { AcceptedView, RegisteredView, VerifiedView } from './registration.view.js';

@ApiTags('Registration')
@Controller('api/v1/auth')
export class RegistrationController {
  constructor(private readonly registrations: RegistrationService) {}

  /**
   * Registers a person and mails a link to verify the address. Answers the same for a known address.
   * @remarks Without a mail server, as `MAIL_URL` is not set, nothing is mailed, and `emailSent` is false: a platform admin
   * finds the mail with its link and token at `GET /api/v1/admin/mails`, and the token goes into
   * `POST /api/v1/auth/verify-email`.
   */
  @Post('register')
  @Public()
  @Limit('auth', { by: ['ip', 'recipient'] })
  @ApiProblems('validation_failed', 'malformed_json')
  register(@CurrentActor() actor: Actor, @Body() request: RegisterRequest): Promise<RegisteredView> {
    return this.registrations.register(actor, request);
  }

  /** Verifies an address with the token of its mail; it works once, for 24 hours. */
  @Post('verify-email')
  @HttpCode(200)
  @Public()
  @Limit('auth')
  @ApiProblems('validation_failed', 'malformed_json', 'link_invalid')
  async verifyEmail(@CurrentActor() actor: Actor, @Body() { token }: TokenRequest): Promise<VerifiedView> {
    await this.registrations.verify(actor, token);
    return { verified: true };
  }

  /** Mails the link to verify again, if the address waits for one; the older link stops working. */
  @Post('verify-email/resend')
  @HttpCode(202)
  @Public()
  @Limit('auth', { by: ['ip', 'recipient'] })
  @ApiProblems('validation_failed', 'malformed_json')
  async resendVerification(@CurrentActor() actor: Actor, @Body() { email }: EmailRequest): Promise<AcceptedView> {
    await this.registrations.resend(actor, email);
    return { accepted: true };
  }
}
