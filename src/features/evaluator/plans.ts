import { decide, type Decision, derived, frozen } from './decision.js';
import type { Definition } from './model.js';
import { fits } from './values.js';

/** What a plan says about a feature. */
export interface PlanValue {
  /** The plan's value, where nothing else gives one. */
  readonly decision: Decision;
  /** The plan does not include the feature: nothing after this stage is asked. */
  readonly excluded: boolean;
  /** The plan's value is the value, whatever overrides and rules wish. */
  readonly fixed: boolean;
  /** Lowers what was wished to what the plan allows. */
  readonly cap: ((wished: Decision) => Decision) | null;
}

/** Plans with a value for the feature, null when there are none; JSON's null says nothing. */
export function compilePlans({ type, plans }: Definition): ReadonlyMap<string | null, PlanValue> | null {
  const compiled = new Map<string | null, PlanValue>();
  for (const [plan, given] of Object.entries(plans)) {
    if (given === null || !fits(type, given)) continue;
    const planValue = frozen(given);
    const details = { plan, planValue };
    compiled.set(plan, {
      decision: decide(planValue, 'entitlement', details),
      excluded: planValue === false && type === 'boolean',
      fixed: type === 'string' || type === 'json',
      cap: typeof planValue === 'number' && type === 'number' ? cap(plan, planValue) : null,
    });
  }
  return compiled.size > 0 ? compiled : null;
}

function cap(plan: string, planValue: number): (wished: Decision) => Decision {
  const lowered = derived(({ value, reason }) =>
    decide(planValue, 'entitlement', { plan, planValue, wished: value, wishedBy: reason }),
  );
  return (wished) => ((wished.value as number) > planValue ? lowered(wished) : wished);
}
