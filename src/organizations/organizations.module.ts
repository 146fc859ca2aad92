import { EntityManager } from '@mikro-orm/postgresql';
import { Module } from '@nestjs/common';
import { AuditService } from '../audit/audit.service.js';
import { PurgeRules } from '../database/purge-rules.js';
import { Schedules } from '../jobs/schedules.js';
import { UsersModule } from '../users/users.module.js';
import { OrganizationAccess } from './access/organization-access.js';
import { DomainsController } from './domains/domains.controller.js';
import { DomainsRecheck } from './domains/domains-recheck.js';
import { DomainsService } from './domains/domains.service.js';
import { InvitationsController } from './invitations/invitations.controller.js';
import { InvitationsService } from './invitations/invitations.service.js';
import { MembersController } from './members/members.controller.js';
import { MemberEvents } from './members/member-events.js';
import { MembersService } from './members/members.service.js';
import { PermissionsController } from './permissions/permissions.controller.js';
import { PermissionsService } from './permissions/permissions.service.js';
import { OrganizationPlanController } from './plans/organization-plan.controller.js';
import { OrganizationPlanService } from './plans/organization-plan.service.js';
import { PlanRemoval } from './plans/plan-removal.js';
import { PlansController } from './plans/plans.controller.js';
import { PlansService } from './plans/plans.service.js';
import { PoliciesController } from './policies/policies.controller.js';
import { PoliciesService } from './policies/policies.service.js';
import { LifecycleService } from './lifecycle/lifecycle.service.js';
import { OrganizationController, OrganizationsController } from './organizations.controller.js';
import { organizationsPurge } from './organizations.purge.js';
import { OrganizationsService } from './organizations.service.js';
import { OwnershipService } from './ownership/ownership.service.js';
import { purgeSchedule } from './purge/purge-organizations.js';
import { RoleUses } from './roles/role-uses.js';
import { RolesController } from './roles/roles.controller.js';
import { RolesService } from './roles/roles.service.js';
import { SettingsController } from './settings/settings.controller.js';
import { SettingsService } from './settings/settings.service.js';

/** The tenants, and who belongs to them. */
@Module({
  imports: [UsersModule],
  controllers: [
    OrganizationsController,
    OrganizationController,
    SettingsController,
    MembersController,
    RolesController,
    PermissionsController,
    InvitationsController,
    PlansController,
    OrganizationPlanController,
    PoliciesController,
    DomainsController,
  ],
  providers: [
    OrganizationsService,
    LifecycleService,
    OwnershipService,
    SettingsService,
    MembersService,
    MemberEvents,
    RolesService,
    RoleUses,
    PermissionsService,
    InvitationsService,
    OrganizationAccess,
    PlansService,
    PlanRemoval,
    OrganizationPlanService,
    PoliciesService,
    DomainsService,
    DomainsRecheck,
  ],
  exports: [OrganizationsService, PlanRemoval, MembersService, MemberEvents, OrganizationAccess, RoleUses],
})
export class OrganizationsModule {
  constructor(
    schedules: Schedules,
    purge: PurgeRules,
    em: EntityManager,
    access: OrganizationAccess,
    audit: AuditService,
  ) {
    purge.add(organizationsPurge);
    schedules.register(purgeSchedule({ em, access, audit }));
  }
}
