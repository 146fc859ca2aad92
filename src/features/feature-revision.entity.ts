import { defineEntity, p } from '@mikro-orm/core';
import { installationPolicies } from '../database/policies.js';

const FeatureRevisionSchema = defineEntity({
  name: 'FeatureRevision',
  tableName: 'feature_revision',
  rowLevelSecurity: 'force',
  policies: installationPolicies,
  checks: [{ name: 'feature_revision_single', expression: 'id = 1' }],
  properties: {
    id: p.integer().primary().autoincrement(false).default(1),
    revision: p.bigint('number'),
  },
});

/** One row that counts the changes of definitions, configurations and segments. */
export class FeatureRevision extends FeatureRevisionSchema.class {}
FeatureRevisionSchema.setClass(FeatureRevision);
