import { LONGEST_PATH } from './cycles.js';
import { decide, type Decision, derived } from './decision.js';
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
  return { index, isMet, unmet: derived((decision) => offBecauseOf(child, parent.key, decision)) };
}

/** `path` goes from the parent to the feature where it began, when that is not the parent itself. */
function offBecauseOf({ off }: CompiledFeature, parent: string, { reason, details }: Decision): Decision {
  const onward = details.path ?? (details.parent === undefined ? [] : [details.parent]);
  const path = [parent, ...(onward as string[])];
  // Of a long path the beginning and the end are named.
  const told = path.length > LONGEST_PATH ? [...path.slice(0, LONGEST_PATH - 1), path.at(-1)!] : path;
  return decide(off, 'dependency', { parent, parentReason: reason, ...(path.length > 1 && { path: told }) });
}
