import type { RolloutData, RuleData } from '../../evaluator/model.js';
import { Keys, toTags, uniqueNames } from '../foreign-names.js';
import type { NotCarriedOver, Placed, Translated } from '../import-source.js';
import { toConditions } from './conditions.js';
import type { LaunchDarklyDocument, LaunchDarklyEnvironment, LaunchDarklyFlag, LaunchDarklyServe } from './document.js';
import { Segments } from './segments.js';
import { type Given, Variations } from './variations.js';

/**
 * Flags of LaunchDarkly as features. Rules there are asked in their order and the first decides, so where one cannot be
 * carried over the feature is switched off in that environment: leaving a rule out could give it to more people.
 */
export function translateLaunchDarkly(document: LaunchDarklyDocument): Translated {
  const notes: NotCarriedOver[] = [];
  const keys = new Keys('feature', notes);
  const segments = new Segments(document, notes);
  const flags = document.items.map((flag, at) => ({ flag, path: `document.items.${at}` }));
  const keyed = flags.flatMap(({ flag, path }) => {
    const key = keys.give(flag.key, `${path}.key`);
    return key === null ? [] : [{ flag, path, key }];
  });
  const byKey = new Map(document.items.map((flag) => [flag.key, flag]));
  const features = keyed.map(({ flag, path, key }) => {
    const translation = new FlagTranslation(flag, path, keys, segments, byKey, notes);
    return { path, entry: translation.translate(key) };
  });
  const environments = document.items.flatMap((flag) => Object.keys(flag.environments ?? {}));
  return { environments: [...new Set(environments)], segments: segments.entries, features, notCarriedOver: notes };
}

class FlagTranslation {
  private readonly variations: Variations;
  private readonly dependencies = new Set<string>();
  private readonly demands: string[];

  constructor(
    private readonly flag: LaunchDarklyFlag,
    private readonly path: string,
    private readonly keys: Keys,
    private readonly segments: Segments,
    private readonly flags: ReadonlyMap<string, LaunchDarklyFlag>,
    private readonly notes: NotCarriedOver[],
  ) {
    this.variations = new Variations(flag);
    this.demands = Object.values(flag.environments ?? {}).map(({ prerequisites }) =>
      (prerequisites ?? [])
        .map(({ key, variation }) => `${key} ${variation}`)
        .sort()
        .join(),
    );
  }

  translate(key: string): Placed<{ definition: object; configurations: { environment: string }[] }>['entry'] {
    const {
      name = key,
      description,
      tags = [],
      temporary,
      archived,
      deprecated,
      _maintainer,
      environments,
    } = this.flag;
    const { type, defaultValue, variants } = this.variations;
    const configurations = Object.entries(environments ?? {}).map(([environment, one]) => ({
      environment,
      ...this.configuration(environment, one),
    }));
    if (new Set(this.demands).size > 1)
      this.note(
        'environments',
        'that it needs other flags in some environments',
        'A feature needs others everywhere: it is off, too, where one of them is',
      );
    return {
      definition: {
        key,
        name: [...name].slice(0, 120).join('') || key,
        description: description || null,
        type,
        defaultValue,
        ...(type === 'json' && { schema: this.flag.variationJsonSchema ?? null }),
        variants,
        dependencies: [...this.dependencies],
        lifecycle: archived ? 'archived' : deprecated ? 'deprecated' : 'active',
        ...(_maintainer?.email && { owner: _maintainer.email }),
        tags: toTags([...tags, ...(temporary ? ['temporary'] : [])], `${this.path}.tags`, this.notes),
      },
      configurations,
    };
  }

  private configuration(
    environment: string,
    { on, offVariation, targets, contextTargets, rules, fallthrough, prerequisites }: LaunchDarklyEnvironment,
  ): { enabled: boolean; rules: RuleData[]; rollout: RolloutData | null } {
    const at = `environments.${environment}`;
    const given: RuleData[] = [];
    const names: string[] = [];
    let isWhole = this.prerequisites(prerequisites ?? [], at);
    const add = (name: string, asked: Omit<RuleData, 'name'>, givens: readonly Given[]): void => {
      for (const one of givens) {
        names.push(name);
        given.push({ name, ...asked, ...one });
      }
    };
    const serve = (name: string, asked: Omit<RuleData, 'name'>, what: LaunchDarklyServe, path: string): void => {
      const givens = this.variations.give(what);
      if (typeof givens !== 'string') {
        add(name, asked, givens);
        if (what.rollout) this.moved(path);
        return;
      }
      isWhole = false;
      this.left(path, givens);
    };
    for (const [index, { variation, values, contextKind = 'user' }] of [
      ...(targets ?? []),
      ...(contextTargets ?? []),
    ].entries()) {
      if (values.length === 0) continue;
      const asked = toConditions([{ attribute: 'key', op: 'in', values, contextKind }], () => undefined);
      const path = `${at}.${index < (targets ?? []).length ? `targets.${index}` : `contextTargets.${index - (targets ?? []).length}`}`;
      if (!('why' in asked)) serve('Individual targets', asked, { variation }, path);
      else {
        isWhole = false;
        this.left(path, asked.why);
      }
    }
    for (const [index, rule] of (rules ?? []).entries()) {
      const asked = toConditions(rule.clauses, (key) => this.segments.of(environment, key));
      if (!('why' in asked)) serve(rule.description || `Rule ${index + 1}`, asked, rule, `${at}.rules.${index}`);
      else {
        isWhole = false;
        this.left(`${at}.rules.${index}.clauses.${asked.at}`, asked.why);
      }
    }
    if (fallthrough) serve('Everybody else', { when: [] }, fallthrough, `${at}.fallthrough`);
    return {
      ...this.whenOff(on, offVariation, at),
      rules: named(given, names),
      rollout: null,
      ...(!isWhole && { enabled: false }),
    };
  }

  /** A feature that is switched off is false, or what it is by default. */
  private whenOff(on: boolean, offVariation: number | null | undefined, at: string): { enabled: boolean } {
    const off = this.variations.valueOf(offVariation ?? this.variations.off);
    const isDefault = JSON.stringify(off) === JSON.stringify(this.variations.defaultValue);
    if (offVariation != null && !isDefault)
      this.note(
        `${at}.offVariation`,
        `what it is while it is off in this environment, ${JSON.stringify(off)?.slice(0, 100)}`,
        `Switched off it is ${JSON.stringify(this.variations.defaultValue).slice(0, 100)}`,
      );
    return { enabled: on };
  }

  /** @returns whether all that it needs could be said. */
  private prerequisites(needed: readonly { key: string; variation: number }[], at: string): boolean {
    let isWhole = true;
    for (const [index, { key, variation }] of needed.entries()) {
      const parent = this.flags.get(key);
      const value = parent?.variations[variation]?.value;
      if (value === true) this.dependencies.add(this.keys.of(key));
      else {
        isWhole = false;
        this.left(
          `${at}.prerequisites.${index}`,
          parent
            ? `A feature needs others to be on, not a certain variation of "${key}"`
            : `"${key}" is not in the document`,
        );
      }
    }
    return isWhole;
  }

  private moved(path: string): void {
    this.note(
      path,
      'who is inside of the roll-out',
      'The percentage stays; people are bucketed in another way, so that single ones may change sides',
    );
  }

  private left(path: string, why: string): void {
    this.note(path, 'this', `${why}: the feature is switched off in this environment until you decide`);
  }

  private note(path: string, what: string, why: string): void {
    this.notes.push({ path: `${this.path}.${path}`, what: `${what} of "${this.flag.key}"`, why });
  }
}

function named(rules: readonly RuleData[], names: readonly string[]): RuleData[] {
  const unique = uniqueNames(names);
  return rules.map((rule, at) => ({ ...rule, name: unique[at]! }));
}
