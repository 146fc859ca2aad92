import { Controller, Get, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { Actor } from '../../kernel/actor.js';
import { ApiProblems } from '../../kernel/api-problems.js';
import { Authorize, CurrentActor } from '../../kernel/authorize.js';
import { MyPermissionsQuery } from './permissions.dto.js';
import { PermissionsService } from './permissions.service.js';
import { CATALOGUE, MyPermissionsView, PermissionView } from './permissions.view.js';

@ApiTags('Roles')
@Controller('api/v1')
export class PermissionsController {
  constructor(private readonly permissions: PermissionsService) {}

  /** Lists every permission, with what it allows and the roles that have it in every organization. */
  @Get('permissions')
  @Authorize('session')
  listPermissions(): PermissionView[] {
    return CATALOGUE;
  }

  /** Lists what you may do in an organization. */
  @Get('users/me/permissions')
  @Authorize('session')
  @ApiProblems('validation_failed', 'not_found')
  async listMyPermissions(
    @CurrentActor() actor: Actor,
    @Query() { organizationId }: MyPermissionsQuery,
  ): Promise<MyPermissionsView> {
    return this.permissions.mine(actor, organizationId);
  }
}
