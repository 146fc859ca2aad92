import { createServer } from 'node:http';
import type { Socket } from 'node:net';
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
    const unused = new Set<Socket>();
    const server = createServer((request, response) => {
      unused.delete(request.socket);
      if (BELOW_OFREP.test(request.url!)) ofrep.routing(request, response);
      else application(request, response);
    });
    server.on('connection', (socket) => {
      unused.add(socket);
      socket.once('close', () => unused.delete(socket));
    });
    // A connection on which no request has come is not idle to Node: closing would wait for it until its client goes.
    const close = server.close.bind(server);
    server.close = (closed) => {
      close(closed);
      for (const socket of unused) socket.destroy();
      return server;
    };
    // What Fastify sets on a server that it makes itself.
    Object.assign(server, { keepAliveTimeout: options.keepAliveTimeout, requestTimeout: options.requestTimeout });
    return server;
  };
}
