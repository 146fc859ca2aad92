import { defineEntity, p } from '@mikro-orm/core';
import { installationPolicies } from '../../database/policies.js';

const RolePermissionSchema = defineEntity({
  name: 'RolePermission',
  tableName: 'role_permissions',
  rowLevelSecurity: 'force',
  policies: installationPolicies,
  properties: {
    role: p.text().primary(),
    permission: p.text().primary(),
    whileInactive: p.boolean().default(false),
  },
});

/** The table of `kernel/permissions.ts` as the database has it, for `get_user_permissions()`; written by migrations alone. */
export class RolePermission extends RolePermissionSchema.class {}
RolePermissionSchema.setClass(RolePermission);
