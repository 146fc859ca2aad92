import { Module } from '@nestjs/common';
import { OrganizationAccess } from './access/organization-access.js';
import { MembersService } from './members/members.service.js';
import { OrganizationsController } from './organizations.controller.js';
import { OrganizationsService } from './organizations.service.js';

/** The tenants, and who belongs to them. */
@Module({
  controllers: [OrganizationsController],
  providers: [OrganizationsService, MembersService, OrganizationAccess],
  exports: [OrganizationsService, MembersService, OrganizationAccess],
})
export class OrganizationsModule {}
