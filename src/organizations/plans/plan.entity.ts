import { defineEntity, p } from '@mikro-orm/core';
import { installationPolicies } from '../../database/policies.js';

/** The plan of every organization that no platform admin has put on another; it cannot be removed. */
export const STANDARD_PLAN = 'standard';

/** What a plan can limit. */
export type PlanLimit = 'seats' | 'domains' | 'customRoles';

const PlanSchema = defineEntity({
  name: 'Plan',
  tableName: 'plans',
  rowLevelSecurity: 'force',
  // No tenant's: everybody may know what can be bought.
  policies: installationPolicies,
  properties: {
    key: p.text().primary(),
    name: p.text(),
    description: p.text().nullable(),
    /** Members at most; null: as many as they like. */
    seats: p.integer().nullable(),
    /** Claimed domains at most. */
    domains: p.integer().nullable(),
    /** Roles of its own at most. */
    customRoles: p.integer().nullable(),
    version: p.integer().default(1),
    createdAt: p.datetime(),
    updatedAt: p.datetime().onUpdate(() => new Date()),
  },
});

/** A subscription tier: what an organization on it may have of what is limited. */
export class Plan extends PlanSchema.class {}
PlanSchema.setClass(Plan);
