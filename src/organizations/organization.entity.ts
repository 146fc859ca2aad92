import { defineEntity, p } from '@mikro-orm/core';
import { systemPolicy, tenantPolicy } from '../database/policies.js';
import { APP_ROLE } from '../database/tenant-context.js';
import { Plan, STANDARD_PLAN } from './plans/plan.entity.js';

/** `deactivated`: nobody works in it until it is reactivated. `deleted`: it waits for its removal, and can be restored. */
export const ORGANIZATION_STATUSES = ['active', 'deactivated', 'deleted'] as const;
export type OrganizationStatus = (typeof ORGANIZATION_STATUSES)[number];

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
  indexes: [
    {
      name: 'organizations_purge_after_index',
      expression: `create index organizations_purge_after_index on organizations (purge_after) where purge_after is not null`,
    },
  ],
  properties: {
    id: p.uuid().primary(),
    name: p.text(),
    slug: p.text().unique(),
    status: p.enum(ORGANIZATION_STATUSES).default('active'),
    /** Of name, slug and plan. */
    version: p.integer().default(1),
    /** Up to 64 KiB: read where they are asked for alone. */
    settings: p.json<Record<string, unknown>>().default('{}').lazy(),
    settingsVersion: p.integer().default(1),
    plan: () => p.manyToOne(Plan).fieldName('plan_key').default(STANDARD_PLAN).index(),
    /** Kept by a trigger of the database, which also holds the plan's seats. */
    memberCount: p.integer().default(0),
    deactivatedAt: p.datetime().nullable(),
    deletedAt: p.datetime().nullable(),
    /** When it is removed for good. */
    purgeAfter: p.datetime().nullable(),
    createdAt: p.datetime(),
    updatedAt: p.datetime().onUpdate(() => new Date()),
  },
});

/** A customer: the tenant that everything of it belongs to. */
export class Organization extends OrganizationSchema.class {}
OrganizationSchema.setClass(Organization);
