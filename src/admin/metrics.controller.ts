import { createHash, timingSafeEqual } from 'node:crypto';
import { Controller, Get, Header, Headers } from '@nestjs/common';
import { ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { Env } from '../../config/env.js';
import { ApiProblems } from '../kernel/api-problems.js';
import { Public } from '../kernel/authorize.js';
import { problem } from '../kernel/problem.js';
import { Unlimited } from '../limits/limit.decorator.js';
import { MetricsService } from './metrics.service.js';

const TEXT = 'text/plain; version=0.0.4; charset=utf-8';

@ApiTags('System')
@Unlimited()
@Controller('metrics')
export class MetricsController {
  constructor(
    private readonly env: Env,
    private readonly metrics: MetricsService,
  ) {}

  /** Figures for Prometheus. With METRICS_TOKEN set, it is asked for as a bearer token. */
  @Get()
  @Public()
  @Header('content-type', TEXT)
  @Header('cache-control', 'no-store')
  @ApiOkResponse({
    description: 'Text format of Prometheus',
    content: { 'text/plain': { schema: { type: 'string', example: 'tenon_outbox_pending 0' } } },
  })
  @ApiProblems('authentication_required', 'token_invalid')
  async readMetrics(@Headers('authorization') authorization: string | undefined): Promise<string> {
    requireToken(this.env.metricsToken, authorization);
    return this.metrics.read();
  }
}

/** @throws Problem `authentication_required`, `token_invalid`. */
function requireToken(token: string | undefined, authorization: string | undefined): void {
  if (token === undefined) return;
  if (authorization === undefined)
    throw problem('authentication_required', { headers: { 'www-authenticate': 'Bearer' } });
  // Hashed, so that both have one length and the time of the comparison tells nothing.
  if (!timingSafeEqual(sha256(authorization), sha256(`Bearer ${token}`)))
    throw problem('token_invalid', { headers: { 'www-authenticate': 'Bearer error="invalid_token"' } });
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
