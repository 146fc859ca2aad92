import { EntityManager } from '@mikro-orm/postgresql';
import { type CanActivate, type ExecutionContext, Injectable, Logger } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { AuditService } from '../audit/audit.service.js';
import { asSystem, enterTenant } from '../database/tenant-context.js';
import { Actor } from '../kernel/actor.js';
import { ACCESS, type Access, type ActingRequest } from '../kernel/authorize.js';
import { Problem, problem } from '../kernel/problem.js';
import { LimitsService } from '../limits/limits.service.js';
import { AccessTokens } from './tokens/access-tokens.js';
import { RevokedSessions } from './tokens/revoked-sessions.js';

const BEARER = /^Bearer ([A-Za-z0-9._~+/=-]+)$/i;

/**
 * Decides for every route who asks and whether they may. Closed by default: a route that says nothing about access is
 * refused to everybody. A valid token costs no database: it is believed from memory while changes are heard.
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
    private readonly audit: AuditService,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<ActingRequest>();
    const access = this.accessOf(context);
    if (!access) {
      this.log.error(`${context.getClass().name}.${context.getHandler().name} says nothing about access`);
      throw problem('permission_denied');
    }
    const origin = { ip: request.ip, userAgent: request.headers['user-agent'] ?? null, requestId: request.id };
    if (access.public) {
      request.actor = Actor.anonymous(origin);
      return true;
    }
    request.actor = await this.authenticate(request, origin);
    enterTenant(this.em, request.actor);
    if (access.requirement !== 'session') await this.authorize(request, access.requirement);
    return true;
  }

  private async authenticate(request: ActingRequest, origin: Parameters<typeof Actor.anonymous>[0]): Promise<Actor> {
    try {
      const header = request.headers.authorization;
      if (header === undefined) throw problem('authentication_required', { headers: { 'www-authenticate': 'Bearer' } });
      const token = BEARER.exec(header)?.[1];
      if (token === undefined) throw problem('token_invalid');
      const { userId, sessionId } = this.tokens.verifyCached(token) ?? (await this.tokens.verify(token));
      const revoked = this.revoked.isRevoked(sessionId);
      if (revoked === true || (revoked !== false && (await revoked))) throw problem('token_invalid');
      return Actor.user(origin, { userId, sessionId });
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

  private async authorize(request: ActingRequest, requirement: string): Promise<void> {
    const { actor } = request;
    const [user] = await asSystem(this.em, (em) =>
      em.execute<{ admin: boolean }[]>(
        `select platform_role = 'admin' and status = 'active' as admin from users where id = ?`,
        [actor.userId],
      ),
    );
    if (requirement === 'platform-admin' && user?.admin === true) return;
    // Counted before the entry is written: a flood of refusals must not fill the trail.
    await this.limits.hit('api', { ip: request.ip, account: actor.userId });
    // A denied permission is remembered: its entry commits, then the refusal is thrown.
    const route = request.routeOptions.url ?? '';
    await asSystem(this.em, async () =>
      this.audit.record(actor, 'permission.denied', {
        outcome: 'failure',
        reason: requirement,
        target: { type: 'route', id: route },
      }),
    );
    throw problem('permission_denied');
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

const WRONG_TOKEN = { 'www-authenticate': 'Bearer error="invalid_token"' };
