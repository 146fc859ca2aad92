import { RequestContext } from '@mikro-orm/core';
import { MikroORM } from '@mikro-orm/postgresql';
import type { DynamicModule } from '@nestjs/common';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { NestFactory } from '@nestjs/core';
import Fastify, {
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type FastifyServerOptions,
} from 'fastify';
import { Env, type SecretKey } from '../config/env.js';
import { JOB_BOARD_PATH, JobBoard } from './admin/job-board/job-board.js';
import { AppModule } from './app.module.js';
import { KeyDoor } from './auth/api-keys/key-door.js';
import { setUpDocs } from './docs/docs.js';
import { beside } from './features/openfeature/beside.js';
import { ofrepPlugin } from './features/openfeature/ofrep.plugin.js';
import { OfrepRoutes } from './features/openfeature/ofrep.routes.js';
import { Answers } from './kernel/answers.js';
import { crossOrigin, securityHeaders } from './kernel/browser-headers.js';
import { newRequestId } from './kernel/ids.js';
import { createLog, NestLog } from './kernel/logging.js';
import { problem } from './kernel/problem.js';
import { sendProblem } from './kernel/problem.filter.js';
import { Readiness } from './kernel/readiness.js';
import { readForwarded, refuseUnreadable, refuseUnready, takeJsonOnly } from './kernel/receiving.js';
import { validationPipe } from './kernel/validation.js';

const BODY_LIMIT_BYTES = 1024 * 1024;

/**
 * Builds the application, ready to listen: what `main.ts`, tests and tools share.
 * @param env with `databaseUrl`.
 * @param keys that encrypt secrets at rest.
 * @param root the rooms; tests and benches add routes of their own.
 */
export async function createApp(
  env: Env,
  keys: readonly SecretKey[],
  root: DynamicModule = AppModule.forRoot(env, keys),
): Promise<NestFastifyApplication> {
  const log = createLog(env);
  const options = fastifyOptions(env);
  // Keys of features are no longer than others, and yet told apart from what is no address.
  const ofrep = Fastify({ ...options, routerOptions: { ...options.routerOptions, maxParamLength: 10_000 } });
  void ofrep.register(ofrepPlugin(() => app.get(OfrepRoutes)));
  const adapter = new FastifyAdapter({ ...options, serverFactory: beside(ofrep) });
  const app = await NestFactory.create<NestFastifyApplication>(root, adapter, {
    bodyParser: false,
    abortOnError: false,
    logger: new NestLog(log),
  });
  const fastify = app.getHttpAdapter().getInstance() as unknown as FastifyInstance;
  fastify.addHook('onReady', async () => {
    await ofrep.ready();
  });
  fastify.addHook('preClose', () => ofrep.close());
  const readiness = app.get(Readiness);
  const answers = app.get(Answers);
  const orm = app.get(MikroORM);

  takeJsonOnly(fastify);
  fastify.addHook('onRequest', async (request, reply) => {
    void reply.header('x-request-id', request.id);
    readForwarded(env, request);
    // The route and not the address: `GET http://host/api/…` is the same route (RFC 9112, 3.2.2).
    const isApi = request.routeOptions.url?.startsWith('/api/') === true;
    // What is answered to one person is for nobody's cache.
    if (isApi) void reply.header('cache-control', 'no-store');
    refuseUnreadable(request);
    if (isApi) refuseUnready(readiness);
  });
  // After the body was read: one EntityManager a request, found by every service through the async context.
  fastify.addHook('preHandler', (_request, _reply, done) => RequestContext.create(orm.em, done));
  fastify.addHook('onResponse', (request, reply, done) => {
    answers.tell({
      requestId: request.id,
      method: request.method,
      route: request.routeOptions.url ?? null,
      status: reply.statusCode,
      ms: reply.elapsedTime,
      routine: false,
    });
    done();
  });
  answers.onAnswer(({ requestId, method, route, status, ms, routine }) => {
    // 503 says "not now": while the process starts, or the database restarts, it is no fault of the code.
    const failed = status === 503 ? 'warn' : status >= 500 ? 'error' : null;
    const level = failed ?? (routine ? 'debug' : 'info');
    if (log.isLevelEnabled(level)) log[level]({ requestId, method, route, status, ms: Math.round(ms) }, 'request');
  });
  app.get(OfrepRoutes).provide(app.get(KeyDoor));

  app.useGlobalPipes(validationPipe());
  app.useSecurityHeaders(securityHeaders(env));
  if (env.corsOrigins.length > 0) app.enableCors(crossOrigin(env));
  void fastify.register(app.get(JobBoard).plugin(), { prefix: JOB_BOARD_PATH });
  setUpDocs(app, env);
  return app;
}

/** What both servers of HTTP have in common. */
function fastifyOptions(env: Env) {
  return {
    genReqId: () => newRequestId(),
    requestIdHeader: false,
    bodyLimit: BODY_LIMIT_BYTES,
    trustProxy: env.trustProxy,
    // Idle keep-alive connections must not hold the process back at its end.
    forceCloseConnections: 'idle',
    // A header block that never ends holds a connection; a slow body is cut after half a minute.
    requestTimeout: 30_000,
    exposeHeadRoutes: false,
    routerOptions: {
      ignoreTrailingSlash: false,
      ignoreDuplicateSlashes: false,
      caseSensitive: true,
      maxParamLength: 200,
    },
    // An address that cannot be read (`/%zz`) never meets a route, and so neither hooks nor filter.
    frameworkErrors: (_error: Error, request: FastifyRequest, reply: FastifyReply) => {
      void reply.header('x-request-id', request.id);
      sendProblem(env, request, reply, problem('not_found'));
    },
  } satisfies FastifyServerOptions;
}
