import type { EntityManager } from '@mikro-orm/postgresql';
import type { CreateEnvironmentRequest } from '../../environments/environments.dto.js';
import { Environment } from '../../environments/environment.entity.js';
import type { EnvironmentsService } from '../../environments/environments.service.js';
import type { Actor } from '../../kernel/actor.js';
import type { Json } from '../../kernel/json.js';
import { problem } from '../../kernel/problem.js';
import type { ConfigurationsService } from '../configurations/configurations.service.js';
import { FeatureConfiguration } from '../configurations/feature-configuration.entity.js';
import type { OpenChange } from '../change-log/change-entry.js';
import { type FeatureFacts, readFeatures, unknownPlans } from '../definitions/definitions.queries.js';
import type { DefinitionsService } from '../definitions/definitions.service.js';
import { equal } from '../evaluator/values.js';
import type { FeatureWriter } from '../feature-changes.js';
import { cycleProblem } from '../graph/graph.queries.js';
import { FeatureSegment } from '../segments/feature-segment.entity.js';
import type { CreateSegmentRequest } from '../segments/segments.dto.js';
import type { SegmentsService } from '../segments/segments.service.js';
import { Attempts } from './attempts.js';
import { cyclesAmong, inDependencyOrder } from './dependency-order.js';
import type { ImportSource, NotCarriedOver, Placed } from './import-source.js';
import type { ConfigurationEntry, FeatureEntry } from './transfer-document.dto.js';

/** The services by which an import writes. */
export interface Writers {
  environments: EnvironmentsService;
  segments: SegmentsService;
  definitions: DefinitionsService;
  configurations: ConfigurationsService;
}

/** An import within an open change. */
export class ImportRun {
  readonly attempts: Attempts;
  readonly notCarriedOver: NotCarriedOver[];
  readonly madeEnvironments: string[] = [];
  private present = new Map<string, FeatureFacts>();
  /** Features of the document that need themselves: with one made after the other, each would lack the next. */
  private cycles = new Map<string, string[]>();

  constructor(
    private readonly em: EntityManager,
    private readonly actor: Actor,
    private readonly writers: Writers,
    private readonly writer: FeatureWriter,
    private readonly change: OpenChange,
    private readonly source: ImportSource,
    beforeEach?: () => Promise<void>,
  ) {
    this.attempts = new Attempts(em, change, beforeEach);
    this.notCarriedOver = [...source.notCarriedOver];
  }

  /**
   * Makes everything as the document says it. First what stands in the way of others is loosened, so that the order does
   * not matter in which things were changed there; last is archived what nothing needs any more.
   */
  async run(): Promise<void> {
    for (const environment of this.source.environments) await this.environment(environment);
    for (const segment of this.source.segments) await this.segment(segment);
    const others = this.source.features.flatMap(({ entry: { definition } }) => [
      definition.key,
      ...(definition.conflicts ?? []),
    ]);
    this.present = new Map((await readFeatures(this.em, [...new Set(others)])).map((facts) => [facts.key, facts]));
    this.cycles = cyclesAmong(
      this.source.features.map(({ entry: { definition } }) => ({
        key: definition.key,
        needs: definition.dependencies ?? this.present.get(definition.key)?.dependencies ?? [],
      })),
    );
    await this.leaveOutUnknownPlans();
    const ordered = inDependencyOrder(this.source.features, ({ entry: { definition } }) => ({
      key: definition.key,
      needs: definition.dependencies ?? [],
    }));
    for (const feature of ordered) await this.loosen(feature);
    const archiving = ordered.filter(({ entry: { definition } }) => this.isArchiving(definition));
    for (const feature of ordered) if (!archiving.includes(feature)) await this.definition(feature);
    for (const feature of archiving.toReversed()) await this.definition(feature);
    for (const feature of ordered) await this.conflicts(feature);
    for (const { path, entry } of ordered)
      for (const [at, configuration] of entry.configurations.entries())
        await this.attempts.make(`${path}.configurations.${at}`, () => this.put(entry.definition.key, configuration));
  }

  private async environment(request: CreateEnvironmentRequest): Promise<void> {
    if ((await this.em.count(Environment, { key: request.key })) > 0) return;
    await this.attempts.make(`environments.${request.key}`, async () => {
      await this.writers.environments.create(this.actor, request, {
        change: (key, work) => {
          this.change.names(`environment:${key}`);
          return work(this.em);
        },
      });
      this.madeEnvironments.push(request.key);
    });
  }

  private async segment({ path, entry }: Placed<CreateSegmentRequest>): Promise<void> {
    const { key, ...fields } = entry;
    const isPresent = (await this.em.count(FeatureSegment, { key })) > 0;
    await this.attempts.make(path, () =>
      isPresent
        ? this.writers.segments.update(this.actor, key, fields, null, this.writer)
        : this.writers.segments.create(this.actor, entry, this.writer),
    );
  }

  /** What plans give that are not here is told of; what plans give that the document does not know stays. */
  private async leaveOutUnknownPlans(): Promise<void> {
    const { features, plans: known } = this.source;
    const named = new Set(features.flatMap(({ entry }) => Object.keys(entry.definition.plans ?? {})));
    const unknown = new Set(await unknownPlans(this.em, [...named]));
    for (const { path, entry } of features) {
      const { definition } = entry;
      if (!definition.plans) continue;
      const given = Object.entries(definition.plans);
      const kept = Object.entries(this.present.get(definition.key)?.plans ?? {}).filter(
        ([plan]) => !known.includes(plan),
      );
      definition.plans = Object.fromEntries([...kept, ...given.filter(([plan]) => !unknown.has(plan))]);
      for (const [plan, value] of given)
        if (unknown.has(plan))
          this.notCarriedOver.push({
            path: `${path}.definition.plans.${plan}`,
            what: `${JSON.stringify(value).slice(0, 100)} for the plan "${plan}"`,
            why: 'There is no such plan here: make it, and import once more',
          });
    }
  }

  /** Takes away what the document takes away, before anything is added. */
  private async loosen({ path, entry: { definition, configurations } }: Placed<FeatureEntry>): Promise<void> {
    const { key, variants, schema } = definition;
    const before = this.present.get(key);
    if (!before || before.type !== definition.type) return;
    const stays = (all: string[], now?: string[]): string[] => (now ? all.filter((one) => now.includes(one)) : all);
    const dependencies = stays(before.dependencies, definition.dependencies);
    const conflicts = stays(before.conflicts, definition.conflicts);
    const isSame = (given: unknown, was: unknown): boolean => given === undefined || equal(given as Json, was as Json);
    if (!isSame(dependencies, before.dependencies) || !isSame(conflicts, before.conflicts))
      await this.attempts.make(`${path}.definition`, () =>
        this.writers.definitions.update(this.actor, key, { dependencies, conflicts }, null, this.writer),
      );
    if (isSame(variants, before.variants) && isSame(schema, before.schema)) return;
    const stored = await this.em.find(FeatureConfiguration, {
      feature: key,
      environment: { $in: configurations.map(({ environment }) => environment) },
    });
    // What rules give of values and variants that go would hold them back; nobody sees it so before the commit.
    for (const { environment, enabled, rules } of stored)
      if (rules.some(({ value, variant }) => value !== undefined || variant !== undefined))
        await this.attempts.make(`${path}.definition`, () =>
          this.put(key, { environment: environment.key, enabled, rules: [], rollout: null }),
        );
  }

  private isArchiving({ key, lifecycle }: FeatureEntry['definition']): boolean {
    const before = this.present.get(key);
    return before !== undefined && before.lifecycle !== 'archived' && lifecycle === 'archived';
  }

  private async definition({ path, entry }: Placed<FeatureEntry>): Promise<void> {
    const { key, type, ...fields } = { ...entry.definition, ...this.presentConflicts(entry.definition) };
    const before = this.present.get(key);
    const cycle = this.cycles.get(key);
    await this.attempts.make(`${path}.definition`, async () => {
      if (cycle) throw cycleProblem(cycle);
      if (before && before.type !== type)
        throw problem('conflict', { detail: `${key} is of type ${before.type} here; a type cannot be changed` });
      const after = before
        ? await this.writers.definitions.update(this.actor, key, fields, null, this.writer)
        : await this.writers.definitions.create(this.actor, { ...fields, key, type }, this.writer);
      this.present.set(key, after);
    });
  }

  /** What conflicts with it and is here: what comes later is added when it is there. */
  private presentConflicts({ key, conflicts }: FeatureEntry['definition']): { conflicts?: string[] } {
    return conflicts ? { conflicts: conflicts.filter((other) => other === key || this.present.has(other)) } : {};
  }

  /** Adds the conflicts with what came after it, where that does not name it itself. */
  private async conflicts({ path, entry: { definition } }: Placed<FeatureEntry>): Promise<void> {
    const { key, conflicts: named = [] } = definition;
    const coming = new Set(this.source.features.map(({ entry }) => entry.definition.key));
    for (const other of named)
      if (!this.present.has(other) && !coming.has(other))
        this.notCarriedOver.push({
          path: `${path}.definition.conflicts`,
          what: `the conflict of ${key} with "${other}"`,
          why: 'There is no such feature here, nor in the document; it is made when that comes',
        });
    const { conflicts } = this.presentConflicts(definition);
    if (conflicts && this.present.has(key) && conflicts.some((other) => !this.knows(key, other)))
      await this.attempts.make(`${path}.definition`, () =>
        this.writers.definitions.update(this.actor, key, { conflicts }, null, this.writer),
      );
  }

  /** Whether a conflict stands in one of both as it was written. */
  private knows(key: string, other: string): boolean {
    const named = (one: string, two: string): boolean => this.present.get(one)?.conflicts.includes(two) ?? false;
    return named(key, other) || named(other, key);
  }

  private async put(key: string, { environment, ...request }: ConfigurationEntry): Promise<void> {
    await this.writers.configurations.put(this.actor, key, environment, request, null, this.writer);
  }
}
