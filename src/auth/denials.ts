import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { AuditService } from '../audit/audit.service.js';
import { asSystem } from '../database/tenant-context.js';
import type { Actor } from '../kernel/actor.js';
import type { ActingRequest } from '../kernel/authorize.js';
import { isPermission } from '../kernel/permissions.js';
import { type Problem, problem } from '../kernel/problem.js';
import { LimitsService } from '../limits/limits.service.js';

/** Denied permissions: a refusal that counts is kept, also where a service and not the guard refuses. */
@Injectable()
export class Denials {
  private readonly remembered = new WeakSet<Problem>();

  constructor(
    private readonly em: EntityManager,
    private readonly limits: LimitsService,
    private readonly audit: AuditService,
  ) {}

  /**
   * Commits the entry of a denial.
   * @param reason what was missing: a requirement of the route; or what stood in the way: a code, or a sentence of the
   * service that refused.
   * @returns the refusal to throw.
   */
  async remember(
    actor: Actor,
    request: ActingRequest,
    reason: string,
    target = { type: 'route', id: `${request.method} ${request.routeOptions.url ?? ''}` },
  ): Promise<Problem> {
    // Counted before the entry is written: a flood of refusals must not fill the trail.
    await this.limits.hit('api', { ip: request.ip, account: actor.userId ?? actor.serviceAccountId });
    await asSystem(this.em, async () =>
      this.audit.record(actor, 'permission.denied', { outcome: 'failure', reason, target }),
    );
    const refusal = problem('permission_denied', { detail: missing(reason) });
    this.remembered.add(refusal);
    return refusal;
  }

  /**
   * Remembers what a service denied, once its transaction was rolled back. On the way of errors alone: as an interceptor
   * it took 5 of the 45 µs of every request.
   * @returns undefined when there is nothing (more) to remember.
   */
  before(refusal: Problem, request: FastifyRequest): Promise<Problem> | undefined {
    if (refusal.code !== 'permission_denied' || this.remembered.has(refusal)) return undefined;
    const acting = request as ActingRequest;
    return this.remember(acting.actor, acting, refusal.detail);
  }
}

/** What somebody has to be, or to show. */
const STANDINGS: ReadonlyMap<string, string> = new Map([
  ['platform-admin', 'Only platform admins may do this'],
  ['session', 'It takes a session: an API key cannot do this'],
  ['api-key', 'It takes an API key: a session cannot do this'],
]);

/** What to ask an admin for; nothing where the title says it all. */
function missing(reason: string): string | undefined {
  if (isPermission(reason)) return `It takes the permission ${reason}`;
  return STANDINGS.get(reason);
}
