import type { EntityManager } from '@mikro-orm/postgresql';
import type { JsonObject } from '../../kernel/json.js';
import type { RolloutData, RuleData } from '../evaluator/model.js';
import { FeatureConfiguration } from './feature-configuration.entity.js';

/** What a configuration says, whole, as the change log keeps it. */
export function toState({
  enabled,
  rules,
  rollout = null,
}: {
  enabled: boolean;
  rules: RuleData[];
  rollout?: RolloutData | null;
}): JsonObject {
  return { enabled, rules, rollout } as unknown as JsonObject;
}

/** What every environment says of a feature, by environment; those that do not are left out. */
export async function readConfigurations(em: EntityManager, feature: string): Promise<JsonObject> {
  const stored = await em.find(FeatureConfiguration, { feature }, { orderBy: { environment: 'asc' } });
  return Object.fromEntries(stored.map((one) => [one.environment.key, toState(one)]));
}
