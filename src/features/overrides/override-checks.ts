import { isDeepStrictEqual } from 'node:util';
import type { Json } from '../../kernel/json.js';
import { type Problem, problem } from '../../kernel/problem.js';
import {
  type CompiledEnvironment,
  dependsOnContext,
  evaluate,
  evaluateFirst,
  explain,
  type FeatureType,
  isOn,
  type Subject,
  wouldDependOnContext,
} from '../evaluator/index.js';

/** What of a feature decides over an override of it, for an organization on a plan. */
export interface OverridableFeature {
  key: string;
  type: FeatureType;
  defaultValue: Json;
  /** null: the plan sets no ceiling. */
  planValue: Json;
}

/** An organization as it would be: with the override that is checked, and all that come with it. */
export interface OverriddenOrganization {
  plan: string;
  overrides: readonly { feature: string; environment: string | null }[];
  subject: Subject;
}

/**
 * Why an organization cannot have a value of a feature, in the order in which somebody would mend it; null when it can.
 * @param environment where the override holds; null: everywhere.
 * @param environments all there are, in the order in which they are told.
 */
export function refusalOf(
  { key, type, defaultValue, planValue }: OverridableFeature,
  { value, environment }: { value: Json; environment: string | null },
  { plan, overrides, subject }: OverriddenOrganization,
  environments: ReadonlyMap<string, CompiledEnvironment>,
): Problem | null {
  const beyond = beyondPlan(key, type, value, plan, planValue);
  if (beyond !== null) return problem('plan_does_not_include', { detail: beyond });
  if (!turnsOn(type, value, defaultValue)) return null;
  // An override of its own in an environment stands before the one for everywhere.
  const isNamed = (name: string): boolean =>
    overrides.some((override) => override.feature === key && override.environment === name);
  const counting = [...environments].filter(([name]) => (environment === null ? !isNamed(name) : name === environment));
  const wish = { key, environments: new Map(counting), subject };
  const unmet = unmetDependency(wish);
  if (unmet !== null) return problem('feature_dependency_unmet', { detail: unmet });
  const conflict = certainConflict(wish);
  return conflict === null ? null : problem('feature_conflict', { detail: conflict });
}

/** A feature that would be turned on, and everything as it would be then. */
interface Wish {
  key: string;
  /** Where the override would count, by key. */
  environments: ReadonlyMap<string, CompiledEnvironment>;
  /** The organization with the new override put in. */
  subject: Subject;
}

/** Whether a value turns its feature on. */
function turnsOn(type: FeatureType, value: Json, defaultValue: Json): boolean {
  return type === 'boolean' ? value === true : !isDeepStrictEqual(value, defaultValue);
}

/** Why a plan does not allow a value; null when it does. */
function beyondPlan(key: string, type: FeatureType, value: Json, plan: string, planValue: Json): string | null {
  // Null sets no ceiling.
  if (planValue === null) return null;
  if (type === 'boolean')
    return planValue === false && value === true ? `The plan ${plan} does not include ${key}` : null;
  if (type === 'number')
    return (value as number) > (planValue as number)
      ? `The plan ${plan} allows at most ${shown(planValue)} of ${key}`
      : null;
  return isDeepStrictEqual(value, planValue) ? null : `The plan ${plan} says what ${key} is: ${shown(planValue)}`;
}

/** What the feature needs and is certainly off, wherever the override would count; null when it may work somewhere. */
function unmetDependency({ key, environments, subject }: Wish): string | null {
  const environmentsOf = new Map<string, string[]>();
  for (const [name, environment] of environments) {
    const reason = whyOff(environment, key, subject);
    if (reason === null) return null;
    environmentsOf.set(reason, [...(environmentsOf.get(reason) ?? []), name]);
  }
  const reasons = [...environmentsOf].map(([reason, names]) => `in ${names.join(', ')} ${reason}`);
  return reasons.length === 0 ? null : `${key} would stay off: ${reasons.join(' ')}`;
}

/** The first feature in conflict that is certainly on where the override would count; null when there is none. */
function certainConflict({ key, environments, subject }: Wish): string | null {
  for (const [name, environment] of environments) {
    for (const { index } of environment.features[environment.indexOf.get(key)!]!.conflicts) {
      const other = environment.features[index]!.feature;
      const decision = evaluateFirst(environment, other.key, subject)!;
      // By the first pass: finally both would be off, because of each other.
      if (!isOn(other, decision) || wouldDependOnContext(environment, other.key, subject)) continue;
      return `${key} is in conflict with ${other.key}, which is on in ${name}: ${explain(decision, other)}`;
    }
  }
  return null;
}

/** The nearest of what a feature needs that is off for everybody of the organization, and why. */
function whyOff(environment: CompiledEnvironment, key: string, subject: Subject): string | null {
  const { features, indexOf } = environment;
  const own = indexOf.get(key)!;
  const { broken, feature } = features[own]!;
  // It needs itself, or something that is not there.
  if (broken) return explain(broken, feature);
  const seen = new Set([own]);
  for (const at of seen) {
    for (const { index } of features[at]!.parents) seen.add(index);
    const ancestor = features[at]!.feature;
    if (at === own || !isCertainlyOff(environment, at, subject)) continue;
    return `it needs ${ancestor.key}, and ${explain(evaluate(environment, ancestor.key, subject)!, ancestor)}`;
  }
  return null;
}

function isCertainlyOff(environment: CompiledEnvironment, index: number, subject: Subject): boolean {
  const { feature } = environment.features[index]!;
  // What is off in the first pass is off, whatever its conflicts are for whom.
  const first = evaluateFirst(environment, feature.key, subject)!;
  if (!isOn(feature, first) && !wouldDependOnContext(environment, feature.key, subject)) return true;
  const decision = evaluate(environment, feature.key, subject)!;
  return !isOn(feature, decision) && !dependsOnContext(environment, feature.key, subject);
}

function shown(value: Json): string {
  const text = JSON.stringify(value);
  return text.length > 200 ? `${text.slice(0, 199)}…` : text;
}
