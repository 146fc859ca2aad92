import { EntityManager } from '@mikro-orm/postgresql';
import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import { catchError, from, mergeMap, type Observable, throwError } from 'rxjs';
import { AuditService } from '../audit/audit.service.js';
import { asSystem } from '../database/tenant-context.js';
import type { Actor } from '../kernel/actor.js';
import type { ActingRequest } from '../kernel/authorize.js';
import { isPermission } from '../kernel/permissions.js';
import { Problem, problem } from '../kernel/problem.js';
import { LimitsService } from '../limits/limits.service.js';

/** Denied permissions: a refusal that counts is kept, also where a service and not the guard refuses. */
@Injectable()
export class Denials implements NestInterceptor {
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
    await this.limits.hit('api', { ip: request.ip, account: actor.userId });
    await asSystem(this.em, async () =>
      this.audit.record(actor, 'permission.denied', { outcome: 'failure', reason, target }),
    );
    return problem('permission_denied', { detail: missing(reason) });
  }

  /** Remembers what a service denied after its transaction was rolled back. */
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(
      catchError((error: unknown) => {
        if (!(error instanceof Problem && error.code === 'permission_denied')) return throwError(() => error);
        const request = context.switchToHttp().getRequest<ActingRequest>();
        return from(this.remember(request.actor, request, error.detail)).pipe(mergeMap(() => throwError(() => error)));
      }),
    );
  }
}

/** What to ask an admin for; nothing where the title says it all. */
function missing(reason: string): string | undefined {
  if (isPermission(reason)) return `It takes the permission ${reason}`;
  return reason === 'platform-admin' ? 'Only platform admins may do this' : undefined;
}
