import { defineEntity, p } from '@mikro-orm/core';
import { systemPolicy, tenantPolicy } from '../../database/policies.js';
import { Environment } from '../../environments/environment.entity.js';
import type { Json } from '../../kernel/json.js';
import { Organization } from '../../organizations/organization.entity.js';
import { FeatureDefinition } from '../definitions/feature-definition.entity.js';

const OrganizationFeatureSettingSchema = defineEntity({
  name: 'OrganizationFeatureSetting',
  tableName: 'organization_feature_settings',
  rowLevelSecurity: 'force',
  policies: [tenantPolicy(), systemPolicy],
  indexes: [
    {
      // One for each environment, and one for everywhere.
      name: 'organization_feature_settings_scope_unique',
      expression: `create unique index organization_feature_settings_scope_unique on organization_feature_settings (organization_id, feature_key, environment_key) nulls not distinct`,
    },
  ],
  properties: {
    organization: () => p.manyToOne(Organization).primary().deleteRule('cascade'),
    id: p.uuid().primary(),
    feature: () => p.manyToOne(FeatureDefinition).joinColumn('feature_key').deleteRule('cascade').index(),
    /** null: everywhere. */
    environment: () => p.manyToOne(Environment).joinColumn('environment_key').nullable().deleteRule('cascade').index(),
    value: p.json<Json>(),
    reason: p.text(),
    expiresAt: p.datetime().nullable().index(),
    setBy: p.uuid().nullable(),
    createdAt: p.datetime(),
    updatedAt: p.datetime().onUpdate(() => new Date()),
  },
});

/** What an organization wishes of a feature, apart from what its plan allows: its override. */
export class OrganizationFeatureSetting extends OrganizationFeatureSettingSchema.class {}
OrganizationFeatureSettingSchema.setClass(OrganizationFeatureSetting);
