import { Controller, Get } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { Actor } from '../kernel/actor.js';
import { Authorize, CurrentActor } from '../kernel/authorize.js';
import { OrganizationsService } from './organizations.service.js';
import { MyOrganizationView, toMyOrganizationView } from './organizations.view.js';

@ApiTags('Organizations')
@Controller('api/v1/organizations')
export class OrganizationsController {
  constructor(private readonly organizations: OrganizationsService) {}

  /** Lists the organizations that you belong to. */
  @Get()
  @Authorize('session')
  async listMyOrganizations(@CurrentActor() actor: Actor): Promise<MyOrganizationView[]> {
    return (await this.organizations.listMine(actor)).map(toMyOrganizationView);
  }
}
