import { defineEntity, p } from '@mikro-orm/core';
import { installationPolicies } from '../../database/policies.js';
import type { Json } from '../../kernel/json.js';
import { Plan } from '../../organizations/plans/plan.entity.js';
import { FeatureDefinition } from './feature-definition.entity.js';

const FeatureDependencySchema = defineEntity({
  name: 'FeatureDependency',
  tableName: 'feature_dependencies',
  rowLevelSecurity: 'force',
  policies: installationPolicies,
  properties: {
    feature: () =>
      p.manyToOne(FeatureDefinition).primary().joinColumn('feature_key').updateRule('no action').deleteRule('cascade'),
    requires: () =>
      p
        .manyToOne(FeatureDefinition)
        .primary()
        .joinColumn('requires_key')
        .updateRule('no action')
        .deleteRule('no action')
        .index(),
  },
});

/** One feature needs another. */
export class FeatureDependency extends FeatureDependencySchema.class {}
FeatureDependencySchema.setClass(FeatureDependency);

const FeatureConflictSchema = defineEntity({
  name: 'FeatureConflict',
  tableName: 'feature_conflicts',
  rowLevelSecurity: 'force',
  policies: installationPolicies,
  checks: [{ name: 'feature_conflicts_order', expression: 'feature_key < conflicts_with_key' }],
  properties: {
    feature: () =>
      p.manyToOne(FeatureDefinition).primary().joinColumn('feature_key').updateRule('no action').deleteRule('cascade'),
    conflictsWith: () =>
      p
        .manyToOne(FeatureDefinition)
        .primary()
        .joinColumn('conflicts_with_key')
        .updateRule('no action')
        .deleteRule('cascade')
        .index(),
  },
});

/** Two features that no organization can have at once; a pair stands once, the lesser key first. */
export class FeatureConflict extends FeatureConflictSchema.class {}
FeatureConflictSchema.setClass(FeatureConflict);

const FeaturePlanValueSchema = defineEntity({
  name: 'FeaturePlanValue',
  tableName: 'feature_plan_values',
  rowLevelSecurity: 'force',
  policies: installationPolicies,
  properties: {
    feature: () =>
      p.manyToOne(FeatureDefinition).primary().joinColumn('feature_key').updateRule('no action').deleteRule('cascade'),
    plan: () =>
      p.manyToOne(Plan).primary().joinColumn('plan_key').updateRule('no action').deleteRule('cascade').index(),
    value: p.json<Json>(),
  },
});

/** What a plan gives of a feature, and at most. */
export class FeaturePlanValue extends FeaturePlanValueSchema.class {}
FeaturePlanValueSchema.setClass(FeaturePlanValue);
