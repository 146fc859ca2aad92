import { defineEntity, p } from '@mikro-orm/core';
import { systemPolicy, tenantPolicy } from '../../database/policies.js';
import { Environment } from '../../environments/environment.entity.js';
import { Organization } from '../../organizations/organization.entity.js';
import { FeatureDefinition } from '../definitions/feature-definition.entity.js';

const FeatureMeterSchema = defineEntity({
  name: 'FeatureMeter',
  tableName: 'feature_meters',
  rowLevelSecurity: 'force',
  policies: [tenantPolicy(), systemPolicy],
  properties: {
    organization: () => p.manyToOne(Organization).primary().deleteRule('cascade'),
    feature: () => p.manyToOne(FeatureDefinition).primary().joinColumn('feature_key').deleteRule('cascade').index(),
    environment: () => p.manyToOne(Environment).primary().joinColumn('environment_key').deleteRule('cascade').index(),
    periodStart: p.datetime().primary(),
    used: p.bigint('number'),
    /** When the period ends; null: never. */
    resetsAt: p.datetime().nullable().index(),
    updatedAt: p.datetime(),
  },
});

/** What an organization used of a metered feature in one period. */
export class FeatureMeter extends FeatureMeterSchema.class {}
FeatureMeterSchema.setClass(FeatureMeter);

const FeatureConsumptionSchema = defineEntity({
  name: 'FeatureConsumption',
  tableName: 'feature_consumptions',
  rowLevelSecurity: 'force',
  policies: [tenantPolicy(), systemPolicy],
  properties: {
    organization: () => p.manyToOne(Organization).primary().deleteRule('cascade'),
    feature: () => p.manyToOne(FeatureDefinition).primary().joinColumn('feature_key').deleteRule('cascade').index(),
    environment: () => p.manyToOne(Environment).primary().joinColumn('environment_key').deleteRule('cascade').index(),
    idempotencyKey: p.text().primary(),
    amount: p.bigint('number'),
    used: p.bigint('number'),
    allowed: p.bigint('number'),
    resetsAt: p.datetime().nullable(),
    createdAt: p.datetime(),
    expiresAt: p.datetime().index(),
  },
});

/** One call that used something, with its answer, so that repeating it has no effect and the same answer. */
export class FeatureConsumption extends FeatureConsumptionSchema.class {}
FeatureConsumptionSchema.setClass(FeatureConsumption);
