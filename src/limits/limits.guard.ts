import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ActingRequest } from '../kernel/authorize.js';
import { DEFAULT_LIMIT, LIMIT, type RouteLimit } from './limit.decorator.js';
import { LimitsService } from './limits.service.js';

type Handler = ReturnType<ExecutionContext['getHandler']>;
type Controller = ReturnType<ExecutionContext['getClass']>;

/** A route's limit and the name under which it is counted: the handler's, so that no spelling of a path evades it. */
interface Plan {
  limit: RouteLimit;
  route: string;
}

/** Holds every request against its limit. Runs after the authentication guard, which says who asks. */
@Injectable()
export class LimitsGuard implements CanActivate {
  // By class too: two controllers may inherit one handler.
  private readonly plans = new WeakMap<Controller, Map<Handler, Plan>>();

  constructor(
    private readonly limits: LimitsService,
    private readonly reflector: Reflector,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    if (!this.limits.enabled) return true;
    const { limit, route } = this.planOf(context.getClass(), context.getHandler());
    if (limit === null) return true;
    const http = context.switchToHttp();
    const request = http.getRequest<FastifyRequest & Partial<Pick<ActingRequest, 'actor'>>>();
    const headers = await this.limits.hit(
      limit.kind,
      {
        ip: request.ip,
        account: request.actor?.userId ?? request.actor?.serviceAccountId,
        key: request.actor?.apiKey?.id,
        recipient: (request.body as { email?: unknown } | null | undefined)?.email,
        route,
      },
      limit.by,
    );
    void http.getResponse<FastifyReply>().headers(headers);
    return true;
  }

  private planOf(controller: Controller, handler: Handler): Plan {
    let plans = this.plans.get(controller);
    if (!plans) this.plans.set(controller, (plans = new Map()));
    let plan = plans.get(handler);
    if (!plan) {
      const limit = this.reflector.getAllAndOverride<RouteLimit | undefined>(LIMIT, [handler, controller]);
      plan = { limit: limit === undefined ? DEFAULT_LIMIT : limit, route: `${controller.name}.${handler.name}` };
      plans.set(handler, plan);
    }
    return plan;
  }
}
