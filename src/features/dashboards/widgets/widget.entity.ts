import { defineEntity, p } from '@mikro-orm/core';
import { installationPolicies } from '../../../database/policies.js';
import type { JsonObject } from '../../../kernel/json.js';
import { FeatureDefinition } from '../../definitions/feature-definition.entity.js';

const WidgetSchema = defineEntity({
  name: 'Widget',
  tableName: 'widget_library',
  rowLevelSecurity: 'force',
  policies: installationPolicies,
  checks: [
    {
      name: 'widget_library_size_check',
      expression: 'default_width >= 1 and default_width <= 12 and default_height > 0',
    },
  ],
  properties: {
    key: p.text().primary(),
    name: p.text(),
    description: p.text().nullable(),
    /** What draws it, by the word that the customer's product knows it by. */
    type: p.text(),
    /** JSON Schema of its settings; null: it has none. */
    settingsSchema: p.json<JsonObject | null>().nullable(),
    defaultWidth: p.integer(),
    defaultHeight: p.integer(),
    version: p.integer().default(1),
    createdAt: p.datetime(),
    updatedAt: p.datetime().onUpdate(() => new Date()),
  },
});

/** Something that can be placed on dashboards. */
export class Widget extends WidgetSchema.class {}
WidgetSchema.setClass(Widget);

const WidgetRequiredFeatureSchema = defineEntity({
  name: 'WidgetRequiredFeature',
  tableName: 'widget_required_features',
  rowLevelSecurity: 'force',
  policies: installationPolicies,
  properties: {
    widget: () => p.manyToOne(Widget).primary().joinColumn('widget_key').updateRule('no action').deleteRule('cascade'),
    feature: () =>
      p
        .manyToOne(FeatureDefinition)
        .primary()
        .joinColumn('feature_key')
        .updateRule('no action')
        .deleteRule('no action')
        .index(),
  },
});

/** A widget is of use only to organizations that have the feature. */
export class WidgetRequiredFeature extends WidgetRequiredFeatureSchema.class {}
WidgetRequiredFeatureSchema.setClass(WidgetRequiredFeature);
