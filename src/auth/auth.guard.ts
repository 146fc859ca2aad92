import { EntityManager } from '@mikro-orm/postgresql';
import { type CanActivate, type ExecutionContext, Injectable, Logger } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { enterTenant } from '../database/tenant-context.js';
import { Actor, type Origin } from '../kernel/actor.js';
import { ACCESS, type Access, type ActingRequest } from '../kernel/authorize.js';
import { Problem, problem } from '../kernel/problem.js';
import { LimitsService } from '../limits/limits.service.js';
import { looksLikeApiKey } from './api-keys/key-format.js';
import { KeyAuthorization, type KeyHolder } from './api-keys/key-authorization.js';
import { Authorization } from './authorization.js';
import { countRefused, credentialOf } from './credentials.js';
import { Denials } from './denials.js';
import type { AccessClaims } from './tokens/access-claims.js';
import { AccessTokens } from './tokens/access-tokens.js';
import { RevokedSessions } from './tokens/revoked-sessions.js';

/** Who asks; with the organization of the key, where it is a key that they show. */
type Caller = { actor: Actor; organization?: undefined } | KeyHolder;

/**
 * Decides for every route who asks and whether they may. Closed by default: a route that says nothing about access is
 * refused to everybody. A valid token or API key and a member's permission cost no database: they are believed from
 * memory while changes are heard.
 */
@Injectable()
export class AuthGuard implements CanActivate {
  private readonly log = new Logger('auth');
  private readonly access = new WeakMap<object, Access | null>();

  constructor(
    private readonly em: EntityManager,
    private readonly reflector: Reflector,
    private readonly tokens: AccessTokens,
    private readonly revoked: RevokedSessions,
    private readonly limits: LimitsService,
    private readonly authorization: Authorization,
    private readonly keys: KeyAuthorization,
    private readonly denials: Denials,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<ActingRequest>();
    const access = this.accessOf(context);
    if (!access) {
      this.log.error(`${context.getClass().name}.${context.getHandler().name} says nothing about access`);
      throw problem('permission_denied');
    }
    await this.admit(request, access);
    return true;
  }

  /** Finds out who asks, and whether they may; for what is no route of Nest, too. @throws Problem */
  async admit(request: ActingRequest, access: Access): Promise<void> {
    const origin = { ip: request.ip, userAgent: request.headers['user-agent'] ?? null, requestId: request.id };
    if (access.public && (access.session === 'ignored' || showsNothing(request))) {
      request.actor = Actor.anonymous(origin);
      return;
    }
    const caller = await this.authenticate(request, origin);
    request.actor = caller.actor;
    if (caller.organization) await this.keys.pass(request, access, caller.organization);
    else if (!access.public) {
      if (access.keyOnly) throw await this.denials.remember(request.actor, request, 'api-key');
      const passing = this.authorization.pass(request, access.requirement);
      request.actor = passing instanceof Promise ? await passing : passing;
    }
    enterTenant(this.em, request.actor);
  }

  private async authenticate(request: ActingRequest, origin: Origin): Promise<Caller> {
    try {
      const text = credentialOf(request);
      if (looksLikeApiKey(text)) return await this.keys.identify(text, origin);
      const claims = this.tokens.verifyCached(text) ?? (await this.tokens.verify(text));
      const revoked = this.revoked.isRevoked(claims.sessionId);
      if (revoked === true || (revoked !== false && (await revoked))) throw problem('token_invalid');
      return { actor: actorOf(claims, origin) };
    } catch (error) {
      throw error instanceof Problem && error.status === 401
        ? await countRefused(error, this.limits, request.ip)
        : error;
    }
  }

  private accessOf(context: ExecutionContext): Access | null {
    const handler = context.getHandler();
    let access = this.access.get(handler);
    if (access === undefined) {
      access = this.reflector.getAllAndOverride<Access | undefined>(ACCESS, [handler, context.getClass()]) ?? null;
      this.access.set(handler, access);
    }
    return access;
  }
}

function showsNothing({ headers }: ActingRequest): boolean {
  return headers.authorization === undefined && headers['x-api-key'] === undefined;
}

function actorOf(claims: AccessClaims, origin: Origin): Actor {
  // The claims are frozen and shared by every request with the same token: no copy of them is made.
  return Actor.user(origin, { userId: claims.userId, sessionId: claims.sessionId, signIn: claims });
}
