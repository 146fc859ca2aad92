import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query, Req } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import type { Actor } from '../../kernel/actor.js';
import { ApiProblems } from '../../kernel/api-problems.js';
import { Authorize, CurrentActor } from '../../kernel/authorize.js';
import { toPage } from '../../kernel/lists.js';
import { Limit } from '../../limits/limit.decorator.js';
import { OrganizationPath } from '../../kernel/organization-path.js';
import { InvitationPath, InviteRequest, ListInvitationsQuery } from './invitations.dto.js';
import { InvitationsService } from './invitations.service.js';
import { InvitationPageView, InvitationView, toInvitationView } from './invitations.view.js';

@ApiTags('Invitations')
@Controller('api/v1/organizations/:organizationId/invitations')
export class InvitationsController {
  constructor(private readonly invitations: InvitationsService) {}

  /** Invites a person by mail; the link works once, for 7 days, for an account with this address alone. */
  @Post()
  @OrganizationPath()
  @Authorize('members:invite')
  @Limit('auth', { by: ['account', 'recipient'] })
  @ApiProblems('validation_failed', 'malformed_json', 'already_member', 'already_invited', 'seat_limit_reached')
  async invite(@CurrentActor() actor: Actor, @Body() request: InviteRequest): Promise<InvitationView> {
    return toInvitationView(await this.invitations.invite(actor, request));
  }

  /** Lists invitations, newest first. */
  @Get()
  @OrganizationPath()
  @Authorize('members:invite')
  @ApiProblems('validation_failed')
  async listInvitations(
    @CurrentActor() actor: Actor,
    @Query() query: ListInvitationsQuery,
    @Req() request: FastifyRequest,
  ): Promise<InvitationPageView> {
    const [invitations, total] = await this.invitations.list(actor, query);
    return toPage(invitations.map(toInvitationView), total, query, request.url);
  }

  /** Withdraws an open invitation; its link stops working. */
  @Delete(':id')
  @HttpCode(204)
  @Authorize('members:invite')
  @ApiProblems('validation_failed', 'conflict')
  async revokeInvitation(@CurrentActor() actor: Actor, @Param() { id }: InvitationPath): Promise<void> {
    await this.invitations.revoke(actor, id);
  }

  /** Mails a new link for another 7 days, in your name; the old link stops working. */
  @Post(':id/resend')
  @HttpCode(200)
  @Authorize('members:invite')
  @Limit('auth')
  @ApiProblems('validation_failed', 'conflict', 'already_member', 'seat_limit_reached')
  async resendInvitation(@CurrentActor() actor: Actor, @Param() { id }: InvitationPath): Promise<InvitationView> {
    return toInvitationView(await this.invitations.resend(actor, id));
  }
}
