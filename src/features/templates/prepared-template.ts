import type { EntityManager } from '@mikro-orm/postgresql';
import type { Json } from '../../kernel/json.js';
import { problem, type Problem } from '../../kernel/problem.js';
import { valueErrors } from '../definitions/definition-faults.js';
import { type FeatureFacts, readFeatures } from '../definitions/definitions.queries.js';
import { refuseUnknown } from '../evaluation/evaluation.service.js';
import type { Subject } from '../evaluator/index.js';
import { type OverridableFeature, type OverriddenOrganization, refusalOf } from '../overrides/override-checks.js';
import type { FeatureSnapshots } from '../snapshots/feature-snapshots.js';
import { toEvaluatedOrganization } from '../snapshots/organization-features.js';
import type { StoredOrganization } from '../snapshots/organization-features.queries.js';
import { inOrder, type Snapshot } from '../snapshots/snapshot.js';
import { readRevisionAndTime } from './applications.queries.js';
import type { AppliedTemplate } from './template-application.entity.js';

type Organization = StoredOrganization & { id: string };

/** What a template gives of a feature, and why nobody can have it as things are now. */
interface PreparedValue extends Omit<OverridableFeature, 'planValue'> {
  value: Json;
  plans: Record<string, Json>;
  fault: Problem | null;
}

/** A template with all that decides whether organizations can have it, of one moment. */
export interface PreparedTemplate {
  key: string;
  targetPlans: readonly string[];
  /** Where its values hold; null: everywhere. */
  environment: string | null;
  environments: Snapshot['environments'];
  values: readonly PreparedValue[];
  /** By the database's clock, in ms since 1970. */
  now: number;
}

/** Why an organization cannot have a template, or one feature of it. */
export interface Refusal {
  /** null: all of it. */
  feature: string | null;
  code: string;
  detail: string;
}

/**
 * Reads what decides over a template.
 * @param em of a system transaction; where something is to be written, one that holds the features.
 * @throws Problem `validation_failed` for an environment that is not there.
 */
export async function prepareTemplate(
  em: EntityManager,
  snapshots: FeatureSnapshots,
  key: string,
  { values, targetPlans }: AppliedTemplate,
  environment: string | null,
): Promise<PreparedTemplate> {
  const { revision, now } = await readRevisionAndTime(em);
  const snapshot = await snapshots.at(revision, em);
  if (environment !== null && !snapshot.environments.has(environment)) refuseUnknown();
  const keys = values.map(({ feature }) => feature);
  const features = new Map((await readFeatures(em, keys)).map((facts) => [facts.key, facts]));
  const prepared = values.map(({ feature, value }) => prepareValue(feature, value, features.get(feature)));
  return { key, targetPlans, environment, environments: inOrder(snapshot), values: prepared, now };
}

function prepareValue(key: string, value: Json, facts: FeatureFacts | undefined): PreparedValue {
  const none = { key, value, type: 'boolean', defaultValue: null, plans: {} } as const;
  if (!facts) return { ...none, fault: problem('not_found', { detail: `There is no feature ${key} any more` }) };
  const { type, defaultValue, plans, lifecycle } = facts;
  const evaluated = lifecycle === 'active' || lifecycle === 'deprecated';
  const detail = evaluated ? valueErrors(facts, value, key)[0]?.message : `The feature ${key} is ${lifecycle}`;
  const fault = detail === undefined ? null : problem(evaluated ? 'validation_failed' : 'not_found', { detail });
  return { key, value, type, defaultValue, plans, fault };
}

/** An organization as it would be with a template: all its values are there, whatever each of them needs. */
export function withTemplate(template: PreparedTemplate, organization: Organization): OverriddenOrganization {
  const { environment, values } = template;
  const own = new Set(values.map(({ key }) => key));
  const overrides = [
    ...organization.overrides.filter((override) => override.environment !== environment || !own.has(override.feature)),
    ...values.map(({ key, value }) => ({
      feature: key,
      environment,
      value,
      expiresAt: null,
      reason: `Template ${template.key}`,
    })),
  ];
  return {
    plan: organization.plan,
    overrides,
    subject: subjectOf(template, { ...organization, overrides }),
  };
}

/** An organization as features are evaluated for it, without anybody of it. */
export function subjectOf({ now }: PreparedTemplate, { id, plan, overrides }: Organization): Subject {
  return { attributes: {}, organization: toEvaluatedOrganization(id, { plan, overrides }), now };
}

/** Why an organization cannot have a template, by the same checks as single overrides; nothing when it can. */
export function* refusalsOf(
  template: PreparedTemplate,
  after: OverriddenOrganization,
): Generator<Refusal, void, undefined> {
  const { key: name, targetPlans, environment, environments, values } = template;
  if (targetPlans.length > 0 && !targetPlans.includes(after.plan)) {
    const detail = `The template ${name} is for the plans ${targetPlans.join(', ')}, and not for ${after.plan}`;
    yield { feature: null, code: 'plan_does_not_include', detail };
    return;
  }
  for (const { fault, plans, ...value } of values) {
    const planValue = Object.hasOwn(plans, after.plan) ? plans[after.plan]! : null;
    const refusal = fault ?? refusalOf({ ...value, planValue }, { ...value, environment }, after, environments);
    if (refusal) yield { feature: value.key, code: refusal.code, detail: refusal.detail };
  }
}
