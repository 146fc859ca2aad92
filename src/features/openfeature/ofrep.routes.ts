import { Injectable, Logger } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Env } from '../../../config/env.js';
import type { Actor } from '../../kernel/actor.js';
import { Answers } from '../../kernel/answers.js';
import type { ApiKeyAccess } from '../../kernel/api-key-access.js';
import { ALLOWED_HEADERS, PREFLIGHT_SECONDS } from '../../kernel/browser-headers.js';
import { problem } from '../../kernel/problem.js';
import { sendProblem } from '../../kernel/problem.filter.js';
import { Readiness } from '../../kernel/readiness.js';
import { readForwarded, refuseUnreadable, refuseUnready } from '../../kernel/receiving.js';
import { LimitsService } from '../../limits/limits.service.js';
import { Clock } from '../snapshots/clock.js';
import { type AskedContext, NO_CONTEXT } from './asked-context.js';
import { EventStreams } from './event-streams.js';
import { type Head, OfrepHeads } from './ofrep-heads.js';
import { OfrepError, toOfrep } from './ofrep-errors.js';
import { OfrepService } from './ofrep.service.js';
import { StreamTokens } from './stream-tokens.js';

/** A request of OFREP, with what was found out about it on the way: set first by {@link OfrepRoutes.begin} or {@link OfrepRoutes.authenticate}. */
export interface OfrepRequest extends FastifyRequest<{ Params: { key?: string }; Body?: AskedContext }> {
  ofrepActor: Actor | null;
  ofrepSince: number;
}

type Done = (error?: Error) => void;

/** Handlers of the routes of OFREP. They write their answers past Fastify, by one `writeHead` (ADR 23). */
@Injectable()
export class OfrepRoutes {
  private readonly log = new Logger('openfeature');
  private readonly heads: OfrepHeads;
  private access: ApiKeyAccess | null = null;

  constructor(
    private readonly env: Env,
    private readonly readiness: Readiness,
    private readonly answers: Answers,
    private readonly ofrep: OfrepService,
    private readonly streams: EventStreams,
    private readonly tokens: StreamTokens,
    private readonly clock: Clock,
    private readonly limits: LimitsService,
  ) {
    this.heads = new OfrepHeads(env);
  }

  /** Says who knows API keys: a room that this one may not know. */
  provide(access: ApiKeyAccess): void {
    this.access = access;
    this.streams.provide(access);
  }

  /** What is refused before anybody is asked who they are. */
  begin(request: OfrepRequest, done: Done): void {
    try {
      this.receive(request);
      done();
    } catch (error) {
      done(error as Error);
    }
  }

  /** The same, and who asks: by an API key, and nothing else. */
  authenticate(request: OfrepRequest, done: Done): void {
    try {
      this.receive(request);
      if (!this.access) throw problem('authentication_required');
      const actor = this.access.authenticate(request, 'features:evaluate');
      if (!(actor instanceof Promise)) {
        request.ofrepActor = actor;
        return done();
      }
      actor.then((found) => {
        request.ofrepActor = found;
        done();
      }, done);
    } catch (error) {
      done(error as Error);
    }
  }

  single(request: OfrepRequest, reply: FastifyReply): void | Promise<void> {
    const answer = this.ofrep.single(request.ofrepActor!, request.params.key!, request.body ?? NO_CONTEXT);
    return answer instanceof Promise
      ? answer.then((body) => this.send(request, reply, 200, NO_STORE, body))
      : this.send(request, reply, 200, NO_STORE, answer);
  }

  bulk(request: OfrepRequest, reply: FastifyReply): void | Promise<void> {
    const answer = this.ofrep.bulk(request.ofrepActor!, request.body ?? NO_CONTEXT, request.headers['if-none-match']);
    const send = ({ etag, body }: Awaited<typeof answer>): void =>
      this.send(request, reply, body === null ? 304 : 200, ['cache-control', 'private, no-cache', 'etag', etag], body);
    return answer instanceof Promise ? answer.then(send) : send(answer);
  }

  /** The stream of an address that a bulk answer named. */
  async events(request: OfrepRequest, reply: FastifyReply): Promise<FastifyReply> {
    const { token, state } = request.query as Record<string, unknown>;
    const right = typeof token === 'string' ? this.tokens.read(token, this.clock.now()) : null;
    if (!right) {
      const headers = await this.limits.hit('api', { ip: request.ip, route: 'unauthenticated' }, ['ip']);
      throw problem('token_invalid', { headers });
    }
    const lastEventId = request.headers['last-event-id'];
    const known = lastEventId ?? state;
    const head = [...this.heads.of(request.headers.origin), 'x-request-id', request.id];
    await this.streams.open(right, request, reply, head, typeof known === 'string' ? known : null);
    this.tell(request, 200);
    return reply;
  }

  /** What pages of other origins may send: asked by their browser first. */
  preflight(request: OfrepRequest, reply: FastifyReply, done: Done): void {
    this.begin(request, (failure) => {
      const { origin, 'access-control-request-method': asked } = request.headers;
      if (failure) done(failure);
      else if (origin === undefined || asked === undefined || !this.heads.knows(origin)) done(problem('not_found'));
      else this.send(request, reply, 204, PREFLIGHT, null);
    });
  }

  /** Ends what is open, so that the process can stop. */
  close(): void {
    this.streams.close();
  }

  /** Answers with what went wrong. */
  fail(error: unknown, request: OfrepRequest, reply: FastifyReply): void {
    const failure = toOfrep(error);
    if (failure.status >= 500 && failure.status !== 503)
      this.log.error({ requestId: request.id, err: error }, 'a request could not be answered');
    this.tell(request, failure.status);
    if (failure instanceof OfrepError) {
      const { status, errorCode, errorDetails } = failure;
      const { key } = request.params;
      this.send(request, reply, status, NO_STORE, JSON.stringify({ key, errorCode, errorDetails }), false);
      return;
    }
    const head = this.heads.of(request.headers.origin);
    for (let at = 0; at < head.length; at += 2) void reply.header(head[at]!, head[at + 1]);
    void reply.header('x-request-id', request.id);
    sendProblem(this.env, request, reply, failure);
  }

  private receive(request: OfrepRequest): void {
    request.ofrepSince = performance.now();
    request.ofrepActor = null;
    readForwarded(this.env, request);
    refuseUnready(this.readiness);
    refuseUnreadable(request);
  }

  private send(
    request: OfrepRequest,
    reply: FastifyReply,
    status: number,
    more: Head,
    body: string | Buffer | null,
    tell = true,
  ): void {
    const head = [...this.heads.of(request.headers.origin), ...more, 'x-request-id', request.id];
    if (body !== null)
      head.push('content-type', 'application/json; charset=utf-8', 'content-length', String(Buffer.byteLength(body)));
    reply.hijack();
    reply.raw.writeHead(status, head);
    reply.raw.end(body ?? undefined);
    if (tell) this.tell(request, status);
  }

  private tell({ id, method, routeOptions, ofrepSince }: OfrepRequest, status: number): void {
    this.answers.tell({
      requestId: id,
      method,
      route: routeOptions.url ?? null,
      status,
      ms: performance.now() - ofrepSince,
      routine: true,
    });
  }
}

const NO_STORE: Head = ['cache-control', 'no-store'];
const PREFLIGHT: Head = [
  'access-control-allow-methods',
  'GET, POST',
  'access-control-allow-headers',
  ALLOWED_HEADERS.join(', '),
  'access-control-max-age',
  String(PREFLIGHT_SECONDS),
];
