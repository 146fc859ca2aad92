import {
  applyDecorators,
  type CallHandler,
  createParamDecorator,
  type ExecutionContext,
  Injectable,
  type NestInterceptor,
  UseInterceptors,
} from '@nestjs/common';
import { ApiExtension, ApiHeader } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { map, type Observable } from 'rxjs';
import { ApiProblems } from './api-problems.js';
import { problem } from './problem.js';

/** A version that somebody read, as an entity tag (RFC 9110, 8.8.3): one spelling for a number. 0 is what is not there yet. */
const TAG = /^"(0|[1-9]\d{0,8})"$/;

/**
 * The version that the caller read, from the header `If-Match`; null when it is left out or `*`, and the write goes
 * through whatever the version is by now.
 * @throws Problem `precondition_failed` for what is none of our tags, and so can match nothing: a weak one (RFC 9110,
 * 13.1.1 compares strongly), or a list, of which nobody can have read more than one.
 */
export const IfMatch = createParamDecorator((_: unknown, context: ExecutionContext): number | null => {
  const header = context.switchToHttp().getRequest<FastifyRequest>().headers['if-match'];
  if (header === undefined || header === '*') return null;
  const version = TAG.exec(header)?.[1];
  if (version === undefined)
    throw problem('precondition_failed', { detail: 'If-Match takes one ETag as it was read, such as "3"' });
  return Number(version);
});

/** Sends the `version` of an answer as its ETag; what was deleted has none. */
@Injectable()
class VersionAsTag implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler<{ version: number } | undefined>): Observable<unknown> {
    const reply = context.switchToHttp().getResponse<FastifyReply>();
    return next.handle().pipe(
      map((body) => {
        if (body) void reply.header('etag', `"${body.version}"`);
        return body;
      }),
    );
  }
}

/** Marks an operation until `openapi.ts` turns it into the header of its answers. */
export const VERSIONED_EXTENSION = 'x-versioned';

/** Of a route that answers something with a `version`: it stands as ETag, too. */
export const Versioned = (): MethodDecorator =>
  applyDecorators(UseInterceptors(VersionAsTag), ApiExtension(VERSIONED_EXTENSION, true));

/** Of a route that changes something with a `version`: an `If-Match` of an older one is 412, so that no write is lost. */
export const VersionedWrite = (): MethodDecorator =>
  applyDecorators(
    Versioned(),
    ApiHeader({
      name: 'If-Match',
      required: false,
      description: 'The `ETag` that you read. If somebody changed it since, the answer is 412 and nothing is written.',
    }),
    ApiProblems('precondition_failed'),
  );
