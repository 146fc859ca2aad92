import { Module } from '@nestjs/common';
import { AuthModule } from '../auth/auth.module.js';
import { FeaturesModule } from '../features/features.module.js';
import { HealthController } from './health.controller.js';
import { JobBoard } from './job-board/job-board.js';
import { JobBoardController } from './job-board/job-board.controller.js';
import { MetricsController } from './metrics.controller.js';
import { MetricsService } from './metrics.service.js';
import { RootController } from './root.controller.js';
import { SecurityController } from './security/security.controller.js';
import { SecurityReports } from './security/security-reports.js';

/** What operators look at. */
@Module({
  imports: [AuthModule, FeaturesModule],
  controllers: [RootController, HealthController, MetricsController, SecurityController, JobBoardController],
  providers: [MetricsService, SecurityReports, JobBoard],
  exports: [JobBoard],
})
export class AdminModule {}
