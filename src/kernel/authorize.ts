import { applyDecorators, createParamDecorator, SetMetadata, type ExecutionContext } from '@nestjs/common';
import { ApiBearerAuth, ApiExtension } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import type { Actor } from './actor.js';
import { ApiProblems } from './api-problems.js';

/** Who may call a route: anybody signed in, a platform admin, or who holds a permission. */
export type Requirement = 'session' | 'platform-admin' | `${string}:${string}`;

export const ACCESS = Symbol('access');
export type Access = { public: true } | { public: false; requirement: Requirement };

/** Opens a route to everybody. */
export const Public = (): MethodDecorator & ClassDecorator =>
  applyDecorators(SetMetadata(ACCESS, { public: true } satisfies Access), ApiProblems('rate_limit_exceeded'));

/**
 * Says who may call a route: guard, permission and OpenAPI in one, so that they cannot disagree. A route with neither
 * this nor {@link Public} is refused to everybody.
 */
export const Authorize = (requirement: Requirement): MethodDecorator & ClassDecorator =>
  applyDecorators(
    SetMetadata(ACCESS, { public: false, requirement } satisfies Access),
    ApiBearerAuth(),
    ApiExtension('x-required-permission', requirement),
    requirement === 'session'
      ? ApiProblems('authentication_required', 'token_invalid', 'rate_limit_exceeded')
      : ApiProblems('authentication_required', 'token_invalid', 'permission_denied', 'rate_limit_exceeded'),
  );

/** What the global guard leaves on the request. */
export interface ActingRequest extends FastifyRequest {
  actor: Actor;
}

/** The {@link Actor} of this request, as a parameter. */
export const CurrentActor = createParamDecorator(
  (_: unknown, context: ExecutionContext): Actor => context.switchToHttp().getRequest<ActingRequest>().actor,
);
