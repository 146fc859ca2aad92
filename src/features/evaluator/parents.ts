import { LONGEST_PATH } from './cycles.js';
import { decide, type Decision, derived, type Details } from './decision.js';
import { type CompiledFeature, isOn } from './feature.js';
import type { Dependency } from './model.js';

/** A dependency whose parent is there. */
export interface Parent {
  readonly index: number;
  /** Whether the parent's decision is as the child needs it. */
  readonly isMet: (decision: Decision) => boolean;
  /** What the child is when it is not. */
  readonly unmet: (decision: Decision) => Decision;
}

export function compileParent(
  child: CompiledFeature,
  parent: CompiledFeature,
  index: number,
  asked: Dependency,
): Parent {
  const { enabled = true, variants } = asked;
  const isMet =
    enabled && variants
      ? (decision: Decision): boolean => isOn(parent, decision) && variants.includes(decision.variant)
      : (decision: Decision): boolean => isOn(parent, decision) === enabled;
  const unmet = (decision: Decision): Decision =>
    offBecauseOf(child, parent.key, decision, differs(asked, isOn(parent, decision), decision));
  return { index, isMet, unmet: derived(unmet) };
}

/** What was asked of a parent and what it is; that it should be on and is off needs no words. */
function differs({ enabled = true, variants }: Dependency, on: boolean, { variant }: Decision): Details {
  if (!enabled) return { parentNeeded: 'off', parentIs: 'on' };
  if (!variants) return {};
  return { parentNeeded: [...variants], parentIs: on ? 'on' : 'off', parentVariant: variant };
}

/** `path` goes from the parent to the feature where it began, when that is not the parent itself. */
function offBecauseOf(
  { off }: CompiledFeature,
  parent: string,
  { reason, details }: Decision,
  difference: Details,
): Decision {
  const onward = details.path ?? (details.parent === undefined ? [] : [details.parent]);
  const path = [parent, ...(onward as string[])];
  const plan = reason === 'entitlement' && { plan: details.plan! };
  // Of a long path the beginning and the end are named.
  const told = path.length > LONGEST_PATH ? [...path.slice(0, LONGEST_PATH - 1), path.at(-1)!] : path;
  const further = path.length > 1 && { path: told };
  return decide(off, 'dependency', { parent, parentReason: reason, ...plan, ...difference, ...further });
}
