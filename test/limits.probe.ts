import { Body, type CanActivate, Controller, type ExecutionContext, Get, Module, Post } from '@nestjs/common';
import { APP_GUARD, NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import supertest from 'supertest';
import { loadEnv } from '../config/env.js';
import { DatabaseModule } from '../src/database/database.module.js';
import { entities } from '../src/entities.js';
import { JobsModule } from '../src/jobs/jobs.module.js';
import { Actor } from '../src/kernel/actor.js';
import type { ActingRequest } from '../src/kernel/authorize.js';
import { KernelModule } from '../src/kernel/kernel.module.js';
import { ProblemFilter } from '../src/kernel/problem.filter.js';
import { Limit, Unlimited } from '../src/limits/limit.decorator.js';
import { LimitsGuard } from '../src/limits/limits.guard.js';
import { LimitsModule } from '../src/limits/limits.module.js';
import { TEST_KEYS } from './harness/app.js';

@Controller('probe')
class ProbeController {
  @Get()
  plain(): string {
    return 'plain';
  }

  @Post('mail')
  @Limit('auth', { by: ['ip', 'recipient'] })
  mail(@Body() _body: unknown): string {
    return 'mail';
  }

  @Post('other-mail')
  @Limit('auth', { by: ['ip', 'recipient'] })
  otherMail(@Body() _body: unknown): string {
    return 'other mail';
  }

  @Post('strict')
  @Limit('strict')
  strict(): string {
    return 'strict';
  }

  @Get('health')
  @Unlimited()
  health(): string {
    return 'health';
  }
}

/** Signs in whom a header names. */
class ActorGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<ActingRequest>();
    const origin = { ip: request.ip, userAgent: null, requestId: null };
    const userId = request.headers['x-test-user'];
    request.actor =
      typeof userId === 'string' ? Actor.user(origin, { userId, sessionId: null }) : Actor.anonymous(origin);
    return true;
  }
}

export interface Probe {
  app: NestFastifyApplication;
  http: ReturnType<typeof supertest>;
}

/** Routes of each sort behind the real guard, with the router and the proxy settings of the application. */
export async function startProbe(databaseUrl: string, env: Record<string, string> = {}): Promise<Probe> {
  const environment = loadEnv({ NODE_ENV: 'test', DATABASE_URL: databaseUrl, DATABASE_POOL_SIZE: '2', ...env });
  @Module({
    imports: [
      KernelModule.forRoot(environment, TEST_KEYS),
      DatabaseModule.forRoot(environment, entities, []),
      JobsModule,
      LimitsModule,
    ],
    controllers: [ProbeController],
    providers: [
      { provide: APP_GUARD, useClass: ActorGuard },
      { provide: APP_GUARD, useExisting: LimitsGuard },
    ],
  })
  class ProbeModule {}
  const adapter = new FastifyAdapter({
    trustProxy: environment.trustProxy,
    exposeHeadRoutes: false,
    routerOptions: { ignoreTrailingSlash: false, ignoreDuplicateSlashes: false, caseSensitive: true },
  });
  const app = await NestFactory.create<NestFastifyApplication>(ProbeModule, adapter, {
    logger: false,
    abortOnError: false,
  });
  app.useGlobalFilters(new ProblemFilter(environment));
  await app.listen(0, '127.0.0.1');
  return { app, http: supertest(await app.getUrl()) };
}
