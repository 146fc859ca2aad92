import { Controller, Get, Header, Res } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Public } from '../kernel/authorize.js';
import { Readiness } from '../kernel/readiness.js';
import { Unlimited } from '../limits/limit.decorator.js';
import { VERSION } from '../kernel/version.js';
import { HealthView, LiveView, ReadyView } from './health.view.js';

/** Never let a probe of health wait longer than a load balancer would. */
const PROBE_TIMEOUT_MS = 2_000;

@ApiTags('System')
@Unlimited()
@Controller('health')
export class HealthController {
  constructor(private readonly readiness: Readiness) {}

  /** Whether Tenon can serve requests: the process is ready and its database answers. */
  @Get()
  @Public()
  @Header('cache-control', 'no-store')
  @ApiResponse({ status: 503, type: HealthView, description: 'Unhealthy' })
  async health(@Res({ passthrough: true }) reply: FastifyReply): Promise<HealthView> {
    const { ready } = await this.state();
    if (!ready) void reply.status(503);
    return { status: ready ? 'healthy' : 'unhealthy', timestamp: new Date().toISOString(), version: VERSION };
  }

  /** Whether the process runs; says nothing of its dependencies. */
  @Get('live')
  @Public()
  @Header('cache-control', 'no-store')
  live(): LiveView {
    return { status: 'alive' };
  }

  /** Whether requests may be sent here, with the state of each dependency. */
  @Get('ready')
  @Public()
  @Header('cache-control', 'no-store')
  @ApiResponse({ status: 503, type: ReadyView, description: 'Not ready' })
  async ready(@Res({ passthrough: true }) reply: FastifyReply): Promise<ReadyView> {
    const { ready, dependencies } = await this.state();
    if (!ready) void reply.status(503);
    return { ready, waitingFor: this.readiness.waitingFor, dependencies };
  }

  private async state(): Promise<Pick<ReadyView, 'ready' | 'dependencies'>> {
    const dependencies = await this.readiness.report(PROBE_TIMEOUT_MS);
    const down = Object.values(dependencies).some(({ state }) => state === 'down');
    return { ready: this.readiness.ready && !down, dependencies };
  }
}
