import { applyDecorators, type Type } from '@nestjs/common';
import { ApiExtraModels, ApiOkResponse, getSchemaPath } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';

// Its own style attributes, and nothing else: no script, no address, no frame, no form.
const POLICY = [
  "default-src 'none'",
  "style-src 'unsafe-inline'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  'sandbox',
].join('; ');

/** Of a route that answers `view`, or by `Accept: text/html` a page that is drawn of it. */
export const ApiDataOrPage = (view: Type): MethodDecorator =>
  applyDecorators(
    ApiExtraModels(view),
    ApiOkResponse({
      content: {
        'application/json': { schema: { $ref: getSchemaPath(view) } },
        'text/html': { schema: { type: 'string' }, example: '<!doctype html>' },
      },
    }),
  );

/**
 * Answers a page in place of its data where one is wanted. The page runs and loads nothing.
 * @param draw the page in HTML; null while there is none.
 */
export function dataOrPage<T>(reply: FastifyReply, data: T, draw: (data: T) => string | null): T | string {
  void reply.headers({ 'cache-control': 'no-store', vary: 'Accept' });
  const page = wantsPage(reply.request.headers.accept) ? draw(data) : null;
  if (page === null) return data;
  void reply.headers({ 'content-type': 'text/html; charset=utf-8', 'content-security-policy': POLICY });
  return page;
}

/**
 * Whether a page is wanted rather than data (RFC 9110, 12.5.1): HTML is named, and weighs at least as much as JSON.
 * A browser names it; a client that takes anything gets data.
 */
export function wantsPage(accept = ''): boolean {
  const weights = new Map(
    accept
      .toLowerCase()
      .split(',')
      .map((range) => {
        const [name, ...parameters] = range.split(';').map((part) => part.trim());
        const q = parameters.find((parameter) => parameter.startsWith('q='));
        return [name!, q === undefined ? 1 : Number(q.slice(2))];
      }),
  );
  const html = weights.get('text/html') ?? 0;
  return html > 0 && html >= (weights.get('application/json') ?? 0);
}
