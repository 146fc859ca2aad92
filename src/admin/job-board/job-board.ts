import { createBullBoard } from '@bull-board/api';
import { FastifyAdapter } from '@bull-board/fastify';
import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { FastifyInstance, FastifyPluginCallback, FastifyReply, FastifyRequest } from 'fastify';
import { Env } from '../../../config/env.js';
import { AuditService } from '../../audit/audit.service.js';
import { AuthGuard } from '../../auth/auth.guard.js';
import { ACCESS_TOKEN_SECONDS } from '../../auth/tokens/access-tokens.js';
import { asSystem } from '../../database/tenant-context.js';
import { Queues } from '../../jobs/queues.js';
import type { ActingRequest } from '../../kernel/authorize.js';
import { Problem, problem } from '../../kernel/problem.js';
import { sendProblem } from '../../kernel/problem.filter.js';
import { Readiness } from '../../kernel/readiness.js';
import { PostgresQueueAdapter } from './postgres-queue-adapter.js';

/** Where the board is; its cookie goes nowhere else. */
export const JOB_BOARD_PATH = '/admin/jobs';
export const SIGN_IN_PATH = `${JOB_BOARD_PATH}/sign-in`;

const COOKIE = 'tenon_job_board';
const COOKIE_VALUE = new RegExp(`(?:^|; *)${COOKIE}=([^;]+)`);

/** The board sets styles from its script, and asks this origin only. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'self'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** Its page asks another company for fonts, and so tells it who works with Tenon. */
const FONTS = /<link href="https:\/\/fonts\.googleapis\.com\/[^>]*>/;

/**
 * What may be done to a job or a queue, by the end of the route, and what the trail calls it. The rest of the board's routes
 * are refused: a job holds the id of its row alone, so that adding or editing one can only go wrong, and schedules are changed
 * by the API, where the change is checked and kept.
 */
const ACTIONS: readonly [route: RegExp, action: string][] = [
  [/\/(?:retry|retry\/:queueStatus)$/, 'job.retried'],
  [/\/promote$/, 'job.promoted'],
  [/\/:jobId\/clean$/, 'job.removed'],
  [/\/queues\/:queueName\/pause$/, 'queue.paused'],
  [/\/queues\/:queueName\/resume$/, 'queue.resumed'],
];

/** Bull Board for platform admins: queues, workers and jobs in a browser. */
@Injectable()
export class JobBoard {
  private readonly adapter = new FastifyAdapter();
  /** As browsers see it: below a proxy there may be more in front. */
  private readonly path: string;

  constructor(
    private readonly env: Env,
    private readonly em: EntityManager,
    private readonly guard: AuthGuard,
    private readonly audit: AuditService,
    queues: Queues,
    readiness: Readiness,
  ) {
    this.path = new URL(`${env.publicUrl}${JOB_BOARD_PATH}`).pathname;
    this.adapter.setBasePath(this.path);
    const board = createBullBoard({
      queues: [],
      serverAdapter: this.adapter,
      options: { uiConfig: { boardTitle: 'Tenon jobs', hideRedisDetails: true } },
    });
    readiness.addStep({
      name: 'job board',
      run: async () => board.replaceQueues(queues.all().map((queue) => new PostgresQueueAdapter(em, queue))),
    });
  }

  /** The board's routes; whoever asks for one has to be a platform admin, by the cookie that {@link open} sets. */
  plugin(): FastifyPluginCallback {
    return (fastify: FastifyInstance, _options, done) => {
      fastify.addHook('preHandler', (request, reply) => this.admit(request as ActingRequest, reply));
      fastify.addHook('onSend', (_request, _reply, payload, next) =>
        next(null, typeof payload === 'string' ? payload.replace(FONTS, '') : payload),
      );
      void fastify.register(this.adapter.registerPlugin());
      done();
    };
  }

  /**
   * Lets a browser in for as long as the access token lasts that it is opened with.
   * @returns the value of `Set-Cookie`.
   */
  async open(request: ActingRequest): Promise<string> {
    await asSystem(this.em, async () => this.audit.record(request.actor, 'job_board.opened'));
    const token = request.headers.authorization!.slice('Bearer '.length);
    return this.cookie(token, ACCESS_TOKEN_SECONDS);
  }

  /** Ends it. @returns the value of `Set-Cookie`. */
  close(): string {
    return this.cookie('', 0);
  }

  private cookie(value: string, seconds: number): string {
    const secure = this.env.publicUrl.startsWith('https:') ? '; Secure' : '';
    return `${COOKIE}=${value}; Path=${this.path}; Max-Age=${seconds}; HttpOnly; SameSite=Strict${secure}`;
  }

  private async admit(request: ActingRequest, reply: FastifyReply): Promise<FastifyReply | undefined> {
    void reply.header('content-security-policy', POLICY).header('cache-control', 'no-store');
    const token = COOKIE_VALUE.exec(request.headers.cookie ?? '')?.[1];
    try {
      if (token !== undefined) request.headers.authorization = `Bearer ${token}`;
      await this.guard.admit(request, { public: false, requirement: 'platform-admin' });
      if (request.method !== 'GET') await this.remember(request);
      return undefined;
    } catch (error) {
      const refusal = error instanceof Problem ? error : problem('internal_error', { cause: error });
      if (refusal.status === 401 && isPage(request)) return reply.redirect(`${this.path}/sign-in`);
      sendProblem(this.env, request, reply, refusal);
      return reply;
    }
  }

  /** The entry is written before the board acts: its queues have a connection of their own. */
  private async remember(request: ActingRequest): Promise<void> {
    const { queueName, jobId, queueStatus } = request.params as Record<string, string | undefined>;
    const action = ACTIONS.find(([route]) => route.test(request.routeOptions.url!))?.[1];
    // SameSite takes sub-domains for the same site; only our own pages may act.
    if (!action || !queueName || request.headers.origin !== new URL(this.env.publicUrl).origin)
      throw problem('permission_denied', { detail: 'The board is not for this' });
    await asSystem(this.em, async () =>
      this.audit.record(request.actor, action, {
        target: jobId ? { type: 'job', id: `${queueName}/${jobId}` } : { type: 'queue', id: queueName },
        after: queueStatus ? { status: queueStatus } : undefined,
      }),
    );
  }
}

function isPage({ method, routeOptions }: FastifyRequest): boolean {
  return method === 'GET' && !/\/(?:api|static)\//.test(routeOptions.url ?? '');
}
