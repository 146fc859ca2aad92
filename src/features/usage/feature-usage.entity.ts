import { defineEntity, p } from '@mikro-orm/core';
import { systemPolicy, tenantPolicy } from '../../database/policies.js';
import { Organization } from '../../organizations/organization.entity.js';

/** Who belongs to the organization reads; only the system writes. */
const policies = [{ ...tenantPolicy(), command: 'select' as const, check: undefined }, systemPolicy];

const FeatureUsageDaySchema = defineEntity({
  name: 'FeatureUsageDay',
  tableName: 'feature_usage_days',
  rowLevelSecurity: 'force',
  policies,
  indexes: [
    { name: 'feature_usage_days_feature_index', properties: ['featureKey', 'environmentKey', 'day'] },
    { name: 'feature_usage_days_environment_index', properties: ['environmentKey', 'day'] },
    {
      name: 'feature_usage_days_open_index',
      expression: `create index feature_usage_days_open_index on feature_usage_days (day) where users_seen is not null`,
    },
  ],
  properties: {
    organization: () => p.manyToOne(Organization).primary().deleteRule('cascade'),
    environmentKey: p.text().primary(),
    featureKey: p.text().primary(),
    /** The variant, else the value as JSON. */
    value: p.text().primary(),
    day: p.date().primary(),
    evaluations: p.bigint('number'),
    /** Once the day is over. */
    users: p.integer().default(0),
    /** A sketch, as long as the day lasts. */
    usersSeen: p.string().columnType('bit(1024)').nullable(),
  },
});

/** How often a value of a feature was given in an organization and environment on a day, and to how many users. */
export class FeatureUsageDay extends FeatureUsageDaySchema.class {}
FeatureUsageDaySchema.setClass(FeatureUsageDay);

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
