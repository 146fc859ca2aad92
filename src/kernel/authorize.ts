import { applyDecorators, createParamDecorator, SetMetadata, type ExecutionContext } from '@nestjs/common';
import { ApiBearerAuth, ApiExtension, ApiSecurity } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import type { Actor } from './actor.js';
import { ApiProblems } from './api-problems.js';
import { isScope, type Permission } from './permissions.js';

/**
 * Who may call a route: anybody signed in, a platform admin, or, where the path names an organization, any member of it
 * or who holds a permission in it.
 */
export type Requirement = 'session' | 'platform-admin' | 'member' | Permission;

export const ACCESS = Symbol('access');
export type Access =
  | { public: true; session: 'ignored' | 'optional' }
  | {
      public: false;
      requirement: Requirement;
      /** An API key has to be shown, and names the organization; no session will do. */
      keyOnly?: true;
      /** No API key will do, though one may hold the permission: the answer shows a secret. */
      sessionOnly?: boolean;
    };

/** The name of the header `X-API-Key` in the OpenAPI document. */
export const API_KEY_SCHEME = 'apiKey';

/** Opens a route to everybody. */
export const Public = (): MethodDecorator & ClassDecorator =>
  applyDecorators(
    SetMetadata(ACCESS, { public: true, session: 'ignored' } satisfies Access),
    ApiProblems('rate_limit_exceeded'),
  );

/** Opens a route to everybody; whoever sends a token is known by it, and a wrong one is refused. */
export const PublicOrSession = (): MethodDecorator =>
  applyDecorators(
    SetMetadata(ACCESS, { public: true, session: 'optional' } satisfies Access),
    // An empty requirement beside the other says that neither is needed (OpenAPI 3.0, Operation Object).
    ApiSecurity({}),
    ApiBearerAuth(),
    ApiProblems('token_invalid', 'rate_limit_exceeded'),
  );

/**
 * Says who may call a route: guard, permission and OpenAPI in one, so that they cannot disagree. A route with neither
 * this nor {@link Public} is refused to everybody.
 * @param options.sessionOnly refuses API keys, also where one could hold the permission.
 */
export const Authorize = (
  requirement: Requirement,
  { sessionOnly = false }: { sessionOnly?: boolean } = {},
): MethodDecorator & ClassDecorator =>
  applyDecorators(
    SetMetadata(ACCESS, { public: false, requirement, sessionOnly } satisfies Access),
    ApiBearerAuth(),
    ...(isScope(requirement) && !sessionOnly ? [ApiSecurity(API_KEY_SCHEME)] : []),
    ApiExtension('x-required-permission', requirement),
    ApiProblems('authentication_required', 'token_invalid', 'rate_limit_exceeded'),
    ...(requirement === 'session' ? [] : [ApiProblems('permission_denied')]),
    ...(requirement === 'session' || requirement === 'platform-admin' ? [] : [ApiProblems(...MEMBER_PROBLEMS)]),
  );

/**
 * The same for a route whose path names no organization: only an API key with this scope may call it, in whose
 * organization the actor then is. No session will do.
 */
export const AuthorizeKey = (requirement: Permission): MethodDecorator & ClassDecorator =>
  applyDecorators(
    SetMetadata(ACCESS, { public: false, requirement, keyOnly: true } satisfies Access),
    ApiBearerAuth(),
    ApiSecurity(API_KEY_SCHEME),
    ApiExtension('x-required-permission', requirement),
    ApiExtension(KEY_ONLY_EXTENSION, true),
    ApiProblems(
      'authentication_required',
      'token_invalid',
      'rate_limit_exceeded',
      'permission_denied',
      'organization_inactive',
      'ip_not_allowed',
    ),
  );

/** Marks an operation until `openapi.ts` says in words that it takes a key. */
export const KEY_ONLY_EXTENSION = 'x-key-only';

/** What stands in the way of a member as such: the state of the organization, and its policies. */
const MEMBER_PROBLEMS = [
  'not_found',
  'organization_inactive',
  'reauthentication_required',
  'sign_in_method_not_allowed',
  'ip_not_allowed',
] as const;

/** What the global guard leaves on the request. */
export interface ActingRequest extends FastifyRequest {
  actor: Actor;
}

/** The {@link Actor} of this request, as a parameter. */
export const CurrentActor = createParamDecorator(
  (_: unknown, context: ExecutionContext): Actor => context.switchToHttp().getRequest<ActingRequest>().actor,
);
