import { Body, Controller, Delete, Get, HttpCode, Patch, Post, Query, Req } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import type { Actor } from '../kernel/actor.js';
import { ApiProblems } from '../kernel/api-problems.js';
import { Authorize, CurrentActor } from '../kernel/authorize.js';
import { PageQuery, toPage } from '../kernel/lists.js';
import { IfMatch, Versioned, VersionedWrite } from '../kernel/versions.js';
import { LifecycleService } from './lifecycle/lifecycle.service.js';
import { OrganizationPath } from '../kernel/organization-path.js';
import { CreateOrganizationRequest, TransferOwnershipRequest, UpdateOrganizationRequest } from './organizations.dto.js';
import { OrganizationsService } from './organizations.service.js';
import {
  MyOrganizationPageView,
  OrganizationView,
  toMyOrganizationView,
  toOrganizationView,
} from './organizations.view.js';
import { OwnershipService } from './ownership/ownership.service.js';

@ApiTags('Organizations')
@Controller('api/v1/organizations')
export class OrganizationsController {
  constructor(private readonly organizations: OrganizationsService) {}

  /** Founds an organization; you become its owner, and can work in it at once. */
  @Post()
  @Authorize('session')
  @Versioned()
  @ApiProblems('slug_taken')
  async createOrganization(
    @CurrentActor() actor: Actor,
    @Body() request: CreateOrganizationRequest,
  ): Promise<OrganizationView> {
    return toOrganizationView(await this.organizations.create(actor, request));
  }

  /** Lists the organizations that you belong to, by name. */
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

@ApiTags('Organizations')
@Controller('api/v1/organizations/:organizationId')
@OrganizationPath()
export class OrganizationController {
  constructor(
    private readonly organizations: OrganizationsService,
    private readonly lifecycle: LifecycleService,
    private readonly ownership: OwnershipService,
  ) {}

  /** Shows an organization; its owners see it in every state. */
  @Get()
  @Authorize('organization:read')
  @Versioned()
  async getOrganization(@CurrentActor() actor: Actor): Promise<OrganizationView> {
    return toOrganizationView(await this.organizations.get(actor));
  }

  /**
   * Changes name or slug.
   * @remarks What is left out stays. An old slug is free for others at once.
   */
  @Patch()
  @Authorize('organization:update')
  @VersionedWrite()
  @ApiProblems('slug_taken')
  async updateOrganization(
    @CurrentActor() actor: Actor,
    @Body() request: UpdateOrganizationRequest,
    @IfMatch() version: number | null,
  ): Promise<OrganizationView> {
    return toOrganizationView(await this.organizations.update(actor, request, version));
  }

  /**
   * Deletes the organization; its owners can restore it for 30 days.
   * @remarks It is gone at once for everybody but its owners, who are told by mail. After `purgeAfter` it is removed with
   * everything in it but its trail. Deleting it again changes nothing, and moves no date.
   */
  @Delete()
  @Authorize('organization:delete')
  @Versioned()
  async deleteOrganization(@CurrentActor() actor: Actor): Promise<OrganizationView> {
    return toOrganizationView(await this.lifecycle.delete(actor));
  }

  /**
   * Brings a deleted organization back, as it was.
   * @remarks What was deactivated before stays so. What is not deleted stays as it is. 409 `last_owner`: none of its owners
   * can sign in any more; a platform admin transfers the ownership first.
   */
  @Post('restore')
  @HttpCode(200)
  @Authorize('organization:delete')
  @Versioned()
  @ApiProblems('last_owner')
  async restoreOrganization(@CurrentActor() actor: Actor): Promise<OrganizationView> {
    return toOrganizationView(await this.lifecycle.restore(actor));
  }

  /**
   * Deactivates the organization: everybody in it stops at once.
   * @remarks Members, keys and invitations get 403 `organization_inactive` until it is reactivated; owners keep what that
   * takes. What is deactivated stays so; for what is deleted it is 409.
   */
  @Post('deactivate')
  @HttpCode(200)
  @Authorize('organization:deactivate')
  @Versioned()
  @ApiProblems('conflict')
  async deactivateOrganization(@CurrentActor() actor: Actor): Promise<OrganizationView> {
    return toOrganizationView(await this.lifecycle.deactivate(actor));
  }

  /**
   * Reactivates the organization: everybody can work again.
   * @remarks What is active stays so; for what is deleted it is 409, `restore` comes first. 409 `last_owner`: none of its
   * owners can sign in any more; a platform admin transfers the ownership first.
   */
  @Post('reactivate')
  @HttpCode(200)
  @Authorize('organization:deactivate')
  @Versioned()
  @ApiProblems('conflict', 'last_owner')
  async reactivateOrganization(@CurrentActor() actor: Actor): Promise<OrganizationView> {
    return toOrganizationView(await this.lifecycle.reactivate(actor));
  }

  /**
   * Hands the ownership to another active member.
   * @remarks In one step they become owner, and are told by mail, and you become admin. When a platform admin does it,
   * nobody loses a role. 409: you named yourself.
   */
  @Post('transfer-ownership')
  @HttpCode(200)
  @Authorize('organization:transfer')
  @Versioned()
  @ApiProblems('conflict')
  async transferOwnership(
    @CurrentActor() actor: Actor,
    @Body() { userId }: TransferOwnershipRequest,
  ): Promise<OrganizationView> {
    return toOrganizationView(await this.ownership.transfer(actor, userId));
  }
}
