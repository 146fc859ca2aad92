import { all, compileConditions, type Compiled, type Holds, type Segments } from './conditions.js';
import { decide, type Decision, frozen } from './decision.js';
import type { Definition, Rule, Subject } from './model.js';
import { compileRollout, type CompiledRollout } from './rollout.js';

export interface CompiledRule {
  readonly holds: Holds;
  readonly conditions: Compiled;
  /** What it gives to whom it holds for; null to go on to the next rule. */
  readonly give: (subject: Subject) => Decision | null;
  readonly rollout: CompiledRollout | null;
}

/** The rules of a feature, without those that give nothing. */
export function compileRules(
  definition: Definition,
  rules: readonly Rule[],
  segments: Segments,
  environment: string,
): CompiledRule[] {
  const compiled: CompiledRule[] = [];
  for (const [index, rule] of rules.entries()) {
    const outcome = compileOutcome(definition, rule, index, environment);
    if (outcome === null) continue;
    const conditions = compileConditions(rule.when, environment, rule.segments, segments);
    compiled.push({ holds: all(conditions.holds), conditions, ...outcome });
    // Nobody gets past it.
    if (outcome.rollout === null && conditions.holds.length === 0) break;
  }
  return compiled;
}

function compileOutcome(
  definition: Definition,
  rule: Rule,
  index: number,
  environment: string,
): Pick<CompiledRule, 'give' | 'rollout'> | null {
  const details = { rule: rule.name, index };
  if (rule.rollout) {
    const rollout = compileRollout(definition, rule.rollout, environment, details);
    return { give: rollout.give, rollout };
  }
  const decision = constant(definition, rule, details);
  return decision && { give: () => decision, rollout: null };
}

function constant(
  { variants }: Definition,
  { value, variant: key }: Rule,
  details: { rule: string; index: number },
): Decision | null {
  if (value !== undefined) return decide(frozen(value), 'rule', details);
  const variant = variants?.find((candidate) => candidate.key === key);
  return variant === undefined ? null : decide(frozen(variant.value), 'rule', details, variant.key);
}
