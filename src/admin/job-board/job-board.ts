import { createBullBoard } from '@bull-board/api';
import { FastifyAdapter } from '@bull-board/fastify';
import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { FastifyInstance, FastifyPluginCallback, FastifyReply, FastifyRequest } from 'fastify';
import { Env } from '../../../config/env.js';
import { AuditService } from '../../audit/audit.service.js';
import { AuthGuard } from '../../auth/auth.guard.js';
import { SessionsService } from '../../auth/sessions/sessions.service.js';
import { ACCESS_TOKEN_SECONDS } from '../../auth/tokens/access-tokens.js';
import { asSystem } from '../../database/tenant-context.js';
import { Queues } from '../../jobs/queues.js';
import type { Actor } from '../../kernel/actor.js';
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

/**
 * What {@link ACTIONS} refuses is not offered: by their icons, which are the same in all its languages. A refusal of what a
 * later version offers is told by the board.
 */
const HIDDEN = [
  'td button:has(> .lucide-play, > .lucide-pencil, > .lucide-trash-2)',
  "[class^='queueActions-'] > li:has(.lucide-trash-2)",
  'button:has(> .lucide-files, > .lucide-pencil, > .lucide-clock)',
  "[role='menuitem']:has(> .lucide-plus, > .lucide-chart-no-axes-gantt, > .lucide-gauge, > .lucide-trash-2, > .lucide-ban)",
];
const STYLE = `<style>${HIDDEN.join(', ')} { display: none; }</style>`;

/** Its page asks another company for fonts, and so tells it who works with Tenon. */
const FONTS = /<link href="https:\/\/fonts\.googleapis\.com\/[^>]*>/;

/**
 * What may be done to a job or a queue, by the end of the route, and what the trail calls it. The rest of the board's routes
 * are refused: a job holds the id of its row alone, so that adding or editing one can only go wrong, and schedules are
 * changed by the API, where the change is checked and kept.
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
  /** What ends the entry of a request, when it is known whether the board acted. */
  private readonly entries = new WeakMap<FastifyRequest, (acted: boolean) => Promise<void>>();

  constructor(
    private readonly env: Env,
    private readonly em: EntityManager,
    private readonly guard: AuthGuard,
    private readonly audit: AuditService,
    private readonly sessions: SessionsService,
    queues: Queues,
    readiness: Readiness,
  ) {
    this.path = new URL(`${env.publicUrl}${JOB_BOARD_PATH}`).pathname;
    this.adapter.setBasePath(this.path);
    const board = createBullBoard({
      queues: [],
      serverAdapter: this.adapter,
      options: {
        uiConfig: {
          boardTitle: 'Tenon jobs',
          hideRedisDetails: true,
          miscLinks: [{ text: 'Sign out', url: `${this.path}/sign-out` }],
        },
      },
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
      fastify.addHook('onSend', async (request, reply, payload) => {
        await this.entries.get(request)?.(reply.statusCode < 400);
        return typeof payload === 'string' ? payload.replace(FONTS, STYLE) : payload;
      });
      fastify.get('/sign-out', async (request, reply) => this.signOut(request as ActingRequest, reply));
      void fastify.register(this.adapter.registerPlugin());
      done();
    };
  }

  /**
   * Lets a browser in for as long as the access token lasts that it is opened with.
   * @returns the value of `Set-Cookie`.
   */
  async open(request: ActingRequest): Promise<string> {
    await this.set(request.actor, true);
    const token = request.headers.authorization!.slice('Bearer '.length);
    return this.cookie(token, ACCESS_TOKEN_SECONDS);
  }

  /** Ends it, also for a copy of the cookie. @returns the value of `Set-Cookie`. */
  async close(actor: Actor): Promise<string> {
    await this.set(actor, false);
    return this.cookie('', 0);
  }

  private async set(actor: Actor, open: boolean): Promise<void> {
    await asSystem(this.em, async (em) => {
      await this.sessions.setJobBoardOpen(em, actor.sessionId!, open);
      this.audit.record(actor, open ? 'job_board.opened' : 'job_board.closed');
    });
  }

  /** Ends the session that this browser signed in with, and its cookie; not where another site leads here. */
  private async signOut({ headers, actor }: ActingRequest, reply: FastifyReply): Promise<FastifyReply> {
    if (!['same-origin', 'none'].includes(String(headers['sec-fetch-site'] ?? 'none')))
      return reply.redirect(this.path);
    await this.sessions.revokeOne(actor, actor.sessionId!, 'logout');
    return reply.header('set-cookie', this.cookie('', 0)).redirect(`${this.path}/sign-in`);
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
      if (!(await this.sessions.hasJobBoardOpen(request.actor.sessionId!))) throw problem('token_invalid');
      if (request.method !== 'GET') await this.remember(request);
      return undefined;
    } catch (error) {
      const refusal = error instanceof Problem ? error : problem('internal_error', { cause: error });
      if (refusal.status === 401 && isPage(request)) return reply.redirect(`${this.path}/sign-in`);
      // The board shows `error` and `message`; without them it takes any answer for a success.
      sendProblem(this.env, request, reply, refusal, { error: refusal.title, message: refusal.detail });
      return reply;
    }
  }

  /**
   * The entry is written before the board acts, whose queues have connections of their own, and committed when it did: what
   * cannot be remembered is not done, and what was not done is not remembered.
   */
  private async remember(request: ActingRequest): Promise<void> {
    const { queueName, jobId, queueStatus } = request.params as Record<string, string | undefined>;
    const action = ACTIONS.find(([route]) => route.test(request.routeOptions.url!))?.[1];
    // SameSite takes sub-domains for the same site; only our own pages may act.
    if (!action || !queueName || request.headers.origin !== new URL(this.env.publicUrl).origin)
      throw problem('permission_denied', { detail: 'The board is not for this' });
    await new Promise<void>((written, failed) => {
      const entry = asSystem(this.em, async (em) => {
        this.audit.record(request.actor, action, {
          target: jobId ? { type: 'job', id: `${queueName}/${jobId}` } : { type: 'queue', id: queueName },
          after: queueStatus ? { status: queueStatus } : undefined,
        });
        await em.flush();
        const acted = await new Promise<boolean>((end) => {
          this.entries.set(request, async (did) => {
            end(did);
            await entry.catch(unlessRefused);
          });
          written();
        });
        if (!acted) throw REFUSED;
      });
      entry.catch(failed);
    });
  }
}

/** Takes back the entry of what the board did not do. */
const REFUSED = new Error('The board did not act');
function unlessRefused(error: unknown): void {
  if (error !== REFUSED) throw error;
}

function isPage({ method, routeOptions }: FastifyRequest): boolean {
  return method === 'GET' && !/\/(?:api|static)\//.test(routeOptions.url ?? '');
}
