import { EntityManager } from '@mikro-orm/postgresql';
import { Module } from '@nestjs/common';
import { PurgeRules } from '../database/purge-rules.js';
import { EnvironmentsModule } from '../environments/environments.module.js';
import { Schedules } from '../jobs/schedules.js';
import { OrganizationsModule } from '../organizations/organizations.module.js';
import { ChangeLogController } from './change-log/change-log.controller.js';
import { ChangeLogService } from './change-log/change-log.service.js';
import { Restore } from './change-log/restore.js';
import { ChangePoliciesController } from './change-policies/change-policies.controller.js';
import { ChangePoliciesService } from './change-policies/change-policies.service.js';
import { ApplyingService } from './change-requests/applying.service.js';
import { ChangeRequestMails } from './change-requests/change-request-mails.js';
import { ChangeRequestsController } from './change-requests/change-requests.controller.js';
import { ChangeRequestsService } from './change-requests/change-requests.service.js';
import { Edits } from './change-requests/edits.js';
import { ReviewsService } from './change-requests/reviews.service.js';
import { SettlingService } from './change-requests/settling.service.js';
import { ConfigurationsController } from './configurations/configurations.controller.js';
import { ConfigurationsService } from './configurations/configurations.service.js';
import { DashboardsController } from './dashboards/preferences/dashboards.controller.js';
import { DashboardsService } from './dashboards/preferences/dashboards.service.js';
import { OrganizationWidgetsController } from './dashboards/widgets/organization-widgets.controller.js';
import { OrganizationWidgetsService } from './dashboards/widgets/organization-widgets.service.js';
import { WidgetsController } from './dashboards/widgets/widgets.controller.js';
import { WidgetsService } from './dashboards/widgets/widgets.service.js';
import { DefinitionsController } from './definitions/definitions.controller.js';
import { DefinitionsService } from './definitions/definitions.service.js';
import { EvaluationController } from './evaluation/evaluation.controller.js';
import { EvaluationService } from './evaluation/evaluation.service.js';
import { FeatureChanges } from './feature-changes.js';
import { featuresPurge } from './features.purge.js';
import { ImpactController } from './impact/impact.controller.js';
import { ImpactService } from './impact/impact.service.js';
import { MeteringController } from './metering/metering.controller.js';
import { MeteringService } from './metering/metering.service.js';
import { EntitlementsController } from './overrides/entitlements.controller.js';
import { EntitlementsService } from './overrides/entitlements.service.js';
import { OverridesOfEnvironments } from './overrides/overrides-of-environments.js';
import { OverridesService } from './overrides/overrides.service.js';
import { EventStreams } from './openfeature/event-streams.js';
import { OfrepRoutes } from './openfeature/ofrep.routes.js';
import { OfrepService } from './openfeature/ofrep.service.js';
import { StreamLimits } from './openfeature/stream-limits.js';
import { StreamTokens } from './openfeature/stream-tokens.js';
import { SegmentsController } from './segments/segments.controller.js';
import { SegmentsService } from './segments/segments.service.js';
import { Clock } from './snapshots/clock.js';
import { FeatureSnapshots } from './snapshots/feature-snapshots.js';
import { OrganizationFeatures } from './snapshots/organization-features.js';
import { ExportService } from './transfer/export.service.js';
import { ImportService } from './transfer/import.service.js';
import { TransferController } from './transfer/transfer.controller.js';
import { FeatureUsage } from './usage/feature-usage.js';
import { StaleService } from './usage/stale.service.js';
import { usageSchedule } from './usage/usage.cleanup.js';
import { ApplicationRunner } from './templates/application-runner.js';
import { ApplicationsController } from './templates/applications.controller.js';
import { ApplicationsService } from './templates/applications.service.js';
import { PreviewService } from './templates/preview.service.js';
import { RollbackService } from './templates/rollback.service.js';
import { TemplatesController } from './templates/templates.controller.js';
import { TemplatesService } from './templates/templates.service.js';
import { FeatureUsageController } from './usage/usage.controller.js';
import { UsageService } from './usage/usage.service.js';

/** Features of the customer's product: what they are, who gets them, and why. */
@Module({
  imports: [EnvironmentsModule, OrganizationsModule],
  controllers: [
    ChangeLogController,
    ChangePoliciesController,
    ChangeRequestsController,
    TransferController,
    DefinitionsController,
    ConfigurationsController,
    SegmentsController,
    EvaluationController,
    EntitlementsController,
    MeteringController,
    ImpactController,
    FeatureUsageController,
    WidgetsController,
    OrganizationWidgetsController,
    DashboardsController,
    TemplatesController,
    ApplicationsController,
  ],
  providers: [
    FeatureChanges,
    DefinitionsService,
    ConfigurationsService,
    SegmentsService,
    Restore,
    ChangeLogService,
    ChangePoliciesService,
    Edits,
    ChangeRequestsService,
    ChangeRequestMails,
    ReviewsService,
    SettlingService,
    ApplyingService,
    ExportService,
    ImportService,
    Clock,
    FeatureSnapshots,
    OrganizationFeatures,
    FeatureUsage,
    EvaluationService,
    EntitlementsService,
    OverridesService,
    OverridesOfEnvironments,
    MeteringService,
    ImpactService,
    UsageService,
    StaleService,
    WidgetsService,
    OrganizationWidgetsService,
    DashboardsService,
    TemplatesService,
    PreviewService,
    ApplicationsService,
    ApplicationRunner,
    RollbackService,
    StreamTokens,
    StreamLimits,
    EventStreams,
    OfrepService,
    OfrepRoutes,
  ],
  exports: [FeatureChanges, EventStreams],
})
export class FeaturesModule {
  constructor(schedules: Schedules, purge: PurgeRules, em: EntityManager, applying: ApplyingService) {
    purge.add(featuresPurge);
    for (const schedule of [usageSchedule(em), applying.schedule()]) schedules.register(schedule);
  }
}
