import { defineEntity, p } from '@mikro-orm/core';
import { installationPolicies } from '../../database/policies.js';
import type { Json, JsonObject } from '../../kernel/json.js';

export const FEATURE_TYPES = ['boolean', 'string', 'number', 'json'] as const;
export type FeatureType = (typeof FEATURE_TYPES)[number];

export const LIFECYCLES = ['draft', 'active', 'deprecated', 'archived'] as const;
export type Lifecycle = (typeof LIFECYCLES)[number];

/** A named value that rules and roll-outs can give. */
export interface Variant {
  key: string;
  value: Json;
  /** In percent; all have one and they add up to 100, or none has one and they share equally. */
  weight?: number;
}

export const METERING_PERIODS = ['hour', 'day', 'week', 'month', 'year', 'never'] as const;

/** How the use of a number is counted against it. */
export interface Metering {
  /** When counting begins anew, in UTC; `never`: it adds up for good. */
  period: (typeof METERING_PERIODS)[number];
  /** `hard` refuses what goes beyond the limit; `soft` counts on and says so. */
  enforcement: 'hard' | 'soft';
}

const FeatureDefinitionSchema = defineEntity({
  name: 'FeatureDefinition',
  tableName: 'feature_definitions',
  rowLevelSecurity: 'force',
  policies: installationPolicies,
  checks: [
    { name: 'feature_definitions_key_check', expression: `key ~ '^[a-z0-9][a-z0-9._-]{0,99}$'` },
    { name: 'feature_definitions_type_check', expression: `type in ('boolean', 'string', 'number', 'json')` },
    {
      name: 'feature_definitions_lifecycle_check',
      expression: `lifecycle in ('draft', 'active', 'deprecated', 'archived')`,
    },
  ],
  properties: {
    key: p.text().primary(),
    name: p.text(),
    description: p.text().nullable(),
    type: p.text().$type<FeatureType>(),
    category: p.text().nullable(),
    defaultValue: p.json<Json>(),
    /** JSON Schema of the values; for type `json` alone. */
    schema: p.json<JsonObject | null>().nullable(),
    variants: p.json<Variant[] | null>().nullable(),
    metering: p.json<Metering | null>().nullable(),
    lifecycle: p.text().$type<Lifecycle>().default('active'),
    owner: p.text().nullable(),
    tags: p.array().$type<string[]>().default([]),
    removeBy: p.date().nullable(),
    version: p.integer().default(1),
    createdAt: p.datetime(),
    updatedAt: p.datetime().onUpdate(() => new Date()),
  },
});

/** A feature of the customer's product: what it is called, what values it has, what they are by default. */
export class FeatureDefinition extends FeatureDefinitionSchema.class {}
FeatureDefinitionSchema.setClass(FeatureDefinition);
