import { Body, Controller, Delete, Get, Header, HttpCode, Param, Post, Query, Req } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import type { Actor } from '../../kernel/actor.js';
import { ApiProblems } from '../../kernel/api-problems.js';
import { Authorize, CurrentActor, Public } from '../../kernel/authorize.js';
import { PageQuery, toPage } from '../../kernel/lists.js';
import { RefreshRequest, SessionPath } from './sessions.dto.js';
import { SessionsService } from './sessions.service.js';
import { SessionPageView, SignedInView, toSessionView, toSignedInView } from './sessions.view.js';

@ApiTags('Sessions')
@Controller('api/v1/auth')
export class SessionsController {
  constructor(private readonly sessions: SessionsService) {}

  /** Exchanges a refresh token for a new pair; each works once, and reuse ends the session. */
  @Post('refresh')
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  @Public()
  @ApiProblems('validation_failed', 'malformed_json', 'token_invalid', 'refresh_token_reused')
  async refresh(@CurrentActor() actor: Actor, @Body() { refreshToken }: RefreshRequest): Promise<SignedInView> {
    return toSignedInView(await this.sessions.refresh(actor, refreshToken));
  }

  /** Ends the session of this request. */
  @Post('logout')
  @HttpCode(204)
  @Authorize('session')
  async logout(@CurrentActor() actor: Actor): Promise<void> {
    await this.sessions.revokeOne(actor, actor.sessionId!, 'logout');
  }

  /** Lists your sessions that are still good. */
  @Get('sessions')
  @Authorize('session')
  @ApiProblems('validation_failed')
  async listSessions(
    @CurrentActor() actor: Actor,
    @Query() query: PageQuery,
    @Req() request: FastifyRequest,
  ): Promise<SessionPageView> {
    const [sessions, total] = await this.sessions.list(actor, query);
    return toPage(
      sessions.map((session) => toSessionView(session, actor.sessionId)),
      total,
      query,
      request.url,
    );
  }

  /** Ends one of your sessions. */
  @Delete('sessions/:id')
  @HttpCode(204)
  @Authorize('session')
  @ApiProblems('validation_failed', 'not_found')
  async endSession(@CurrentActor() actor: Actor, @Param() { id }: SessionPath): Promise<void> {
    await this.sessions.revokeOne(actor, id, 'revoked');
  }

  /** Ends all your sessions but this one. */
  @Delete('sessions')
  @HttpCode(204)
  @Authorize('session')
  async endOtherSessions(@CurrentActor() actor: Actor): Promise<void> {
    await this.sessions.revokeOthers(actor);
  }
}
