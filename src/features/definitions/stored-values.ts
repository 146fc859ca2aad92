import type { EntityManager } from '@mikro-orm/postgresql';
import type { Json } from '../../kernel/json.js';
import { problem } from '../../kernel/problem.js';
import { checkConfiguration } from '../evaluator/check.js';
import type { RolloutData, RuleData } from '../evaluator/model.js';
import { schemaErrors } from './definition-faults.js';
import type { FeatureFacts } from './definitions.queries.js';
import { misfit } from './value-schema.js';

/**
 * Refuses a change of schema or variants that what is stored elsewhere does not fit: overrides of organizations, and
 * values and variants of rules. Nobody adds one meanwhile: whoever does holds the features.
 * @throws Problem `conflict` that says which.
 */
export async function refuseMisfits(em: EntityManager, facts: FeatureFacts): Promise<void> {
  const faults = [...(await overrideFaults(em, facts)), ...(await configurationFaults(em, facts))];
  if (faults.length > 0) throw problem('conflict', { detail: faults.slice(0, 10).join('; ') });
}

async function overrideFaults(em: EntityManager, { key, schema }: FeatureFacts): Promise<string[]> {
  if (!schema) return [];
  const stored = await em.execute<{ value: Json; organization: string; count: number }[]>(
    `select value, min(organization_id::text) as organization, count(*)::int as count
       from organization_feature_settings where feature_key = ? group by value`,
    [key],
  );
  const values = stored.map(({ value }) => value);
  const fault = misfit(schema, values);
  if (!fault) return [];
  const { organization, count } = stored[fault.index]!;
  const more = count > 1 ? ` and ${count - 1} more` : '';
  return [`the override of organization ${organization}${more} does not fit: ${fault.path || 'it'} ${fault.message}`];
}

async function configurationFaults(em: EntityManager, facts: FeatureFacts): Promise<string[]> {
  const configurations = await em.execute<{ environment: string; rules: RuleData[]; rollout: RolloutData | null }[]>(
    `select environment_key as environment, rules, rollout from feature_configurations
      where feature_key = ? order by environment_key collate "C"`,
    [facts.key],
  );
  return configurations.flatMap(({ environment, rules, rollout }) => {
    // Segments are not what changes.
    const segments = new Set(rules.flatMap((rule) => rule.segments ?? []));
    const errors = checkConfiguration(facts, { rules, rollout }, segments);
    for (const [index, { value }] of rules.entries())
      if (value !== undefined) errors.push(...schemaErrors(facts.schema, value, `rules.${index}.value`));
    return errors.map(({ field, message }) => `${field} in ${environment}: ${message}`);
  });
}
