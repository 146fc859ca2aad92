import {
  DriverException,
  ForeignKeyConstraintViolationException,
  UniqueConstraintViolationException,
} from '@mikro-orm/core';
import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Logger } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Env } from '../../config/env.js';
import { errors, type ErrorCode } from './errors.js';
import { WaitedTooLong } from './places.js';
import { Problem, problem } from './problem.js';

/** Turns whatever was thrown into application/problem+json (RFC 9457); what is ours to mend is logged, never shown. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly log = new Logger('error');

  /**
   * @param before what has to be done before a refusal is told, such as committing its entry in the trail; nothing for
   * most. When it fails, that is the answer.
   */
  constructor(
    private readonly env: Env,
    private readonly before: (refusal: Problem, request: FastifyRequest) => Promise<unknown> | undefined = () =>
      undefined,
  ) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const reply = http.getResponse<FastifyReply>();
    const first = error instanceof Problem ? this.before(error, request) : undefined;
    if (!first) return this.answer(error, request, reply);
    void first.then(
      () => this.answer(error, request, reply),
      (failure: unknown) => this.answer(failure, request, reply),
    );
  }

  private answer(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
    const answer = toProblem(error);
    if (answer.status >= 500) this.log.error({ requestId: request.id, code: answer.code, err: error }, answer.detail);
    if (!reply.sent) sendProblem(this.env, request, reply, answer);
  }
}

/** Answers with a problem; the one place that knows its shape. @param more members for a reader of its own kind. */
export function sendProblem(
  env: Env,
  request: FastifyRequest,
  reply: FastifyReply,
  answer: Problem,
  more: Record<string, string> = {},
): void {
  void reply
    .status(answer.status)
    .headers(answer.headers)
    .header('content-type', 'application/problem+json; charset=utf-8')
    .header('cache-control', 'no-store')
    .send({
      type: `${env.publicUrl}/docs/errors#${answer.code}`,
      title: answer.title,
      status: answer.status,
      detail: answer.detail,
      code: answer.code,
      requestId: request.id,
      ...(answer.errors && { errors: answer.errors }),
      ...more,
    });
}

const BY_STATUS: Record<number, ErrorCode> = {
  400: 'malformed_json',
  401: 'authentication_required',
  403: 'permission_denied',
  404: 'not_found',
  405: 'not_found',
  409: 'conflict',
  412: 'precondition_failed',
  413: 'payload_too_large',
  415: 'unsupported_media_type',
  429: 'rate_limit_exceeded',
  502: 'external_service_failed',
  503: 'service_unavailable',
};

/** The problem that an error is to its caller. */
export function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (isHeldUp(error))
    return problem('service_unavailable', {
      detail: 'Others are changing this for longer than you can wait; nothing was done, try again',
      headers: { 'retry-after': '2' },
      cause: error,
    });
  if (isUnavailable(error)) return problem('service_unavailable', { headers: { 'retry-after': '1' }, cause: error });
  if (error instanceof UniqueConstraintViolationException) return problem('conflict', { cause: error });
  if (isOrganizationGone(error)) return problem('not_found', { cause: error });
  const status = error instanceof HttpException ? error.getStatus() : (error as { statusCode?: number })?.statusCode;
  const code = status === undefined ? undefined : BY_STATUS[status];
  if (code) return problem(code, { detail: errors[code].title, cause: error });
  if (status !== undefined && status >= 400 && status < 500) return problem('validation_failed', { cause: error });
  return problem('internal_error', { cause: error });
}

// 57P01..03: the server is shutting down or starting; 53300: too many connections; 08*: the connection broke, but for
// 08P01, a message that the server could not read: trying it again changes nothing.
// 40001 and 40P01: rolled back because of another transaction, to be tried again. 57014: the operator, or their
// statement_timeout, has cancelled the statement.
const UNAVAILABLE_STATES = /^(57014|57P0[1-3]|53300|40001|40P01|08(?!P01)...)$/;
const UNAVAILABLE_SYSTEM = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN']);
// pg raises these without a code.
const UNAVAILABLE_MESSAGE =
  /Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|not queryable|Cannot use a pool after calling end/;

/** Whether others held for too long what was needed: a place in this process, or a lock (55P03, lock_not_available). */
function isHeldUp(error: unknown): boolean {
  return error instanceof WaitedTooLong || (error as { code?: unknown } | null)?.code === '55P03';
}

/** Whether something was put into an organization that was removed for good since the guard let the caller in. */
function isOrganizationGone(error: unknown): boolean {
  if (!(error instanceof ForeignKeyConstraintViolationException)) return false;
  return (error as { constraint?: string }).constraint?.endsWith('_organization_id_foreign') === true;
}

/** Whether an error means that the database cannot be reached now, so that trying again is right. */
export function isUnavailable(error: unknown): boolean {
  for (let cause: unknown = error, depth = 0; cause instanceof Error && depth < 5; cause = cause.cause, depth += 1) {
    const { code, message } = cause as Error & { code?: unknown };
    if (typeof code === 'string' && (UNAVAILABLE_STATES.test(code) || UNAVAILABLE_SYSTEM.has(code))) return true;
    if (UNAVAILABLE_MESSAGE.test(message)) return true;
    if (cause instanceof DriverException && cause.message.includes('terminating connection')) return true;
  }
  return false;
}
