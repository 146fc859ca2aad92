import type { Segments } from './conditions.js';
import { decide, type Decision, derived, type Details, frozen } from './decision.js';
import type { Configuration, Definition, Dependency, FeatureType, Json, Subject } from './model.js';
import { overrideFor } from './overrides.js';
import { compilePlans, type PlanValue } from './plans.js';
import { compileRollout, type CompiledRollout } from './rollout.js';
import { type CompiledRule, compileRules } from './rules.js';
import { equal } from './values.js';

/** A feature in one environment, compiled without looking at any other. */
export interface CompiledFeature {
  readonly key: string;
  readonly environment: string;
  readonly type: FeatureType;
  readonly defaultValue: Json;
  /** What it is when it is off: false, or the default. */
  readonly off: Json;
  readonly dependencies: readonly Dependency[];
  readonly conflicts: readonly string[];
  readonly killed: Decision | null;
  readonly plans: ReadonlyMap<string | null, PlanValue> | null;
  /** All stages but dependency and conflict. */
  readonly alone: (subject: Subject) => Decision;
  /** Whether rules or roll-outs read what the context says. */
  readonly readsContext: boolean;
  /** Whether by itself it can be one thing for some and another for others, overrides apart. */
  readonly varies: boolean;
  readonly timeThresholds: readonly number[];
}

/** Compiles a feature for an environment; `configuration` is null where it was not configured. */
export function compileFeature(
  definition: Definition,
  configuration: Configuration | null,
  segments: Segments,
  environment: string,
): CompiledFeature {
  const { key, type, dependencies, conflicts } = definition;
  const { enabled = true, rules: ruleList = [], rollout: wholeRollout } = configuration ?? {};
  const defaultValue = frozen(definition.defaultValue);
  const off = type === 'boolean' ? false : defaultValue;
  const killed = enabled ? null : decide(off, 'kill_switch', { environment });
  const plans = compilePlans(definition);
  const rules = compileRules(definition, ruleList, segments, environment);
  const rollout = wholeRollout ? compileRollout(definition, wholeRollout, environment) : null;
  const [first] = rules;
  const isEverybodys = first !== undefined && first.rollout === null && first.conditions.holds.length === 0;
  const give = compileGivers(defaultValue, rules, rollout);
  return {
    key,
    environment,
    type,
    defaultValue,
    off,
    dependencies: dependencies.map((parent) => (typeof parent === 'string' ? { feature: parent } : parent)),
    conflicts,
    killed,
    plans,
    alone: killed
      ? () => killed
      : plans
        ? underPlans(key, environment, plans, give)
        : unplanned(key, environment, give),
    readsContext:
      rules.some((rule) => rule.conditions.readsContext || rule.rollout?.readsContext) || !!rollout?.readsContext,
    varies: plans !== null || (!isEverybodys && (first !== undefined || rollout !== null)),
    timeThresholds: rules.flatMap((rule) => rule.conditions.timeThresholds),
  };
}

/** Whether a decision turns its feature on: what depends on it and what is in conflict with it ask that. */
export function isOn({ type, defaultValue }: CompiledFeature, { value }: Decision): boolean {
  return type === 'boolean' ? value === true : !equal(value, defaultValue);
}

type Give = (subject: Subject, fallback: Decision | null) => Decision;

function unplanned(key: string, environment: string, give: Give): (subject: Subject) => Decision {
  return (subject) => overrideFor(subject.organization.overrides, key, environment, subject.now) ?? give(subject, null);
}

function underPlans(
  key: string,
  environment: string,
  plans: ReadonlyMap<string | null, PlanValue>,
  give: Give,
): (subject: Subject) => Decision {
  return (subject) => {
    const { plan, overrides } = subject.organization;
    const planned = plans.get(plan);
    if (planned === undefined) return overrideFor(overrides, key, environment, subject.now) ?? give(subject, null);
    if (planned.excluded || planned.fixed) return planned.decision;
    const wished = overrideFor(overrides, key, environment, subject.now) ?? give(subject, planned.decision);
    return planned.cap === null ? wished : planned.cap(wished);
  };
}

/** Rules, then the roll-out of the configuration, then the fallback: the plan's value, else the default. */
function compileGivers(defaultValue: Json, rules: readonly CompiledRule[], rollout: CompiledRollout | null): Give {
  const outside = rollout === null ? null : decide(defaultValue, 'default', rollout.details);
  const byDefault = decide(defaultValue, 'default');
  const last = (subject: Subject, fallback: Decision | null): Decision =>
    rollout?.give(subject) ?? outside ?? fallback ?? byDefault;
  const rollouts = [...rules, { holds: () => true, rollout }].flatMap(({ holds, rollout: some }) =>
    some === null ? [] : [{ holds, lacks: some.lacks, missing: missing(some.details) }],
  );
  return (subject, fallback) => {
    for (const rule of rules) {
      if (!rule.holds(subject)) continue;
      const decision = rule.give(subject);
      if (decision !== null) return decision;
    }
    const decision = last(subject, fallback);
    if (decision.reason === 'rollout') return decision;
    // Whoever was outside of a roll-out for want of an attribute is told so.
    for (const { lacks, holds, missing: withMissing } of rollouts) {
      if (lacks(subject) && holds(subject)) return withMissing(decision);
    }
    return decision;
  };
}

function missing({ by }: Details): (decision: Decision) => Decision {
  return derived(({ value, variant, reason, details }) => decide(value, reason, { ...details, missing: by! }, variant));
}
