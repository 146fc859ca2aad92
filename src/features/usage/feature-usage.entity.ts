import { defineEntity, p } from '@mikro-orm/core';
import { systemPolicy, tenantPolicy } from '../../database/policies.js';
import { Organization } from '../../organizations/organization.entity.js';

/** Who belongs to the organization reads; only the system writes. */
const policies = [{ ...tenantPolicy(), command: 'select' as const, check: undefined }, systemPolicy];

/** Once a day is over: how many there were. As long as it lasts: their sketch. */
const users = {
  users: p.integer().default(0),
  usersSeen: p.string().columnType('bit(2048)').nullable(),
};

const FeatureUsageDaySchema = defineEntity({
  name: 'FeatureUsageDay',
  tableName: 'feature_usage_days',
  rowLevelSecurity: 'force',
  policies: [systemPolicy],
  indexes: [
    { name: 'feature_usage_days_feature_index', properties: ['featureKey', 'environmentKey', 'day'] },
    {
      name: 'feature_usage_days_open_index',
      expression: `create index feature_usage_days_open_index on feature_usage_days (day) where organizations_seen is not null`,
    },
  ],
  properties: {
    environmentKey: p.text().primary(),
    featureKey: p.text().primary(),
    /** The variant, else the value as JSON. */
    value: p.text().primary(),
    day: p.date().primary(),
    evaluations: p.bigint('number'),
    ...users,
    organizations: p.integer().default(0),
    organizationsSeen: p.string().columnType('bit(2048)').nullable(),
  },
});

/** How often a value of a feature was given in an environment on a day, to how many users and organizations. */
export class FeatureUsageDay extends FeatureUsageDaySchema.class {}
FeatureUsageDaySchema.setClass(FeatureUsageDay);

const OrganizationUsageDaySchema = defineEntity({
  name: 'OrganizationUsageDay',
  tableName: 'organization_usage_days',
  rowLevelSecurity: 'force',
  policies,
  indexes: [
    {
      name: 'organization_usage_days_open_index',
      expression: `create index organization_usage_days_open_index on organization_usage_days (day) where users_seen is not null`,
    },
  ],
  properties: {
    organization: () => p.manyToOne(Organization).primary().deleteRule('cascade'),
    environmentKey: p.text().primary(),
    /** `*`: all of them at once. */
    featureKey: p.text().primary(),
    /** Empty for all of them at once: each had its own. */
    value: p.text().primary(),
    day: p.date().primary(),
    evaluations: p.bigint('number'),
    ...users,
  },
});

/** How often an organization asked for a feature by its key and was given a value, or asked for all at once, on a day. */
export class OrganizationUsageDay extends OrganizationUsageDaySchema.class {}
OrganizationUsageDaySchema.setClass(OrganizationUsageDay);

const UserFeatureUsageSchema = defineEntity({
  name: 'UserFeatureUsage',
  tableName: 'user_feature_usage',
  rowLevelSecurity: 'force',
  policies,
  properties: {
    organization: () => p.manyToOne(Organization).primary().deleteRule('cascade'),
    environmentKey: p.text().primary(),
    /** The targeting key of the context. */
    userKey: p.text().primary(),
    /** `*`: all of them at once. */
    featureKey: p.text().primary(),
    day: p.date().primary(),
    evaluations: p.bigint('number'),
  },
});

/** How often a feature was asked for on behalf of a user on a day; of so many users as there is room for. */
export class UserFeatureUsage extends UserFeatureUsageSchema.class {}
UserFeatureUsageSchema.setClass(UserFeatureUsage);
