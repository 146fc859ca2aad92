import type { EntityManager } from '@mikro-orm/postgresql';
import { type FieldError, problem } from '../../kernel/problem.js';
import { type FeatureFacts, unknownFeatures, unknownPlans } from './definitions.queries.js';

/**
 * Refuses keys of features and plans that are not there, and a feature that conflicts with itself. One that needs itself
 * is a cycle, and told as one.
 */
export async function refuseUnknown(
  em: EntityManager,
  { key, dependencies = [], conflicts = [], plans = {} }: Partial<FeatureFacts>,
): Promise<void> {
  const others = dependencies.filter((one) => one !== key);
  const unknown = new Set(await unknownFeatures(em, [...new Set([...others, ...conflicts])]));
  const named = (field: string, keys: string[]): FieldError[] =>
    keys
      .filter((one) => unknown.has(one) && one !== key)
      .map((one) => ({ field, code: 'feature_unknown', message: `There is no feature "${one}"` }));
  const errors: FieldError[] = [
    ...named('dependencies', dependencies),
    ...named('conflicts', conflicts),
    ...(await unknownPlans(em, Object.keys(plans))).map((plan) => ({
      field: `plans.${plan}`,
      code: 'plan_unknown',
      message: `There is no plan "${plan}"`,
    })),
  ];
  if (key !== undefined && conflicts.includes(key))
    errors.push({ field: 'conflicts', code: 'feature_itself', message: 'A feature cannot be in conflict with itself' });
  if (errors.length > 0) throw problem('validation_failed', { errors: errors.slice(0, 20) });
}
