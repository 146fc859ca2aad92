import { ApiProperty } from '@nestjs/swagger';
import { PageLinks, PageMeta } from '../../kernel/lists.js';
import { type BaseRole, isPermission, type Permission, PERMISSIONS, permissionsOf } from '../../kernel/permissions.js';
import type { CustomRole } from './custom-role.entity.js';

/** A role that members of an organization can have. */
export class RoleView {
  /**
   * What a member's `role` says.
   * @example receptionist
   */
  key!: string;
  /**
   * What people call it.
   * @example Receptionist
   */
  name!: string;
  /** What it is for. */
  @ApiProperty({ type: String, nullable: true, example: 'Invites guests' })
  description!: string | null;
  /** What it permits. */
  @ApiProperty({ enum: PERMISSIONS, isArray: true, example: ['organization:read', 'members:read', 'members:invite'] })
  permissions!: Permission[];
  /**
   * Whether every organization has it. Those roles cannot be changed.
   * @example false
   */
  builtIn!: boolean;
  /**
   * Counts its changes; also the ETag.
   * @example 1
   */
  version!: number;
}

/** A page of roles. */
export class RolePageView {
  /** The roles of this page. */
  data!: RoleView[];
  /** Where this page stands. */
  meta!: PageMeta;
  /** Neighbouring pages. */
  links!: PageLinks;
}

/** What people read of the roles that every organization has. */
const BASE_ROLE_TEXTS: Record<BaseRole, { name: string; description: string }> = {
  owner: { name: 'Owner', description: 'Decides over the organization itself: its end, its owners, its policies' },
  admin: { name: 'Admin', description: 'Runs the organization: its members, roles, domains and features' },
  member: { name: 'Member', description: 'Works with what the organization has' },
  viewer: { name: 'Viewer', description: 'Looks, and uses up nothing' },
};

export function toBaseRoleView(key: BaseRole): RoleView {
  const permissions = [...permissionsOf(key, new Map())];
  return { key, ...BASE_ROLE_TEXTS[key], permissions, builtIn: true, version: 1 };
}

export function toRoleView({ key, name, description, permissions, version }: CustomRole): RoleView {
  return {
    key,
    name,
    description: description ?? null,
    permissions: permissions.filter(isPermission),
    builtIn: false,
    version,
  };
}
