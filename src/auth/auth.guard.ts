import { EntityManager } from '@mikro-orm/postgresql';
import { type CanActivate, type ExecutionContext, Injectable, Logger } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { enterTenant } from '../database/tenant-context.js';
import { Actor, type Origin } from '../kernel/actor.js';
import { ACCESS, type Access, type ActingRequest } from '../kernel/authorize.js';
import { Problem, problem } from '../kernel/problem.js';
import { LimitsService } from '../limits/limits.service.js';
import { Authorization } from './authorization.js';
import type { AccessClaims } from './tokens/access-claims.js';
import { AccessTokens } from './tokens/access-tokens.js';
import { RevokedSessions } from './tokens/revoked-sessions.js';

const BEARER = /^Bearer ([A-Za-z0-9._~+/=-]+)$/i;

/**
 * Decides for every route who asks and whether they may. Closed by default: a route that says nothing about access is
 * refused to everybody. A valid token and a member's permission cost no database: they are believed from memory while
 * changes are heard.
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
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<ActingRequest>();
    const access = this.accessOf(context);
    if (!access) {
      this.log.error(`${context.getClass().name}.${context.getHandler().name} says nothing about access`);
      throw problem('permission_denied');
    }
    const origin = { ip: request.ip, userAgent: request.headers['user-agent'] ?? null, requestId: request.id };
    if (access.public && (access.session === 'ignored' || request.headers.authorization === undefined)) {
      request.actor = Actor.anonymous(origin);
      return true;
    }
    const claims = await this.authenticate(request);
    request.actor = actorOf(claims, origin);
    if (!access.public) {
      const passing = this.authorization.pass(request, access.requirement);
      request.actor = passing instanceof Promise ? await passing : passing;
    }
    enterTenant(this.em, request.actor);
    return true;
  }

  private async authenticate(request: ActingRequest): Promise<AccessClaims> {
    try {
      const header = request.headers.authorization;
      if (header === undefined) throw problem('authentication_required', { headers: { 'www-authenticate': 'Bearer' } });
      const token = BEARER.exec(header)?.[1];
      if (token === undefined) throw problem('token_invalid');
      const claims = this.tokens.verifyCached(token) ?? (await this.tokens.verify(token));
      const revoked = this.revoked.isRevoked(claims.sessionId);
      if (revoked === true || (revoked !== false && (await revoked))) throw problem('token_invalid');
      return claims;
    } catch (error) {
      // A flood of tokens that do not fit meets a limit too.
      if (error instanceof Problem && error.status === 401)
        Object.assign(
          error.headers,
          error.code === 'token_invalid' && WRONG_TOKEN,
          await this.limits.hit('api', { ip: request.ip, route: 'unauthenticated' }, ['ip']),
        );
      throw error;
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

function actorOf(claims: AccessClaims, origin: Origin): Actor {
  // The claims are frozen and shared by every request with the same token: no copy of them is made.
  return Actor.user(origin, { userId: claims.userId, sessionId: claims.sessionId, signIn: claims });
}

const WRONG_TOKEN = { 'www-authenticate': 'Bearer error="invalid_token"' };
