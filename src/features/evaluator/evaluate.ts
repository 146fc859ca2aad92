import type { Decision } from './decision.js';
import type { CompiledEnvironment, LinkedFeature } from './environment.js';
import { isOn } from './feature.js';
import type { Subject } from './model.js';
import { neededFor } from './needed.js';

/*
 * Dependencies and conflicts go in two passes, because "off as long as the other is on" has no answer when both say it:
 *
 * 1. w(F): kill switch, entitlement, dependencies on w of the parents, then override, rule, roll-out, default.
 * 2. Final: off by dependency if a parent is finally off; else off by conflict if w(F) is on, and w(G) of a G in
 *    conflict with it is; else w(F).
 *
 * So two that would both be on are both off, whichever is asked first, and a third in conflict with one of them is off
 * too if it would be on. Each pass goes from parents to children and ends.
 */

/** Of the evaluation that runs; the next one overwrites them. Nothing is awaited in between. */
const would: Decision[] = [];
const final: Decision[] = [];

/** What a feature is for somebody; undefined when there is no such feature. */
export function evaluate(environment: CompiledEnvironment, key: string, subject: Subject): Decision | undefined {
  const index = environment.indexOf.get(key);
  if (index === undefined) return undefined;
  const linked = environment.features[index]!;
  if (linked.alone) return linked.feature.alone(subject);
  const { first, second } = neededFor(environment, index);
  evaluateGraph(environment, first, second, subject);
  return final[index];
}

/** What a feature would be if no conflict stood against it or what it depends on: the first pass. */
export function evaluateFirst(environment: CompiledEnvironment, key: string, subject: Subject): Decision | undefined {
  const index = environment.indexOf.get(key);
  if (index === undefined) return undefined;
  for (const at of neededFor(environment, index).first) would[at] = decideFirst(environment.features[at]!, subject);
  return would[index];
}

/** All features in the order of `environment.keys`. */
export function evaluateAll(environment: CompiledEnvironment, subject: Subject): Decision[];
/** Those that are named, in their order; undefined where there is none. */
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
  const { features, order, rank, indexOf } = environment;
  evaluateGraph(environment, order, order, subject);
  const decide = (index: number): Decision =>
    rank[index]! < 0 ? features[index]!.feature.alone(subject) : final[index]!;
  if (keys === undefined) return features.map((_, index) => decide(index));
  return keys.map((key) => {
    const index = indexOf.get(key);
    return index === undefined ? undefined : decide(index);
  });
}

function evaluateGraph(
  { features }: CompiledEnvironment,
  first: readonly number[],
  second: readonly number[],
  subject: Subject,
): void {
  for (const index of first) would[index] = decideFirst(features[index]!, subject);
  for (const index of second) final[index] = decideFinally(features, features[index]!, would[index]!, subject);
}

function decideFirst(linked: LinkedFeature, subject: Subject): Decision {
  return early(linked, subject) ?? linked.broken ?? unmetParent(linked, would) ?? linked.feature.alone(subject);
}

function decideFinally(
  features: readonly LinkedFeature[],
  linked: LinkedFeature,
  decision: Decision,
  subject: Subject,
): Decision {
  const off = early(linked, subject) ?? linked.broken ?? unmetParent(linked, final);
  if (off != null) return off;
  if (linked.conflicts.length === 0 || !isOn(linked.feature, decision)) return decision;
  for (const conflict of linked.conflicts) {
    if (isOn(features[conflict.index]!.feature, would[conflict.index]!)) return conflict.decision;
  }
  return decision;
}

/** Kill switch and a plan that excludes the feature come before dependencies. */
function early({ feature: { killed, plans } }: LinkedFeature, { organization }: Subject): Decision | null {
  if (killed !== null) return killed;
  const planned = plans?.get(organization.plan);
  return planned?.excluded ? planned.decision : null;
}

function unmetParent({ parents }: LinkedFeature, decisions: readonly Decision[]): Decision | null {
  for (const { index, isMet, unmet } of parents) {
    const decision = decisions[index]!;
    if (!isMet(decision)) return unmet(decision);
  }
  return null;
}
