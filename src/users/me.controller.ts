import { Body, Controller, Get, Patch } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { Actor } from '../kernel/actor.js';
import { ApiProblems } from '../kernel/api-problems.js';
import { Authorize, CurrentActor } from '../kernel/authorize.js';
import { UpdateMeRequest } from './users.dto.js';
import { UsersService } from './users.service.js';
import { MeView, toMeView } from './users.view.js';

@ApiTags('Profile')
@Controller('api/v1/users/me')
export class MeController {
  constructor(private readonly users: UsersService) {}

  /** Shows your profile. */
  @Get()
  @Authorize('session')
  async me(@CurrentActor() actor: Actor): Promise<MeView> {
    return toMeView(await this.users.me(actor));
  }

  /** Changes your profile; e-mail address and roles have their own ways. */
  @Patch()
  @Authorize('session')
  @ApiProblems('validation_failed', 'malformed_json')
  async updateMe(@CurrentActor() actor: Actor, @Body() request: UpdateMeRequest): Promise<MeView> {
    return toMeView(await this.users.updateMe(actor, request));
  }
}
