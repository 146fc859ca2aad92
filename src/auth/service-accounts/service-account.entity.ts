import { defineEntity, p } from '@mikro-orm/core';
import { systemPolicy, tenantPolicy } from '../../database/policies.js';
import { Organization } from '../../organizations/organization.entity.js';

const ServiceAccountSchema = defineEntity({
  name: 'ServiceAccount',
  tableName: 'service_accounts',
  rowLevelSecurity: 'force',
  policies: [tenantPolicy(), systemPolicy],
  checks: [{ name: 'service_accounts_role_check', expression: `role <> 'owner'` }],
  properties: {
    organization: () => p.manyToOne(Organization).primary().deleteRule('cascade'),
    id: p.uuid().primary().index(),
    name: p.text(),
    description: p.text().nullable(),
    /** A base role but `owner`, or the key of one of the organization's own. */
    role: p.text(),
    version: p.integer().default(1),
    createdBy: p.uuid(),
    createdAt: p.datetime(),
    updatedAt: p.datetime().onUpdate(() => new Date()),
  },
});

/** Who acts in an organization by API keys and is no person, such as a build server. */
export class ServiceAccount extends ServiceAccountSchema.class {}
ServiceAccountSchema.setClass(ServiceAccount);
