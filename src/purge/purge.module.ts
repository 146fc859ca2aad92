import { Module } from '@nestjs/common';
import { AuthModule } from '../auth/auth.module.js';
import { PurgeRules } from '../database/purge-rules.js';
import { PurgeController } from './purge.controller.js';
import { PurgeRunner } from './purge-runner.js';
import { PurgeService } from './purge.service.js';
import { PurgeVerification } from './purge-verification.js';

/** The guarded removal of test data, or of everything: planned, confirmed, verified. */
@Module({
  imports: [AuthModule],
  controllers: [PurgeController],
  providers: [PurgeService, PurgeRunner, PurgeVerification],
})
export class PurgeModule {
  constructor(rules: PurgeRules) {
    rules.add({
      purge_plans: { keeps: 'What was planned, purged and seen afterwards', volatile: true },
    });
  }
}
