import { Controller, Delete, Get, Header, HttpCode, Post, Req, Res } from '@nestjs/common';
import { ApiExcludeEndpoint, ApiNoContentResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import type { Actor } from '../../kernel/actor.js';
import { type ActingRequest, Authorize, CurrentActor, Public } from '../../kernel/authorize.js';
import { PAGE_POLICY } from '../../kernel/browser-headers.js';
import { Limit } from '../../limits/limit.decorator.js';
import { JobBoard, SIGN_IN_PATH } from './job-board.js';
import { OPEN_BOARD_PAGE, script } from './open-board-page.js';

@ApiTags('Jobs')
@Controller()
export class JobBoardController {
  constructor(private readonly board: JobBoard) {}

  /**
   * Opens the job board at `/admin/jobs` for this browser.
   * @remarks The page at `/admin/jobs/sign-in` does it: it sets a cookie that only the board reads, for as long as the
   * access token lasts. There queues, workers and jobs are seen, and jobs are retried, promoted and removed.
   */
  @Post('api/v1/admin/job-board/session')
  @HttpCode(204)
  @Authorize('platform-admin')
  @Limit('auth')
  @ApiNoContentResponse({ description: 'The cookie is set' })
  async openJobBoard(@Req() request: ActingRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<void> {
    void reply.header('set-cookie', await this.board.open(request));
  }

  /**
   * Closes the job board that this session has open.
   * @remarks The cookie is removed, and what it held opens the board no more, wherever else it may be; the session stays.
   */
  @Delete('api/v1/admin/job-board/session')
  @HttpCode(204)
  @Authorize('platform-admin')
  @ApiNoContentResponse({ description: 'The cookie is removed' })
  async closeJobBoard(@CurrentActor() actor: Actor, @Res({ passthrough: true }) reply: FastifyReply): Promise<void> {
    void reply.header('set-cookie', await this.board.close(actor));
  }

  @Get(SIGN_IN_PATH)
  @ApiExcludeEndpoint()
  @Public()
  @Header('content-type', 'text/html; charset=utf-8')
  @Header('cache-control', 'no-store')
  @Header('content-security-policy', PAGE_POLICY)
  signInPage(): string {
    return OPEN_BOARD_PAGE;
  }

  @Get(`${SIGN_IN_PATH}.js`)
  @ApiExcludeEndpoint()
  @Public()
  @Header('content-type', 'text/javascript; charset=utf-8')
  @Header('cache-control', 'no-store')
  signInScript(): string {
    return script;
  }
}
