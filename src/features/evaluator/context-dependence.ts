import type { CompiledEnvironment, LinkedFeature } from './environment.js';
import type { Subject } from './model.js';
import { overrideFor } from './overrides.js';

/** What is known of somebody before there is a context. */
export type Organization = Pick<Subject, 'organization' | 'now'>;

/**
 * Whether a feature may be another one with another context, that is with other attributes or another targeting key.
 * It says yes in doubt: a rule whose conditions cannot be met reads the context all the same.
 * @param asked for one organization, whose plan or override may settle it; without it for any.
 */
export function dependsOnContext(environment: CompiledEnvironment, key: string, asked?: Organization): boolean {
  return readsContext(environment, key, asked, withConflicts);
}

/** The same of what the first pass says, which asks no conflicts. */
export function wouldDependOnContext(environment: CompiledEnvironment, key: string, asked?: Organization): boolean {
  return readsContext(environment, key, asked, ({ parents }) => parents);
}

/**
 * Whether a feature may be one thing for some and another for others. It says yes in doubt.
 * @param overridden keys of the features that some organization overrides.
 */
export function couldVary(environment: CompiledEnvironment, key: string, overridden: ReadonlySet<string>): boolean {
  return hangsOn(
    environment,
    key,
    withConflicts,
    (linked) => isSettled(linked),
    ({ feature }) => feature.varies || overridden.has(feature.key),
  );
}

type Others = (linked: LinkedFeature) => readonly { readonly index: number }[];
const withConflicts: Others = ({ parents, conflicts }) => [...parents, ...conflicts];

function readsContext(
  environment: CompiledEnvironment,
  key: string,
  asked: Organization | undefined,
  others: Others,
): boolean {
  return hangsOn(
    environment,
    key,
    others,
    (linked) => isSettled(linked, asked),
    (linked) => linked.feature.readsContext && !isGiven(linked, asked),
  );
}

/** Whether something holds for a feature or one that it hangs on; beyond what is settled nothing is looked at. */
function hangsOn(
  environment: CompiledEnvironment,
  key: string,
  others: Others,
  settled: (linked: LinkedFeature) => boolean,
  holds: (linked: LinkedFeature) => boolean,
): boolean {
  const index = environment.indexOf.get(key);
  const seen = new Set(index === undefined ? [] : [index]);
  for (const at of seen) {
    const linked = environment.features[at]!;
    if (settled(linked)) continue;
    if (holds(linked)) return true;
    for (const { index: other } of others(linked)) seen.add(other);
  }
  return false;
}

/** Off before parents and conflicts are looked at. */
function isSettled({ feature, broken }: LinkedFeature, asked?: Organization): boolean {
  if (feature.killed || broken) return true;
  return !!asked && !!feature.plans?.get(asked.organization.plan)?.excluded;
}

/** The same for everybody once parents and conflicts allow it. */
function isGiven({ feature }: LinkedFeature, asked?: Organization): boolean {
  if (!asked) return false;
  const { organization, now } = asked;
  if (feature.plans?.get(organization.plan)?.fixed) return true;
  return overrideFor(organization.overrides, feature.key, feature.environment, now) !== undefined;
}
