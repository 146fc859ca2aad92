import { defineEntity, p } from '@mikro-orm/core';
import { systemPolicy } from '../../database/policies.js';
import type { Json } from '../../kernel/json.js';

/** What a template gives of a feature. */
export interface TemplateValue {
  feature: string;
  value: Json;
}

const FeatureTemplateSchema = defineEntity({
  name: 'FeatureTemplate',
  tableName: 'feature_templates',
  rowLevelSecurity: 'force',
  policies: [systemPolicy],
  checks: [{ name: 'feature_templates_key_check', expression: `key ~ '^[a-z0-9][a-z0-9._-]{0,99}$'` }],
  indexes: [
    {
      name: 'feature_templates_feature_values_index',
      expression: `create index feature_templates_feature_values_index on feature_templates using gin (feature_values)`,
    },
  ],
  properties: {
    key: p.text().primary(),
    name: p.text(),
    description: p.text().nullable(),
    /** By feature, in the order of their keys. */
    values: p.json<TemplateValue[]>().fieldName('feature_values'),
    /** Empty: any. A plan that was removed stays: nobody is on it. */
    targetPlans: p.array().$type<string[]>().default([]),
    version: p.integer().default(1),
    createdAt: p.datetime(),
    updatedAt: p.datetime().onUpdate(() => new Date()),
  },
});

/** A named combination of values of features, to be given to organizations at once. */
export class FeatureTemplate extends FeatureTemplateSchema.class {}
FeatureTemplateSchema.setClass(FeatureTemplate);
