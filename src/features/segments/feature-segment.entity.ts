import { defineEntity, p } from '@mikro-orm/core';
import { installationPolicies } from '../../database/policies.js';
import type { ConditionData } from '../evaluator/model.js';

const FeatureSegmentSchema = defineEntity({
  name: 'FeatureSegment',
  tableName: 'feature_segments',
  rowLevelSecurity: 'force',
  policies: installationPolicies,
  properties: {
    key: p.text().primary(),
    name: p.text().nullable(),
    description: p.text().nullable(),
    conditions: p.json<ConditionData[]>(),
    version: p.integer().default(1),
    createdAt: p.datetime(),
    updatedAt: p.datetime().onUpdate(() => new Date()),
  },
});

/** Conditions that many rules share: who is in it meets them all. */
export class FeatureSegment extends FeatureSegmentSchema.class {}
FeatureSegmentSchema.setClass(FeatureSegment);
