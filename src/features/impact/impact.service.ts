import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { Actor } from '../../kernel/actor.js';
import { invalidField } from '../../kernel/problem.js';
import { ConfigurationsService } from '../configurations/configurations.service.js';
import { DefinitionsService } from '../definitions/definitions.service.js';
import { DEFAULT_ENVIRONMENT } from '../evaluation/evaluation.service.js';
import type { CompiledEnvironment } from '../evaluator/index.js';
import { FeatureChanges } from '../feature-changes.js';
import { Clock } from '../snapshots/clock.js';
import { compileSnapshot } from '../snapshots/snapshot.js';
import { readStoredFeatures, type StoredFeatures } from '../snapshots/stored-features.queries.js';
import { type ChangeCount, ChangeCounter } from './change-count.js';
import { DryRun } from './dry-run.js';
import type { PreviewRequest } from './impact.dto.js';
import { activeOrganizations, type CountedOrganization, countOverrides } from './organizations.queries.js';
import { affectedBy, conflictsOf, type Dependent, dependentsOf, neededBy } from './reach.js';
import { type StateCount, StateCounter } from './state-count.js';

/** What hangs on a feature in an environment, and what switching it there would do. */
export interface Impact {
  environment: string;
  revision: number;
  enabled: boolean;
  needs: string[];
  neededBy: Dependent[];
  conflicts: string[];
  /** Plans that give a value of it, or limit it. */
  plans: string[];
  /** Organizations with an override of it that counts in the environment. */
  overrides: number;
  organizations: StateCount;
  switched: ChangeCount;
}

/** What depends on a feature, and what a change of it would do, before it is done. */
@Injectable()
export class ImpactService {
  constructor(
    private readonly em: EntityManager,
    private readonly clock: Clock,
    private readonly changes: FeatureChanges,
    private readonly definitions: DefinitionsService,
    private readonly configurations: ConfigurationsService,
  ) {}

  /** @throws Problem `not_found`; `validation_failed` for an unknown environment. */
  async of(key: string, environmentKey = DEFAULT_ENVIRONMENT): Promise<Impact> {
    const stored = await readStoredFeatures(this.em, null);
    const environment = compiled(stored, environmentKey);
    const { plans } = await this.definitions.get(key);
    const enabled = stored.features.find((one) => one.key === key)?.configurations[environmentKey]?.enabled ?? true;
    const counter = new StateCounter(environment, key, this.clock.now());
    const switched = await this.compare(
      stored,
      switchedTo(stored, key, environmentKey, !enabled),
      key,
      environmentKey,
      counter,
    );
    return {
      environment: environmentKey,
      revision: stored.revision,
      enabled,
      needs: neededBy(environment, key),
      neededBy: dependentsOf(environment, key),
      conflicts: conflictsOf(environment, key),
      plans: Object.keys(plans),
      overrides: await countOverrides(this.em, key, environmentKey),
      organizations: counter.result(),
      switched,
    };
  }

  /**
   * Tries a change and takes it back: what it would do, or the refusal that it would meet.
   * @throws Problem whatever the change itself would be refused with; `validation_failed` for more or less than one change.
   */
  async preview(actor: Actor, key: string, request: PreviewRequest): Promise<{ environment: string } & ChangeCount> {
    const { environment = DEFAULT_ENVIRONMENT, definition, configuration, remove } = request;
    if ([definition, configuration, remove].filter((change) => change !== undefined).length !== 1)
      throw invalidField('definition', 'one_change', 'Name one of definition, configuration and remove');
    const before = await readStoredFeatures(this.em, null);
    const dryRun = new DryRun(this.changes);
    if (definition) await this.definitions.update(actor, key, definition, null, dryRun);
    else if (configuration) await this.configurations.put(actor, key, environment, configuration, null, dryRun);
    else await this.definitions.remove(actor, key, null, null, dryRun);
    return { environment, ...(await this.compare(before, dryRun.stored, key, environment)) };
  }

  /** @param counters that see every organization as well. */
  private async compare(
    before: StoredFeatures,
    after: StoredFeatures,
    key: string,
    environmentKey: string,
    ...counters: { add(organization: CountedOrganization): void }[]
  ): Promise<ChangeCount> {
    const states = [compiled(before, environmentKey), compiled(after, environmentKey)] as const;
    const keys = affectedBy(states, key);
    const counter = new ChangeCounter(...states, keys, this.clock.now());
    for await (const page of activeOrganizations(this.em, keys))
      for (const organization of page) for (const one of [counter, ...counters]) one.add(organization);
    return counter.result();
  }
}

function compiled(stored: StoredFeatures, environmentKey: string): CompiledEnvironment {
  if (!stored.environments.includes(environmentKey))
    throw invalidField('environment', 'environment_unknown', 'There is no such environment');
  return compileSnapshot({ ...stored, environments: [environmentKey] }).environments.get(environmentKey)!;
}

function switchedTo(stored: StoredFeatures, key: string, environmentKey: string, enabled: boolean): StoredFeatures {
  const features = stored.features.map((feature) => {
    if (feature.key !== key) return feature;
    const configuration = { rules: [], ...feature.configurations[environmentKey], enabled };
    return { ...feature, configurations: { ...feature.configurations, [environmentKey]: configuration } };
  });
  return { ...stored, features };
}
