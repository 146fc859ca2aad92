import { Module } from '@nestjs/common';
import { FeaturesModule } from '../features/features.module.js';
import { HealthController } from './health.controller.js';
import { MetricsController } from './metrics.controller.js';
import { MetricsService } from './metrics.service.js';
import { RootController } from './root.controller.js';
import { SecurityController } from './security/security.controller.js';
import { SecurityReports } from './security/security-reports.js';

/** What operators look at. */
@Module({
  imports: [FeaturesModule],
  controllers: [RootController, HealthController, MetricsController, SecurityController],
  providers: [MetricsService, SecurityReports],
})
export class AdminModule {}
