import type { FastifyInstance, FastifyPluginCallback, FastifyReply, FastifyRequest } from 'fastify';
import { problem } from '../../kernel/problem.js';
import { takeJsonOnly } from '../../kernel/receiving.js';
import { AskedContexts } from './asked-context.js';
import { EVENTS_PATH } from './ofrep.service.js';
import type { OfrepRequest, OfrepRoutes } from './ofrep.routes.js';

/**
 * OFREP (https://github.com/open-feature/protocol) as routes of Fastify alone (ADR 23), for an instance of its own.
 * @param find gives the handlers once the application is made.
 */
export function ofrepPlugin(find: () => OfrepRoutes): FastifyPluginCallback {
  return (fastify: FastifyInstance, _options, done) => {
    let routes: OfrepRoutes;
    fastify.addHook('onReady', (ready) => {
      routes = find();
      ready();
    });
    // Streams end before requests are waited for, or a stop would wait for them.
    fastify.addHook('preClose', (closed) => {
      routes?.close();
      closed();
    });
    const contexts = new AskedContexts();
    takeJsonOnly(fastify, (body, request) => contexts.read(body, (request as OfrepRequest).ofrepActor?.apiKey?.id));
    fastify.setErrorHandler((error, request, reply) => routes.fail(error, request as OfrepRequest, reply));

    // One hook for each route, as one for all would be a second one where keys are asked for.
    type Hook = (request: FastifyRequest, reply: FastifyReply, next: (error?: Error) => void) => void;
    const begin: Hook = (request, _reply, next) => routes.begin(request as OfrepRequest, next);
    const authenticate: Hook = (request, _reply, next) => routes.authenticate(request as OfrepRequest, next);
    fastify.post('/ofrep/v1/evaluate/flags/:key', { onRequest: authenticate }, (request, reply) =>
      routes.single(request as OfrepRequest, reply),
    );
    fastify.post('/ofrep/v1/evaluate/flags', { onRequest: authenticate }, (request, reply) =>
      routes.bulk(request as OfrepRequest, reply),
    );
    fastify.get(EVENTS_PATH, { onRequest: begin }, (request, reply) => routes.events(request as OfrepRequest, reply));
    // Neither of these reads a body: whoever sends it has shown no key.
    fastify.options(
      '*',
      { onRequest: (request, reply, next) => routes.preflight(request as OfrepRequest, reply, next) },
      noBody,
    );
    void fastify.register((nowhere, _none, registered) => {
      nowhere.addHook('onRequest', (request, _reply, next) =>
        routes.begin(request as OfrepRequest, (error) => next(error ?? problem('not_found'))),
      );
      nowhere.setNotFoundHandler(noBody);
      registered();
    });
    done();
  };
}

/** Of routes whose hook has answered. */
function noBody(): void {}
