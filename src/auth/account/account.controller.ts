import { Body, Controller, Delete, HttpCode } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { Actor } from '../../kernel/actor.js';
import { ApiProblems } from '../../kernel/api-problems.js';
import { Authorize, CurrentActor } from '../../kernel/authorize.js';
import { Limit } from '../../limits/limit.decorator.js';
import { AcceptedView } from '../registration/registration.view.js';
import { DeleteAccountRequest } from './account.dto.js';
import { AccountService } from './account.service.js';

@ApiTags('Profile')
@Controller('api/v1/users/me')
export class AccountController {
  constructor(private readonly accounts: AccountService) {}

  /** Deletes your account for good; refused for the last owner of an organization. */
  @Delete()
  @HttpCode(202)
  @Authorize('session')
  @Limit('auth')
  @ApiProblems(
    'validation_failed',
    'malformed_json',
    'invalid_credentials',
    'too_many_attempts',
    'last_owner',
    'last_admin',
  )
  async deleteMe(
    @CurrentActor() actor: Actor,
    @Body() { currentPassword }: DeleteAccountRequest,
  ): Promise<AcceptedView> {
    await this.accounts.delete(actor, currentPassword);
    return { accepted: true };
  }
}
