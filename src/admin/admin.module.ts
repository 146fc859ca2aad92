import { Module } from '@nestjs/common';
import { HealthController } from './health.controller.js';
import { MetricsController } from './metrics.controller.js';
import { MetricsService } from './metrics.service.js';
import { RootController } from './root.controller.js';

/** What operators look at. */
@Module({ controllers: [RootController, HealthController, MetricsController], providers: [MetricsService] })
export class AdminModule {}
