import { ApiProperty } from '@nestjs/swagger';
import { BASE_ROLES, type BaseRole, type Permission, permissions, PERMISSIONS } from '../../kernel/permissions.js';

/** Something that may be done within an organization. */
export class PermissionView {
  /** What routes, roles and scopes call it. */
  @ApiProperty({ enum: PERMISSIONS, example: 'members:invite' })
  key!: Permission;
  /**
   * What it allows.
   * @example "Invite people, see and withdraw invitations"
   */
  description!: string;
  /** The roles that have it in every organization. */
  @ApiProperty({ enum: BASE_ROLES, isArray: true, example: ['owner', 'admin'] })
  roles!: BaseRole[];
}

/** What you may do in an organization. */
export class MyPermissionsView {
  /**
   * Id of the organization.
   * @example 0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f00
   */
  organizationId!: string;
  /**
   * Your role in it; `platform-admin` for a platform admin.
   * @example admin
   */
  role!: string;
  /** What it permits there at the moment. */
  @ApiProperty({ enum: PERMISSIONS, isArray: true, example: ['organization:read', 'members:read', 'members:invite'] })
  permissions!: Permission[];
}

/** Every permission, in the order of the table. */
export const CATALOGUE: PermissionView[] = PERMISSIONS.map((key) => {
  const { description, roles } = permissions[key];
  return { key, description, roles: [...roles] };
});
