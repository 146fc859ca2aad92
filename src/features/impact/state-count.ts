import { type CompiledEnvironment, dependsOnContext, evaluate, isOn } from '../evaluator/index.js';
import { count, type Count, none } from './count.js';
import type { CountedOrganization } from './organizations.queries.js';

/** How many organizations have a feature on, and how many off, each for itself, without a context. */
export interface StateCount {
  on: Count;
  off: Count;
  /** Of both, those for whose people a rule or roll-out may say something else. */
  dependingOnContext: Count;
}

/** Counts, organization by organization, where a feature is on. */
export class StateCounter {
  private readonly counts: StateCount = { on: none(), off: none(), dependingOnContext: none() };

  constructor(
    private readonly environment: CompiledEnvironment,
    private readonly key: string,
    private readonly now: number,
  ) {}

  add(organization: CountedOrganization): void {
    const { environment, key, now } = this;
    const index = environment.indexOf.get(key);
    const decision = evaluate(environment, key, { attributes: {}, organization, now });
    const on = decision !== undefined && isOn(environment.features[index!]!.feature, decision);
    count(on ? this.counts.on : this.counts.off, organization);
    if (dependsOnContext(environment, key, { organization, now })) count(this.counts.dependingOnContext, organization);
  }

  result(): StateCount {
    return this.counts;
  }
}
