import { defineEntity, p } from '@mikro-orm/core';
import { installationPolicies } from '../database/policies.js';

const EnvironmentSchema = defineEntity({
  name: 'Environment',
  tableName: 'environments',
  rowLevelSecurity: 'force',
  policies: installationPolicies,
  properties: {
    key: p.text().primary(),
    name: p.text(),
    description: p.text().nullable(),
    createdAt: p.datetime(),
  },
});

/** Where a customer's product runs, such as `production`: features and API keys are of one. */
export class Environment extends EnvironmentSchema.class {}
EnvironmentSchema.setClass(Environment);
