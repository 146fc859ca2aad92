import { defineEntity, p } from '@mikro-orm/core';
import { installationPolicies } from '../../database/policies.js';
import { Environment } from '../../environments/environment.entity.js';
import type { RolloutData, RuleData } from '../evaluator/model.js';
import { FeatureDefinition } from '../definitions/feature-definition.entity.js';

const FeatureConfigurationSchema = defineEntity({
  name: 'FeatureConfiguration',
  tableName: 'feature_configurations',
  rowLevelSecurity: 'force',
  policies: installationPolicies,
  properties: {
    feature: () =>
      p.manyToOne(FeatureDefinition).primary().joinColumn('feature_key').updateRule('no action').deleteRule('cascade'),
    environment: () =>
      p
        .manyToOne(Environment)
        .primary()
        .joinColumn('environment_key')
        .updateRule('no action')
        .deleteRule('cascade')
        .index(),
    enabled: p.boolean().default(true),
    rules: p.json<RuleData[]>().default('[]'),
    rollout: p.json<RolloutData | null>().nullable(),
    version: p.integer().default(1),
    updatedAt: p.datetime().onUpdate(() => new Date()),
  },
});

/** What a feature is in one environment. A feature without one is enabled there, and has no rules. */
export class FeatureConfiguration extends FeatureConfigurationSchema.class {}
FeatureConfigurationSchema.setClass(FeatureConfiguration);
