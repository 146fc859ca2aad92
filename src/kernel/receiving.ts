import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Env } from '../../config/env.js';
import { readForwardedFor } from './forwarded-for.js';
import { parseJsonBody } from './json-body.js';
import { problem } from './problem.js';
import type { Readiness } from './readiness.js';

/** Bodies are JSON and nothing else. Fastify reads text/plain too, unless it is told not to. @param read gives what a body is. */
export function takeJsonOnly(
  fastify: FastifyInstance,
  read: (body: Buffer, request: FastifyRequest) => unknown = parseJsonBody,
): void {
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    try {
      done(null, read(body as Buffer, request));
    } catch (error) {
      done(error as Error);
    }
  });
}

/** Reads X-Forwarded-For as it is meant; before anybody asks for the address of the request. */
export function readForwarded({ trustProxy }: Env, { raw }: FastifyRequest): void {
  const forwardedFor = raw.headers['x-forwarded-for'];
  if (trustProxy && typeof forwardedFor === 'string') raw.headers['x-forwarded-for'] = readForwardedFor(forwardedFor);
}

/** @throws Problem for what no route takes. */
export function refuseUnreadable(request: FastifyRequest): void {
  // Fastify does not decompress; a compressed body is refused instead of being read as text.
  const encoding = request.headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity')
    throw problem('unsupported_media_type', { detail: 'Compressed bodies are not taken' });
  // PostgreSQL's protocol ends a text at NUL: what follows it would be read as a broken message.
  if (request.url.includes('%00')) throw problem('validation_failed', { detail: 'The address holds a NUL' });
}

/** @throws Problem `service_unavailable` while this process cannot answer yet, or any more. */
export function refuseUnready(readiness: Readiness): void {
  if (readiness.ready) return;
  throw problem('service_unavailable', {
    detail: `Waiting for: ${readiness.waitingFor ?? 'stop'}`,
    headers: { 'retry-after': '1' },
  });
}
