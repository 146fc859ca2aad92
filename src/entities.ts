import { AuditEntry } from './audit/audit-entry.entity.js';
import { OutboxMessage } from './jobs/outbox.entity.js';
import { ScheduleRun, ScheduleSettings, ScheduleSlot } from './jobs/schedule-run.entity.js';
import { RateLimitTracking } from './limits/limits.entity.js';
import { ApiKey } from './auth/api-keys/api-key.entity.js';
import { EmailChange } from './auth/email-change/email-change.entity.js';
import { LoginAttempts } from './auth/login/login-attempts.entity.js';
import { PasswordCredential } from './auth/passwords/password-credential.entity.js';
import { PasswordReset } from './auth/passwords/password-reset.entity.js';
import { Registration } from './auth/registration/registration.entity.js';
import { RefreshToken } from './auth/sessions/refresh-token.entity.js';
import { ServiceAccount } from './auth/service-accounts/service-account.entity.js';
import { Session } from './auth/sessions/session.entity.js';
import { SigningKey } from './auth/tokens/signing-key.entity.js';
import { Environment } from './environments/environment.entity.js';
import { FeatureChangeLog } from './features/change-log/feature-change-log.entity.js';
import { FeatureChangePolicy } from './features/change-policies/feature-change-policy.entity.js';
import { FeatureChangeRequest, FeatureChangeReview } from './features/change-requests/feature-change-request.entity.js';
import { FeatureConfiguration } from './features/configurations/feature-configuration.entity.js';
import { FeatureDefinition } from './features/definitions/feature-definition.entity.js';
import {
  FeatureConflict,
  FeatureDependency,
  FeaturePlanValue,
} from './features/definitions/feature-relations.entity.js';
import { DashboardPreferences } from './features/dashboards/preferences/dashboard-preferences.entity.js';
import { Widget, WidgetRequiredFeature } from './features/dashboards/widgets/widget.entity.js';
import { FeatureRevision } from './features/feature-revision.entity.js';
import { FeatureConsumption, FeatureMeter } from './features/metering/feature-meter.entity.js';
import { OrganizationFeatureSetting } from './features/overrides/organization-feature-setting.entity.js';
import { FeatureSegment } from './features/segments/feature-segment.entity.js';
import { FeatureUsageDay, OrganizationUsageDay, UserFeatureUsage } from './features/usage/feature-usage.entity.js';
import { FeatureTemplate } from './features/templates/feature-template.entity.js';
import { TemplateApplicationChange, TemplateApplicationLog } from './features/templates/template-application.entity.js';
import { CleanupAlert } from './cleanup/alerts/cleanup-alert.entity.js';
import { CleanupBacklog } from './cleanup/backlog/backlog.entity.js';
import { CleanupPolicy } from './cleanup/policies/cleanup-policy.entity.js';
import { CleanupReport } from './cleanup/reports/cleanup-report.entity.js';
import { CleanupBatch, CleanupRun, CleanupRunType } from './cleanup/runs/cleanup-run.entity.js';
import { Domain } from './organizations/domains/domain.entity.js';
import { Invitation } from './organizations/invitations/invitation.entity.js';
import { Membership } from './organizations/members/membership.entity.js';
import { Organization } from './organizations/organization.entity.js';
import { Plan } from './organizations/plans/plan.entity.js';
import { OrganizationPolicies } from './organizations/policies/organization-policies.entity.js';
import { CustomRole } from './organizations/roles/custom-role.entity.js';
import { RolePermission } from './organizations/roles/role-permission.entity.js';
import { PurgePlan } from './purge/purge-plan.entity.js';
import { User } from './users/user.entity.js';
import { WebhookDelivery } from './webhooks/deliveries/webhook-delivery.entity.js';
import { WebhookEndpoint } from './webhooks/endpoints/webhook-endpoint.entity.js';

/** Every table that the ORM knows. */
export const entities = [
  AuditEntry,
  OutboxMessage,
  RateLimitTracking,
  Environment,
  User,
  Plan,
  Organization,
  Membership,
  RolePermission,
  CustomRole,
  Invitation,
  Domain,
  OrganizationPolicies,
  PasswordCredential,
  PasswordReset,
  Registration,
  EmailChange,
  LoginAttempts,
  Session,
  RefreshToken,
  SigningKey,
  ServiceAccount,
  ApiKey,
  FeatureRevision,
  FeatureChangeLog,
  FeatureChangePolicy,
  FeatureChangeRequest,
  FeatureChangeReview,
  FeatureDefinition,
  FeatureDependency,
  FeatureConflict,
  FeaturePlanValue,
  FeatureConfiguration,
  FeatureSegment,
  OrganizationFeatureSetting,
  FeatureMeter,
  FeatureConsumption,
  Widget,
  WidgetRequiredFeature,
  DashboardPreferences,
  FeatureUsageDay,
  OrganizationUsageDay,
  UserFeatureUsage,
  FeatureTemplate,
  TemplateApplicationLog,
  TemplateApplicationChange,
  ScheduleSettings,
  ScheduleRun,
  ScheduleSlot,
  CleanupRun,
  CleanupRunType,
  CleanupBatch,
  CleanupPolicy,
  CleanupReport,
  CleanupBacklog,
  CleanupAlert,
  WebhookEndpoint,
  WebhookDelivery,
  PurgePlan,
];
