import { defineEntity, p } from '@mikro-orm/core';
import { systemPolicy } from '../../database/policies.js';
import { Environment } from '../../environments/environment.entity.js';

/** What can be asked to be approved, as it is sorted. */
export const GATED_KINDS = ['configuration', 'feature', 'segment'] as const;
export type GatedKind = (typeof GATED_KINDS)[number];

const FeatureChangePolicySchema = defineEntity({
  name: 'FeatureChangePolicy',
  tableName: 'feature_change_policies',
  rowLevelSecurity: 'force',
  policies: [systemPolicy],
  properties: {
    environment: () =>
      p.manyToOne(Environment).primary().fieldName('environment_key').deleteRule('no action').updateRule('no action'),
    approvals: p.integer(),
    approverIds: p.array().columnType('uuid[]').$type<string[]>(),
    kinds: p.array().$type<GatedKind[]>(),
    reasonRequired: p.boolean(),
    version: p.integer(),
    updatedAt: p.datetime(),
  },
});

/** What changes of features in an environment need; without one, or with one that asks for nothing, they need nothing. */
export class FeatureChangePolicy extends FeatureChangePolicySchema.class {}
FeatureChangePolicySchema.setClass(FeatureChangePolicy);
