import { defineEntity, p } from '@mikro-orm/core';
import { systemPolicy, tenantPolicy } from '../../database/policies.js';
import { Organization } from '../organization.entity.js';

const CustomRoleSchema = defineEntity({
  name: 'CustomRole',
  tableName: 'organization_roles',
  rowLevelSecurity: 'force',
  policies: [tenantPolicy(), systemPolicy],
  properties: {
    organization: () => p.manyToOne(Organization).primary().deleteRule('cascade'),
    key: p.text().primary(),
    name: p.text(),
    description: p.text().nullable(),
    permissions: p.array().$type<string[]>(),
    version: p.integer().default(1),
    createdAt: p.datetime(),
    updatedAt: p.datetime().onUpdate(() => new Date()),
  },
});

/** A role that an organization made for itself, beside the four that all have. */
export class CustomRole extends CustomRoleSchema.class {}
CustomRoleSchema.setClass(CustomRole);
