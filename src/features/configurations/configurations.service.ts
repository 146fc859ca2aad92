import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { AuditService } from '../../audit/audit.service.js';
import { Environment } from '../../environments/environment.entity.js';
import type { Actor } from '../../kernel/actor.js';
import type { Json } from '../../kernel/json.js';
import type { PageQuery } from '../../kernel/lists.js';
import { type FieldError, problem } from '../../kernel/problem.js';
import { schemaErrors } from '../definitions/definition-faults.js';
import { FeatureDefinition } from '../definitions/feature-definition.entity.js';
import { checkConfiguration } from '../evaluator/check.js';
import type { RolloutData, RuleData } from '../evaluator/model.js';
import { equal } from '../evaluator/values.js';
import { type ChangeWork, FeatureChanges, type FeatureWriter } from '../feature-changes.js';
import { FeatureSegment } from '../segments/feature-segment.entity.js';
import { type RolloutBody, type RuleBody, toConditions } from '../targeting.dto.js';
import { toState } from './configuration-state.js';
import type { PutConfigurationRequest, SwitchConfigurationRequest } from './configurations.dto.js';
import type { ConfigurationFacts } from './configurations.view.js';
import { FeatureConfiguration } from './feature-configuration.entity.js';

const FIELDS = ['enabled', 'rules', 'rollout'] as const;
type ConfigurationData = Pick<ConfigurationFacts, (typeof FIELDS)[number]>;

/** What features are in each environment. */
@Injectable()
export class ConfigurationsService {
  constructor(
    private readonly em: EntityManager,
    private readonly audit: AuditService,
    private readonly changes: FeatureChanges,
  ) {}

  /** What a feature is in each environment, by their keys. @throws Problem `not_found`. */
  async list(key: string, { page, perPage }: PageQuery): Promise<[ConfigurationFacts[], number]> {
    await findFeature(this.em, key);
    const slice = { limit: perPage, offset: (page - 1) * perPage };
    const [environments, total] = await this.em.findAndCount(Environment, {}, { orderBy: { key: 'asc' }, ...slice });
    const keys = environments.map((environment) => environment.key);
    const stored = await this.em.find(FeatureConfiguration, { feature: key, environment: { $in: keys } });
    const facts = keys.map((environment) =>
      toFacts(key, environment, stored.find((one) => one.environment.key === environment) ?? null),
    );
    return [facts, total];
  }

  /** What a feature is in an environment. @throws Problem `not_found` for either. */
  async get(key: string, environment: string): Promise<ConfigurationFacts> {
    await findFeature(this.em, key);
    await findEnvironment(this.em, environment);
    return toFacts(key, environment, await this.em.findOne(FeatureConfiguration, { feature: key, environment }));
  }

  /**
   * Puts a configuration in place of what was there.
   * @param version that the caller read, 0 for none; null for any.
   * @throws Problem `not_found`; `precondition_failed`; `validation_failed` for what does not fit the feature.
   * @param changes how it is done: as every change, or only tried.
   */
  async put(
    actor: Actor,
    key: string,
    environment: string,
    request: PutConfigurationRequest,
    version: number | null,
    changes: FeatureWriter = this.changes,
  ): Promise<ConfigurationFacts> {
    return this.configure(actor, key, environment, { data: toData(request), reason: request.reason, version, changes });
  }

  /**
   * Switches a feature on or off and leaves the rest as it is. What stays was checked when it was written: a kill switch
   * fails by nothing that it does not touch.
   * @param version that the caller read, 0 for none; null for any.
   * @throws Problem `not_found`; `precondition_failed`.
   */
  async switch(
    actor: Actor,
    key: string,
    environment: string,
    { enabled, reason }: SwitchConfigurationRequest,
    version: number | null,
    changes: FeatureWriter = this.changes,
  ): Promise<ConfigurationFacts> {
    return this.configure(actor, key, environment, { data: { enabled }, reason, version, changes });
  }

  private async configure(
    actor: Actor,
    key: string,
    environment: string,
    { data: wanted, reason, version, changes }: Configuring,
  ): Promise<ConfigurationFacts> {
    const work: ChangeWork<ConfigurationFacts> = async (em, change) => {
      const feature = await findFeature(em, key);
      await findEnvironment(em, environment);
      const stored = await em.findOne(FeatureConfiguration, { feature: key, environment });
      const before = toFacts(key, environment, stored);
      if (version !== null && version !== before.version) throw problem('precondition_failed');
      const after = { ...before, ...wanted };
      if (wanted.rules) await refuseFaults(em, feature, after);
      const fields = FIELDS.filter((field) => !equal(before[field] as Json, after[field] as Json));
      // Configured as it is without: it is a decision from now on, and has a version.
      if (fields.length === 0 && stored) return before;
      const { enabled, rules, rollout } = after;
      const data = { enabled, rules, rollout, version: before.version + 1, updatedAt: new Date() };
      if (stored) Object.assign(stored, data);
      else em.create(FeatureConfiguration, { feature: key, environment, ...data });
      change.names(key);
      change.log({
        actor,
        kind: 'configuration',
        feature: key,
        environment,
        before: stored ? toState(before) : null,
        after: toState(after),
        reason,
      });
      const told = (facts: ConfigurationFacts): Record<string, unknown> =>
        Object.fromEntries((['environment', ...fields] as const).map((field) => [field, facts[field]]));
      this.audit.record(actor, 'feature.configured', {
        target: { type: 'feature', id: key },
        before: told(before),
        after: told(after),
      });
      await em.flush();
      return { ...after, version: data.version, updatedAt: data.updatedAt };
    };
    return changes.change(work, {}, wanted.enabled === false);
  }
}

/** What is to be said of a feature in an environment, and how. */
interface Configuring {
  data: Partial<ConfigurationData>;
  reason?: string | null;
  version: number | null;
  changes: FeatureWriter;
}

async function findFeature(em: EntityManager, key: string): Promise<FeatureDefinition> {
  return em.findOneOrFail(FeatureDefinition, { key }, { failHandler: () => problem('not_found') });
}

async function findEnvironment(em: EntityManager, key: string): Promise<Environment> {
  return em.findOneOrFail(Environment, { key }, { failHandler: () => problem('not_found') });
}

function toFacts(feature: string, environment: string, stored: FeatureConfiguration | null): ConfigurationFacts {
  if (!stored) return { feature, environment, enabled: true, rules: [], rollout: null, version: 0, updatedAt: null };
  const { enabled, rules, rollout = null, version, updatedAt } = stored;
  return { feature, environment, enabled, rules, rollout, version, updatedAt };
}

async function refuseFaults(
  em: EntityManager,
  { type, variants = null, schema = null }: FeatureDefinition,
  { rules, rollout }: ConfigurationFacts,
): Promise<void> {
  const named = [...new Set(rules.flatMap(({ segments = [] }) => segments))];
  const segments = named.length === 0 ? [] : await em.find(FeatureSegment, { key: { $in: named } });
  const errors: FieldError[] = checkConfiguration(
    { type, variants },
    { rules, rollout },
    new Set(segments.map(({ key }) => key)),
  );
  for (const [index, { value }] of rules.entries())
    if (value !== undefined) errors.push(...schemaErrors(schema, value, `rules.${index}.value`));
  if (errors.length > 0) throw problem('validation_failed', { errors: errors.slice(0, 20) });
}

/** The request as data, without what was not said. */
function toData({ enabled, rules, rollout = null }: PutConfigurationRequest): ConfigurationData {
  return { enabled, rules: rules.map(toRule), rollout: rollout && toRollout(rollout) };
}

function toRule({ name, when, segments, value, variant, rollout }: RuleBody): RuleData {
  return {
    name,
    when: toConditions(when),
    ...(segments && segments.length > 0 && { segments }),
    ...(value !== undefined && { value }),
    ...(variant !== undefined && { variant }),
    ...(rollout && { rollout: toRollout(rollout) }),
  };
}

function toRollout({ by, percentage, salt, bucketing }: RolloutBody): RolloutData {
  return { by, percentage, ...(salt !== undefined && { salt }), ...(bucketing && { bucketing }) };
}
