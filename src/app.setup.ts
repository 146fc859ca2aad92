import { RequestContext } from '@mikro-orm/core';
import { MikroORM } from '@mikro-orm/postgresql';
import type { DynamicModule } from '@nestjs/common';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { NestFactory } from '@nestjs/core';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Env, type SecretKey } from '../config/env.js';
import { AppModule } from './app.module.js';
import { setUpDocs } from './docs/docs.js';
import { readForwardedFor } from './kernel/forwarded-for.js';
import { newId } from './kernel/ids.js';
import { parseJsonBody } from './kernel/json-body.js';
import { createLog, NestLog } from './kernel/logging.js';
import { problem } from './kernel/problem.js';
import { sendProblem } from './kernel/problem.filter.js';
import { Readiness } from './kernel/readiness.js';
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
  const adapter = new FastifyAdapter({
    genReqId: () => newId(),
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
  });
  const app = await NestFactory.create<NestFastifyApplication>(root, adapter, {
    bodyParser: false,
    abortOnError: false,
    logger: new NestLog(log),
  });
  const fastify = app.getHttpAdapter().getInstance() as unknown as FastifyInstance;
  const readiness = app.get(Readiness);
  const orm = app.get(MikroORM);

  // Fastify reads text/plain too, unless it is told not to.
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => {
    try {
      done(null, parseJsonBody(body as Buffer));
    } catch (error) {
      done(error as Error);
    }
  });
  fastify.addHook('onRequest', async (request, reply) => {
    void reply.header('x-request-id', request.id);
    // Before anybody asks for the address of the request.
    const forwardedFor = request.headers['x-forwarded-for'];
    if (env.trustProxy && typeof forwardedFor === 'string')
      request.raw.headers['x-forwarded-for'] = readForwardedFor(forwardedFor);
    // The route and not the address: `GET http://host/api/…` is the same route (RFC 9112, 3.2.2).
    const isApi = request.routeOptions.url?.startsWith('/api/') === true;
    // What is answered to one person is for nobody's cache.
    if (isApi) void reply.header('cache-control', 'no-store');
    // Fastify does not decompress; a compressed body is refused instead of being read as text.
    const encoding = request.headers['content-encoding'];
    if (encoding !== undefined && encoding !== 'identity')
      throw problem('unsupported_media_type', { detail: 'Compressed bodies are not taken' });
    // PostgreSQL's protocol ends a text at NUL: what follows it would be read as a broken message.
    if (request.url.includes('%00')) throw problem('validation_failed', { detail: 'The address holds a NUL' });
    if (!readiness.ready && isApi)
      throw problem('service_unavailable', {
        detail: `Waiting for: ${readiness.waitingFor ?? 'stop'}`,
        headers: { 'retry-after': '1' },
      });
  });
  // After the body was read: one EntityManager a request, found by every service through the async context.
  fastify.addHook('preHandler', (_request, _reply, done) => RequestContext.create(orm.em, done));
  fastify.addHook('onResponse', (request, reply, done) => {
    // 503 says "not now": while the process starts, or the database restarts, it is no fault of the code.
    const level = reply.statusCode === 503 ? 'warn' : reply.statusCode >= 500 ? 'error' : 'info';
    // The route and not the address: a query may hold a token.
    log[level](
      {
        requestId: request.id,
        method: request.method,
        route: request.routeOptions.url ?? null,
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime),
      },
      'request',
    );
    done();
  });

  app.useGlobalPipes(validationPipe());
  // Answers are data: nothing in them may run or load anything. What is a page of ours says what it needs.
  const https = env.publicUrl.startsWith('https:');
  app.useSecurityHeaders({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: "'none'",
        baseUri: "'none'",
        formAction: "'none'",
        frameAncestors: "'none'",
      },
    },
    xFrameOptions: { action: 'deny' },
    // Browsers ignore these on plain HTTP, and complain. Sub-domains of our host are somebody else's to decide.
    strictTransportSecurity: https && { includeSubDomains: false },
    crossOriginOpenerPolicy: https,
    originAgentCluster: https,
  });
  if (env.corsOrigins.length > 0)
    app.enableCors({
      origin: [...env.corsOrigins],
      methods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
      allowedHeaders: ['authorization', 'content-type', 'if-match', 'if-none-match', 'idempotency-key', 'x-api-key'],
      exposedHeaders: ['etag', 'ratelimit', 'ratelimit-policy', 'retry-after', 'x-request-id'],
      maxAge: 600,
    });
  if (env.docs) setUpDocs(app, env);
  return app;
}
