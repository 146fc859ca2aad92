import { CATEGORY } from '../../definitions/definitions.dto.js';
import type { RolloutData, RuleData } from '../../evaluator/model.js';
import { Keys, toTags, uniqueNames } from '../foreign-names.js';
import type { NotCarriedOver, Placed, Translated } from '../import-source.js';
import type {
  UnleashDocument,
  UnleashFlag,
  UnleashFlagEnvironment,
  UnleashFlagStrategy,
  UnleashFlagVariant,
} from './document.js';
import { Segments } from './segments.js';
import { everybody, toRule, toStrategy, type TranslatedStrategy } from './strategies.js';
import { FlagVariants, stickinessOf } from './variants.js';

/** What has no counterpart, and decides nothing. */
const WITHOUT_MEANING = {
  contextFields: 'Attributes of a context are not declared here',
  tagTypes: 'Tags have no types here',
  links: 'A feature has no links here',
} as const;

/**
 * Flags of Unleash as boolean features, bucketed as Unleash does, so that everybody keeps what they have. A strategy is a
 * rule; one that has no counterpart is left out, so that nobody gets a feature who did not have it.
 */
export function translateUnleash(document: UnleashDocument): Translated {
  const notCarriedOver: NotCarriedOver[] = [];
  for (const [field, why] of Object.entries(WITHOUT_MEANING) as [keyof typeof WITHOUT_MEANING, string][]) {
    const { length } = document[field] ?? [];
    if (length > 0) notCarriedOver.push({ path: `document.${field}`, what: `all ${length}`, why });
  }
  return new Translation(document, notCarriedOver).translate();
}

class Translation {
  private readonly environments: string[];
  private readonly features: Keys;
  private readonly segments: Segments;
  private readonly strategies: Map<string, Placed<UnleashFlagStrategy>[]>;

  constructor(
    private readonly document: UnleashDocument,
    private readonly notes: NotCarriedOver[],
  ) {
    this.environments = [...new Set((document.featureEnvironments ?? []).map(({ environment }) => environment))];
    this.features = new Keys('feature', notes);
    this.segments = new Segments(document, notes);
    const placed = (document.featureStrategies ?? []).map((entry, at) => ({
      path: `document.featureStrategies.${at}`,
      entry,
    }));
    this.strategies = Map.groupBy(
      placed.toSorted((one, other) => (one.entry.sortOrder ?? 0) - (other.entry.sortOrder ?? 0)),
      ({ entry }) => entry.featureName,
    );
  }

  translate(): Translated {
    const flags = this.document.features.map((entry, at) => ({ path: `document.features.${at}`, entry }));
    const keyed = flags.flatMap((flag) => {
      const key = this.features.give(flag.entry.name, `${flag.path}.name`);
      return key === null ? [] : [{ ...flag, key }];
    });
    return {
      environments: this.environments,
      segments: this.segments.entries,
      features: keyed.map(({ path, entry, key }) => ({ path, entry: this.feature(key, entry, path) })),
      notCarriedOver: this.notes,
    };
  }

  private feature(key: string, flag: UnleashFlag, path: string) {
    const { name, description = null, project, stale, archived } = flag;
    const own = this.environmentsOf(flag);
    const strategies = own.map((one) => this.strategiesOf(flag, one));
    const lists = own.flatMap(({ entry, path: at }, index) => [
      ...strategies[index]!.map((one) => ({ list: one.entry.variants ?? [], path: `${one.path}.variants` })),
      { list: entry.variants ?? flag.variants ?? [], path: `${at}.variants` },
    ]);
    const first = lists.find(({ list }) => list.length > 0);
    const variants = new FlagVariants(name, first?.list ?? null, first?.path ?? path, this.notes);
    const { dependencies, isBlocked } = this.dependencies(name);
    const tags = (this.document.featureTags ?? []).filter(({ featureName }) => featureName === name);
    return {
      definition: {
        key,
        name: [...name].slice(0, 120).join(''),
        description: description || null,
        type: 'boolean',
        defaultValue: false,
        variants: variants.variants,
        dependencies,
        lifecycle: archived ? 'archived' : stale ? 'deprecated' : 'active',
        ...(project && project !== 'default' && CATEGORY.test(project) && { category: project }),
        tags: toTags(
          tags.map(({ tagType = 'simple', tagValue }) => (tagType === 'simple' ? tagValue : `${tagType}.${tagValue}`)),
          path,
          this.notes,
        ),
      },
      configurations: own.map(({ entry }, index) => ({
        environment: entry.environment,
        enabled: entry.enabled && !isBlocked,
        rules: this.rules(key, flag, entry, strategies[index]!, variants),
      })),
    };
  }

  private environmentsOf({ name }: UnleashFlag): Placed<UnleashFlagEnvironment>[] {
    return (this.document.featureEnvironments ?? [])
      .map((entry, at) => ({ path: `document.featureEnvironments.${at}`, entry }))
      .filter(({ entry }) => entry.featureName === name);
  }

  private strategiesOf(
    { name }: UnleashFlag,
    { entry }: Placed<UnleashFlagEnvironment>,
  ): Placed<UnleashFlagStrategy>[] {
    const isOnly = this.environments.length === 1;
    return (this.strategies.get(name) ?? []).filter(
      ({ entry: { environment } }) => environment === entry.environment || (environment === undefined && isOnly),
    );
  }

  private rules(
    key: string,
    flag: UnleashFlag,
    environment: UnleashFlagEnvironment,
    strategies: readonly Placed<UnleashFlagStrategy>[],
    variants: FlagVariants,
  ): RuleData[] {
    const ofFlag = environment.variants ?? flag.variants ?? [];
    const taken = strategies.flatMap(({ path, entry }) => {
      const strategy = this.strategy(entry, path);
      return strategy ? [{ path, entry, strategy }] : [];
    });
    // No strategy at all takes everybody; none that could be carried over takes nobody.
    if (strategies.length === 0) {
      const rollout =
        variants.variants && ofFlag.length > 0 ? this.salted(everybody(stickinessOf(ofFlag)), key, flag.name) : null;
      return [toRule('Everybody', { when: [], segments: [], rollout })];
    }
    const names = uniqueNames(taken.map(({ entry }) => entry.title || entry.name || entry.strategyName || 'Strategy'));
    return taken.map(({ path, entry, strategy }, at) => {
      const ofStrategy = (entry.variants ?? []).length > 0;
      const list: readonly UnleashFlagVariant[] = ofStrategy ? entry.variants! : ofFlag;
      variants.compare(list, ofStrategy, strategy.rollout, path);
      const drawn = strategy.rollout ?? (variants.variants && list.length > 0 ? everybody(stickinessOf(list)) : null);
      return toRule(names[at]!, { ...strategy, rollout: drawn && this.salted(drawn, key, flag.name) });
    });
  }

  private strategy(entry: UnleashFlagStrategy, path: string): TranslatedStrategy | null {
    const what = `the strategy "${(entry.title || entry.name || entry.strategyName) ?? ''}" of "${entry.featureName}"`;
    if (entry.disabled) {
      this.notes.push({ path, what, why: 'It is disabled there, and a rule is not disabled here' });
      return null;
    }
    const ids =
      entry.segments ??
      this.document.featureStrategySegments
        ?.filter(({ featureStrategyId }) => featureStrategyId === entry.id)
        .map(({ segmentId }) => segmentId) ??
      [];
    const strategy = toStrategy(entry, ids, (id) => this.segments.of(id));
    if (!('why' in strategy)) return strategy;
    const at = strategy.at ? `${path}.${strategy.at}` : path;
    this.notes.push({ path: at, what, why: `${strategy.why}: whom only it takes does not get the feature` });
    return null;
  }

  /** Unleash hashes the name of the flag where no group is said; ours is the key. */
  private salted(rollout: RolloutData, key: string, name: string): RolloutData {
    const { salt = name, ...rest } = rollout;
    return salt === key ? rest : { ...rest, salt };
  }

  /** Parents that have to be on; any other demand is one that we cannot make, so the feature is off until somebody looks. */
  private dependencies(name: string): { dependencies: string[]; isBlocked: boolean } {
    const dependencies: string[] = [];
    let isBlocked = false;
    for (const [at, { feature, dependencies: parents }] of (this.document.dependencies ?? []).entries()) {
      if (feature !== name) continue;
      for (const [index, parent] of parents.entries()) {
        if (parent.enabled !== false && (parent.variants ?? []).length === 0) {
          dependencies.push(this.features.of(parent.feature));
          continue;
        }
        isBlocked = true;
        this.notes.push({
          path: `document.dependencies.${at}.dependencies.${index}`,
          what: `that "${name}" needs "${parent.feature}" ${parent.enabled === false ? 'to be off' : 'to give certain variants'}`,
          why: 'A feature needs others to be on, and nothing else: it is switched off everywhere until you decide',
        });
      }
    }
    return { dependencies: [...new Set(dependencies)], isBlocked };
  }
}
