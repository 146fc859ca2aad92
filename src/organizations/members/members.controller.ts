import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Query, Req } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import type { Actor } from '../../kernel/actor.js';
import { ApiProblems } from '../../kernel/api-problems.js';
import { Authorize, CurrentActor } from '../../kernel/authorize.js';
import { toPage } from '../../kernel/lists.js';
import { OrganizationPath } from '../../kernel/organization-path.js';
import { ListMembersQuery, MemberPath, UpdateMemberRequest } from './members.dto.js';
import { MembersService } from './members.service.js';
import { MemberPageView, MemberView, toMemberView } from './members.view.js';

@ApiTags('Members')
@OrganizationPath()
@Controller('api/v1/organizations/:organizationId/members')
export class MembersController {
  constructor(private readonly members: MembersService) {}

  /** Lists the members of an organization, those who joined first in front. */
  @Get()
  @Authorize('members:read')
  @ApiProblems('validation_failed')
  async listMembers(
    @CurrentActor() actor: Actor,
    @Query() query: ListMembersQuery,
    @Req() request: FastifyRequest,
  ): Promise<MemberPageView> {
    const [members, total] = await this.members.list(actor, query);
    return toPage(members.map(toMemberView), total, query, request.url);
  }

  /** Shows a member. */
  @Get(':userId')
  @Authorize('members:read')
  @ApiProblems('validation_failed')
  async getMember(@CurrentActor() actor: Actor, @Param() { userId }: MemberPath): Promise<MemberView> {
    return toMemberView(await this.members.get(actor, userId));
  }

  /**
   * Gives a member another role, at once.
   * @remarks Never one with more than you hold, never to somebody who holds more, and never to yourself. Only owners make
   * or change owners. The last owner stays one.
   */
  @Patch(':userId')
  @Authorize('members:update')
  @ApiProblems('validation_failed', 'malformed_json', 'last_owner')
  async updateMember(
    @CurrentActor() actor: Actor,
    @Param() { userId }: MemberPath,
    @Body() { role }: UpdateMemberRequest,
  ): Promise<MemberView> {
    return toMemberView(await this.members.changeRole(actor, userId, role));
  }

  /**
   * Removes a member, at once; with your own id you leave.
   * @remarks To remove others you need `members:remove`, and they must not hold more than you. The last owner stays.
   */
  @Delete(':userId')
  @HttpCode(204)
  @Authorize('member')
  @ApiProblems('validation_failed', 'last_owner')
  async removeMember(@CurrentActor() actor: Actor, @Param() { userId }: MemberPath): Promise<void> {
    await this.members.remove(actor, userId);
  }
}
