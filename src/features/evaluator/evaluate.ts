import type { Decision } from './decision.js';
import type { CompiledEnvironment, LinkedFeature } from './environment.js';
import { isOn } from './feature.js';
import type { Subject } from './model.js';

/**
 * Dependencies and conflicts, in two passes, because "off as long as the other is on" has no answer when both say it:
 *
 * 1. w(F): kill switch, entitlement, dependencies on w of the parents, then override, rule, roll-out, default.
 * 2. Final: off by dependency if a parent is finally off; else off by conflict if w(F) is on and w(G) of a G in conflict
 *    is; else w(F).
 *
 * So two that would both be on are both off, whichever is asked first, and a third that is in conflict with one of them
 * is off as well if it would be on. Both passes go from parents to children and end.
 */
type Decisions = Decision[];

/** Used by one evaluation after the other; none waits in between. */
const would: Decisions = [];
const finally_: Decisions = [];

/** What a feature is for somebody; undefined when there is no such feature. */
export function evaluate(environment: CompiledEnvironment, key: string, subject: Subject): Decision | undefined {
  const index = environment.indexOf.get(key);
  if (index === undefined) return undefined;
  const linked = environment.features[index]!;
  if (linked.alone) return linked.feature.alone(subject);
  evaluateGraph(environment, environment.order, subject);
  return finally_[index];
}

/** All features in the order of `environment.keys`, or those that are named, in their order. */
export function evaluateAll(environment: CompiledEnvironment, subject: Subject): Decision[];
export function evaluateAll(
  environment: CompiledEnvironment,
  subject: Subject,
  keys?: readonly string[],
): (Decision | undefined)[];
export function evaluateAll(
  environment: CompiledEnvironment,
  subject: Subject,
  keys?: readonly string[],
): (Decision | undefined)[] {
  evaluateGraph(environment, environment.order, subject);
  if (keys === undefined) return environment.features.map((linked, index) => decided(linked, index, subject));
  return keys.map((key) => {
    const index = environment.indexOf.get(key);
    return index === undefined ? undefined : decided(environment.features[index]!, index, subject);
  });
}

function decided({ alone, feature }: LinkedFeature, index: number, subject: Subject): Decision {
  return alone ? feature.alone(subject) : finally_[index]!;
}

function evaluateGraph({ features }: CompiledEnvironment, order: readonly number[], subject: Subject): void {
  for (const index of order) would[index] = first(features, features[index]!, subject);
  for (const index of order) finally_[index] = second(features, features[index]!, would[index]!, subject);
}

function first(features: readonly LinkedFeature[], linked: LinkedFeature, subject: Subject): Decision {
  const { feature, absent, cycle } = linked;
  return (
    early(linked, subject) ?? cycle ?? absent ?? unmetParent(features, linked, would, subject) ?? feature.alone(subject)
  );
}

function second(
  features: readonly LinkedFeature[],
  linked: LinkedFeature,
  decision: Decision,
  subject: Subject,
): Decision {
  const { feature, absent, cycle, conflicts } = linked;
  const off = early(linked, subject) ?? cycle ?? absent ?? unmetParent(features, linked, finally_, subject);
  if (off) return off;
  if (conflicts.length === 0 || !isOn(feature, decision)) return decision;
  return conflicts.find(({ index }) => isOn(features[index]!.feature, would[index]!))?.decision ?? decision;
}

/** Kill switch and a plan that excludes stand before dependency. */
function early({ feature: { killed, plans } }: LinkedFeature, { organization }: Subject): Decision | undefined {
  if (killed !== null) return killed;
  const planned = plans?.get(organization.plan);
  return planned?.excluded ? planned.decision : undefined;
}

function unmetParent(
  features: readonly LinkedFeature[],
  { parents }: LinkedFeature,
  decisions: Decisions,
  subject: Subject,
): Decision | undefined {
  for (const { dependency, index, unmet } of parents) {
    const parent = features[index]!;
    const decision = parent.alone ? parent.feature.alone(subject) : decisions[index]!;
    const { enabled = true, variants } = dependency;
    const met =
      isOn(parent.feature, decision) === enabled && (!enabled || !variants || variants.includes(decision.variant));
    if (!met) return unmet(decision);
  }
  return undefined;
}
