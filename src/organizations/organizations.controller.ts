import { Controller, Get, Query, Req } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import type { Actor } from '../kernel/actor.js';
import { ApiProblems } from '../kernel/api-problems.js';
import { Authorize, CurrentActor } from '../kernel/authorize.js';
import { PageQuery, toPage } from '../kernel/lists.js';
import { OrganizationsService } from './organizations.service.js';
import { MyOrganizationPageView, toMyOrganizationView } from './organizations.view.js';

@ApiTags('Organizations')
@Controller('api/v1/organizations')
export class OrganizationsController {
  constructor(private readonly organizations: OrganizationsService) {}

  /** Lists the organizations that you belong to. */
  @Get()
  @Authorize('session')
  @ApiProblems('validation_failed')
  async listMyOrganizations(
    @CurrentActor() actor: Actor,
    @Query() query: PageQuery,
    @Req() request: FastifyRequest,
  ): Promise<MyOrganizationPageView> {
    const [memberships, total] = await this.organizations.listMine(actor, query);
    return toPage(memberships.map(toMyOrganizationView), total, query, request.url);
  }
}
