import { Body, Controller, Header, HttpCode, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { Actor } from '../../kernel/actor.js';
import { ApiProblems } from '../../kernel/api-problems.js';
import { CurrentActor, Public } from '../../kernel/authorize.js';
import { Limit } from '../../limits/limit.decorator.js';
import { SignedInView, toSignedInView } from '../sessions/sessions.view.js';
import { LoginRequest } from './login.dto.js';
import { LoginService } from './login.service.js';

@ApiTags('Sign-in')
@Controller('api/v1/auth')
export class LoginController {
  constructor(private readonly logins: LoginService) {}

  /** Signs in by e-mail and password. After 10 failures for one e-mail each further try has to wait, 1 s to 15 min. */
  @Post('login')
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  @Public()
  @Limit('auth')
  @ApiProblems('validation_failed', 'malformed_json', 'invalid_credentials', 'email_not_verified', 'too_many_attempts')
  async login(@CurrentActor() actor: Actor, @Body() request: LoginRequest): Promise<SignedInView> {
    return toSignedInView(await this.logins.login(actor, request));
  }
}
