import { Body, Controller, Get, Param, Patch, Query, Req } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import type { Actor } from '../kernel/actor.js';
import { ApiProblems } from '../kernel/api-problems.js';
import { Authorize, CurrentActor } from '../kernel/authorize.js';
import { toPage } from '../kernel/lists.js';
import { ListUsersQuery, UpdateUserRequest, UserPath } from './users.dto.js';
import { UsersService } from './users.service.js';
import { toUserView, UserPageView, UserView } from './users.view.js';

@ApiTags('Administration')
@Controller('api/v1/admin/users')
export class AdminUsersController {
  constructor(private readonly users: UsersService) {}

  /** Lists people. */
  @Get()
  @Authorize('platform-admin')
  @ApiProblems('validation_failed')
  async listUsers(@Query() query: ListUsersQuery, @Req() request: FastifyRequest): Promise<UserPageView> {
    const [users, total] = await this.users.list(query);
    return toPage(users.map(toUserView), total, query, request.url);
  }

  /** Shows a person. */
  @Get(':id')
  @Authorize('platform-admin')
  @ApiProblems('validation_failed', 'not_found')
  async getUser(@Param() { id }: UserPath): Promise<UserView> {
    return toUserView(await this.users.get(id));
  }

  /**
   * Enables or disables a person; disabling ends every session at once.
   * @remarks 409 `last_owner`: nobody else could act for an active organization. Transfer it first, or deactivate it.
   */
  @Patch(':id')
  @Authorize('platform-admin')
  @ApiProblems('validation_failed', 'malformed_json', 'not_found', 'last_admin', 'last_owner')
  async updateUser(
    @CurrentActor() actor: Actor,
    @Param() { id }: UserPath,
    @Body() request: UpdateUserRequest,
  ): Promise<UserView> {
    return toUserView(await this.users.update(actor, id, request));
  }
}
