import { type CompiledEnvironment, dependsOnContext, evaluateAll, type Subject } from '../evaluator/index.js';
import { equal } from '../evaluator/values.js';
import { count, type Count, none } from './count.js';
import type { CountedOrganization } from './organizations.queries.js';

/** What of one feature would be another than now. */
export interface FeatureChange {
  key: string;
  /** Whose value changes. */
  changed: Count;
  /** Whose value for the organization itself stays, and may change for some of its people. */
  perhaps: Count;
}

/** What a change would do, to each feature and altogether. */
export interface ChangeCount {
  features: FeatureChange[];
  changed: Count;
  perhaps: Count;
}

/** Counts, organization by organization, what differs between two states of the features. */
export class ChangeCounter {
  private readonly features: FeatureChange[];
  private readonly all = none();
  private readonly maybe = none();

  /** @param keys of the features whose value can differ. */
  constructor(
    private readonly before: CompiledEnvironment,
    private readonly after: CompiledEnvironment,
    private readonly keys: readonly string[],
    private readonly now: number,
  ) {
    this.features = keys.map((key) => ({ key, changed: none(), perhaps: none() }));
  }

  add(organization: CountedOrganization): void {
    const subject: Subject = { attributes: {}, organization, now: this.now };
    const [before, after] = [this.before, this.after].map((state) => evaluateAll(state, subject, this.keys));
    let [changes, perhaps] = [false, false];
    for (const [at, feature] of this.features.entries()) {
      if (differs(before![at]?.value, after![at]?.value)) {
        count(feature.changed, organization);
        changes = true;
      } else if (this.readsContext(feature.key, subject)) {
        count(feature.perhaps, organization);
        perhaps = true;
      }
    }
    if (changes) count(this.all, organization);
    else if (perhaps) count(this.maybe, organization);
  }

  /** Without the features that nobody would notice. */
  result(): ChangeCount {
    const features = this.features.filter(({ changed, perhaps }) => changed.organizations + perhaps.organizations > 0);
    return { features, changed: this.all, perhaps: this.maybe };
  }

  private readsContext(key: string, subject: Subject): boolean {
    return dependsOnContext(this.before, key, subject) || dependsOnContext(this.after, key, subject);
  }
}

type Value = Parameters<typeof equal>[0];

/** A feature that is not evaluated is another thing than one that is, whatever its value. */
function differs(before: Value | undefined, after: Value | undefined): boolean {
  if (before === undefined || after === undefined) return before !== after;
  return !equal(before, after);
}
