import { createServer } from 'node:http';
import type { FastifyInstance, FastifyServerFactory } from 'fastify';

/** An address may be written with scheme and host (RFC 9112, 3.2.2). */
const BELOW_OFREP = /^(?:https?:\/\/[^/]*)?\/ofrep\//i;

/**
 * A server in which an instance of Fastify answers what is below /ofrep/, beside the application's own. One instance does
 * not do: what is added to it later reaches every context within, and Nest's adapter alone adds six hooks (ADR 23).
 * @returns a factory for the options of the application's own instance.
 */
export function beside(ofrep: FastifyInstance): FastifyServerFactory {
  return (application, options) => {
    const server = createServer((request, response) => {
      if (BELOW_OFREP.test(request.url!)) ofrep.routing(request, response);
      else application(request, response);
    });
    // What Fastify sets on a server that it makes itself.
    Object.assign(server, { keepAliveTimeout: options.keepAliveTimeout, requestTimeout: options.requestTimeout });
    return server;
  };
}
