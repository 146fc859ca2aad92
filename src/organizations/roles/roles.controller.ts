import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query, Req } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import type { Actor } from '../../kernel/actor.js';
import { ApiProblems } from '../../kernel/api-problems.js';
import { Authorize, CurrentActor } from '../../kernel/authorize.js';
import { PageQuery, toPage } from '../../kernel/lists.js';
import { IfMatch, Versioned, VersionedWrite } from '../../kernel/versions.js';
import { OrganizationPath } from '../../kernel/organization-path.js';
import { CreateRoleRequest, RolePath, UpdateRoleRequest } from './roles.dto.js';
import { RolesService } from './roles.service.js';
import { RolePageView, RoleView } from './roles.view.js';

@ApiTags('Roles')
@OrganizationPath()
@Controller('api/v1/organizations/:organizationId/roles')
export class RolesController {
  constructor(private readonly roles: RolesService) {}

  /** Lists the roles of an organization: the four that all have, then its own. */
  @Get()
  @Authorize('roles:manage')
  @ApiProblems('validation_failed')
  async listRoles(
    @CurrentActor() actor: Actor,
    @Query() query: PageQuery,
    @Req() request: FastifyRequest,
  ): Promise<RolePageView> {
    const [roles, total] = await this.roles.list(actor, query);
    return toPage(roles, total, query, request.url);
  }

  /** Shows a role. */
  @Get(':key')
  @Authorize('roles:manage')
  @Versioned()
  @ApiProblems('validation_failed')
  async getRole(@CurrentActor() actor: Actor, @Param() { key }: RolePath): Promise<RoleView> {
    return this.roles.get(actor, key);
  }

  /** Makes a role, with nothing that you do not hold yourself. */
  @Post()
  @Authorize('roles:manage')
  @Versioned()
  @ApiProblems('validation_failed', 'malformed_json', 'role_key_taken', 'plan_limit_reached')
  async createRole(@CurrentActor() actor: Actor, @Body() request: CreateRoleRequest): Promise<RoleView> {
    return this.roles.create(actor, request);
  }

  /**
   * Changes a role, at once for everybody who has it.
   * @remarks Not one that you have yourself, none that holds more than you, and none of the four that all organizations
   * have.
   */
  @Patch(':key')
  @Authorize('roles:manage')
  @VersionedWrite()
  @ApiProblems('validation_failed', 'malformed_json')
  async updateRole(
    @CurrentActor() actor: Actor,
    @Param() { key }: RolePath,
    @Body() request: UpdateRoleRequest,
    @IfMatch() version: number | null,
  ): Promise<RoleView> {
    return this.roles.update(actor, key, request, version);
  }

  /** Removes a role that no member and no open invitation has. */
  @Delete(':key')
  @HttpCode(204)
  @Authorize('roles:manage')
  @ApiProblems('validation_failed', 'role_in_use')
  async deleteRole(@CurrentActor() actor: Actor, @Param() { key }: RolePath): Promise<void> {
    await this.roles.delete(actor, key);
  }
}
