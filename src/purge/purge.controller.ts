import { Body, Controller, Get, Header, Headers, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import { ApiExtraModels, ApiOkResponse, ApiTags, getSchemaPath } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import type { Actor } from '../kernel/actor.js';
import { ApiProblems } from '../kernel/api-problems.js';
import { Authorize, CurrentActor } from '../kernel/authorize.js';
import { CursorQuery } from '../kernel/lists.js';
import { Limit } from '../limits/limit.decorator.js';
import { ExecutePurgeRequest, PlanPurgeRequest, PurgePlanPath } from './purge.dto.js';
import { toMarkdown } from './purge-report.js';
import { PurgeService } from './purge.service.js';
import { PurgePage, PurgePlanView, PurgeReportView, QueuedPurgeView } from './purge.view.js';

const MARKDOWN = 'text/markdown';

@ApiTags('Purge')
@Controller('api/v1/admin/purge')
export class PurgeController {
  constructor(private readonly purges: PurgeService) {}

  /**
   * Says what a purge would remove and what it would keep: who goes by name, the rest table by table.
   * @remarks Nothing is removed. The first 20 accounts and organizations are named, with why they go. The plan is yours
   * alone, works for 15 minutes, once, and only while accounts, organizations and definitions that would go stay the same
   * ones.
   */
  @Post('plan')
  @HttpCode(200)
  @Authorize('platform-admin')
  @Limit('strict')
  planPurge(@CurrentActor() actor: Actor, @Body() { scope }: PlanPurgeRequest): Promise<PurgePlanView> {
    return this.purges.plan(actor, scope);
  }

  /**
   * Executes a plan: what it names is removed for good.
   * @remarks Needs a sign-in of the last 15 minutes and, in production, PURGE_ALLOWED=1. The answer comes at once; ask for
   * the plan to see how far it is. Killed in its middle it goes on after the next start. Each refusal is in the trail.
   */
  @Post()
  @HttpCode(202)
  @Authorize('platform-admin')
  @Limit('strict')
  @ApiProblems(
    'reauthentication_required',
    'purge_not_allowed',
    'not_found',
    'purge_plan_used',
    'purge_plan_expired',
    'purge_plan_outdated',
    'purge_running',
  )
  executePurge(@CurrentActor() actor: Actor, @Body() request: ExecutePurgeRequest): Promise<QueuedPurgeView> {
    return this.purges.execute(actor, request);
  }

  /**
   * Lists purges and plans, newest first: who planned and executed them, and what came of it.
   * @remarks A plan that nobody executes is forgotten a day after it has expired; a purge stays.
   */
  @Get()
  @Authorize('platform-admin')
  @ApiProblems('validation_failed')
  listPurges(@Query() query: CursorQuery): Promise<PurgePage> {
    return this.purges.list(query);
  }

  /**
   * Shows a purge: how far it is, what came of each table, and what was seen afterwards.
   * @remarks Of a plan it shows who and what would go. As JSON, or as Markdown where `Accept` asks for `text/markdown`.
   */
  @Get(':planId')
  @Authorize('platform-admin')
  @Header('cache-control', 'no-store')
  @ApiExtraModels(PurgeReportView)
  @ApiOkResponse({
    description: 'The report',
    content: {
      'application/json': { schema: { $ref: getSchemaPath(PurgeReportView) } },
      [MARKDOWN]: { schema: { type: 'string', example: '# Purge of test-data: completed' } },
    },
  })
  @ApiProblems('not_found', 'validation_failed')
  async getPurge(
    @Param() { planId }: PurgePlanPath,
    @Headers('accept') accept: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<PurgeReportView | string> {
    const report = await this.purges.report(planId);
    if (!accept?.includes(MARKDOWN)) return report;
    void reply.type(`${MARKDOWN}; charset=utf-8`);
    return toMarkdown(report);
  }
}
