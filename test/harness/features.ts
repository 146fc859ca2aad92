import { type EntityManager, MikroORM, RequestContext } from '@mikro-orm/postgresql';
import { expect } from 'vitest';
import { FeatureChanges } from '../../src/features/feature-changes.js';
import type { RolloutData, RuleData } from '../../src/features/evaluator/model.js';
import type { Json } from '../../src/kernel/json.js';
import { FeatureSnapshots } from '../../src/features/snapshots/feature-snapshots.js';
import { newId } from '../../src/kernel/ids.js';
import type { TestApp } from './app.js';

/** Five digits: keys are in order as they were made. */
let count = 10_000;

/** A key that no other feature of a test has. */
export function newFeatureKey(name = 'feature'): string {
  count += 1;
  return `${name}-${count}`;
}

/** A feature as a test describes it; what is left out is a boolean that is off. */
export interface FeatureFacts {
  key?: string;
  type?: 'boolean' | 'string' | 'number' | 'json';
  defaultValue?: Json;
  category?: string;
  description?: string;
  /** JSON Schema of its values. */
  schema?: object;
  variants?: { key: string; value: Json; weight?: number }[];
  lifecycle?: 'draft' | 'active' | 'deprecated' | 'archived';
  metering?: { period: string; enforcement: string };
  dependencies?: string[];
  conflicts?: string[];
  plans?: Record<string, Json>;
  /** By environment. */
  configurations?: Record<string, { enabled?: boolean; rules?: RuleData[]; rollout?: RolloutData }>;
}

/** Puts features into the tables, past every check, and tells every instance. */
export async function insertFeatures(tenon: TestApp, ...features: FeatureFacts[]): Promise<string[]> {
  const named = features.map((feature) => ({ ...feature, key: feature.key ?? newFeatureKey() }));
  await changeFeatures(
    tenon,
    named.map(({ key }) => key),
    async (em) => {
      for (const feature of named) await insertDefinition(em, feature);
      for (const feature of named) await insertRelations(em, feature);
    },
  );
  return named.map(({ key }) => key);
}

/** Resolves once an instance knows of a feature: what one has made the others hear of over the bus, a moment later. */
export async function knownTo({ app }: TestApp, key: string): Promise<void> {
  const isKnown = async (): Promise<boolean> => {
    const { environments } = await app.get(FeatureSnapshots).current();
    return [...environments.values()].every(({ indexOf }) => indexOf.has(key));
  };
  await expect.poll(isKnown, { interval: 5 }).toBe(true);
}

/** Changes the tables of features by SQL, and tells every instance of these keys. */
export async function changeFeatures(
  tenon: TestApp,
  keys: string[],
  work: (em: EntityManager) => Promise<unknown>,
): Promise<void> {
  await RequestContext.create(tenon.app.get(MikroORM).em, () =>
    tenon.app.get(FeatureChanges).change(async (em, change) => {
      await work(em);
      change.names(...keys);
    }),
  );
}

async function insertDefinition(em: EntityManager, feature: FeatureFacts & { key: string }): Promise<void> {
  const { key, type = 'boolean', defaultValue = false, variants, schema, metering, lifecycle = 'active' } = feature;
  const { category = null, description = null } = feature;
  const json = (value: unknown): string | null => (value === undefined ? null : JSON.stringify(value));
  await em.execute(
    `insert into feature_definitions (key, name, description, type, category, default_value, variants, schema, metering, lifecycle, created_at, updated_at)
     values (?, ?, ?, ?, ?, ?::jsonb, ?::jsonb, ?::jsonb, ?::jsonb, ?, now(), now())`,
    [
      key,
      key,
      description,
      type,
      category,
      json(defaultValue),
      json(variants),
      json(schema),
      json(metering),
      lifecycle,
    ],
  );
}

async function insertRelations(em: EntityManager, feature: FeatureFacts & { key: string }): Promise<void> {
  const { key, dependencies = [], conflicts = [], plans = {}, configurations = {} } = feature;
  for (const other of dependencies) await em.execute('insert into feature_dependencies values (?, ?)', [key, other]);
  for (const other of conflicts)
    await em.execute('insert into feature_conflicts values (least(?, ?), greatest(?, ?))', [key, other, key, other]);
  for (const [plan, value] of Object.entries(plans))
    await em.execute('insert into feature_plan_values values (?, ?, ?::jsonb)', [key, plan, JSON.stringify(value)]);
  for (const [environment, { enabled = true, rules = [], rollout = null }] of Object.entries(configurations))
    await em.execute(
      `insert into feature_configurations (feature_key, environment_key, enabled, rules, rollout, updated_at)
       values (?, ?, ?, ?::jsonb, ?::jsonb, now())`,
      [key, environment, enabled, JSON.stringify(rules), rollout && JSON.stringify(rollout)],
    );
}

/** Puts an override into the tables, without telling anybody. */
export async function insertOverride(
  { db }: TestApp,
  organizationId: string,
  feature: string,
  value: Json,
  { environment = null, expiresAt = null }: { environment?: string | null; expiresAt?: Date | null } = {},
): Promise<void> {
  await db.sql.query(
    `insert into organization_feature_settings (organization_id, id, feature_key, environment_key, value, reason, expires_at, created_at, updated_at)
     values ($1, $2, $3, $4, $5, 'For a test', $6, now(), now())`,
    [organizationId, newId(), feature, environment, JSON.stringify(value), expiresAt],
  );
}
