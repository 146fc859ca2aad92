import { Module } from '@nestjs/common';
import { EnvironmentsModule } from '../environments/environments.module.js';
import { OrganizationsModule } from '../organizations/organizations.module.js';
import { EvaluationController } from './evaluation/evaluation.controller.js';
import { EvaluationService } from './evaluation/evaluation.service.js';
import { DefinitionsController } from './definitions/definitions.controller.js';
import { DefinitionsService } from './definitions/definitions.service.js';
import { FeatureChanges } from './feature-changes.js';
import { Clock } from './snapshots/clock.js';
import { FeatureSnapshots } from './snapshots/feature-snapshots.js';
import { OrganizationFeatures } from './snapshots/organization-features.js';

/** Features of the customer's product: what they are, who gets them, and why. */
@Module({
  imports: [EnvironmentsModule, OrganizationsModule],
  controllers: [DefinitionsController, EvaluationController],
  providers: [FeatureChanges, DefinitionsService, Clock, FeatureSnapshots, OrganizationFeatures, EvaluationService],
  exports: [FeatureChanges],
})
export class FeaturesModule {}
