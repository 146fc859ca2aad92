import { defineEntity, p } from '@mikro-orm/core';
import { systemPolicy, tenantPolicy } from '../database/policies.js';
import { APP_ROLE } from '../database/tenant-context.js';

const OrganizationSchema = defineEntity({
  name: 'Organization',
  tableName: 'organizations',
  rowLevelSecurity: 'force',
  policies: [
    tenantPolicy('id'),
    {
      name: 'member_reads',
      command: 'select',
      roles: [APP_ROLE],
      using: `exists (select 1 from user_organization_membership m where m.organization_id = organizations.id and m.user_id = nullif(current_setting('app.user_id', true), '')::uuid)`,
    },
    systemPolicy,
  ],
  properties: {
    id: p.uuid().primary(),
    name: p.text(),
    slug: p.text().unique(),
    createdAt: p.datetime(),
    updatedAt: p.datetime().onUpdate(() => new Date()),
  },
});

/** A customer: the tenant that everything of it belongs to. */
export class Organization extends OrganizationSchema.class {}
OrganizationSchema.setClass(Organization);
