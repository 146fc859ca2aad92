import type { Variant } from '../../definitions/feature-definition.entity.js';
import type { RolloutData } from '../../evaluator/model.js';
import { equal } from '../../evaluator/values.js';
import type { Json } from '../../../kernel/json.js';
import { toKey } from '../foreign-names.js';
import type { NotCarriedOver } from '../import-source.js';
import { toAttribute } from './conditions.js';
import type { UnleashFlagVariant } from './document.js';

const WHOLE = 1_000;

/** The variants of a flag: Unleash has them in strategies or environments, we in the feature. */
export class FlagVariants {
  /** As the feature has them; null for none. */
  readonly variants: Variant[] | null;

  /**
   * @param chosen the first list that somebody is given variants of; null where there is none.
   * @param path of that list.
   */
  constructor(
    private readonly flag: string,
    private readonly chosen: readonly UnleashFlagVariant[] | null,
    path: string,
    private readonly notes: NotCarriedOver[],
  ) {
    this.variants = chosen && this.translate(chosen, path);
  }

  /**
   * Notes where people may get another variant than they had.
   * @param list that Unleash draws from; of the flag unless `ofStrategy`.
   * @param rollout that decides here, null for everybody.
   */
  compare(list: readonly UnleashFlagVariant[], ofStrategy: boolean, rollout: RolloutData | null, path: string): void {
    if (!this.variants) return;
    const differs = !equal(shares(list), shares(this.chosen!));
    if (differs && list.length > 0)
      this.note(
        path,
        'its own variants',
        'A feature has one list of variants: whom it takes keeps the feature, and gets one of those of the feature',
      );
    else if (differs && rollout)
      this.note(path, 'that it gives no variants', 'A feature with variants gives one of them by every roll-out');
    const isSame = !rollout || (rollout.by === stickinessOf(list) && (rollout.salt ?? this.flag) === this.flag);
    if (!differs && list.length > 0 && !ofStrategy && !isSame)
      this.note(
        path,
        'which variant is whose',
        'Variants are drawn by the roll-out, with its stickiness and group: people may get another one',
      );
  }

  private translate(list: readonly UnleashFlagVariant[], path: string): Variant[] | null {
    const keys = list.map(({ name }) => toKey(name));
    const sum = list.reduce((total, { weight }) => total + weight, 0);
    const refuse = (why: string): null =>
      this.note(path, 'the variants', `${why}: the feature is on or off without them`);
    if (keys.includes(null) || new Set(keys).size < keys.length) return refuse('Their names give no key for each');
    if (sum !== WHOLE) return refuse(`Their weights are ${sum} together, not ${WHOLE}`);
    for (const [at, { name, payload, overrides }] of list.entries()) {
      if (keys[at] !== name)
        this.note(`${path}.${at}`, `the variant "${name}", by this name`, `Its key here is "${keys[at]}"`);
      if (payload)
        this.note(
          `${path}.${at}.payload`,
          `the payload of the variant "${name}"`,
          'The feature stays a boolean, whose variant is told by its key; a feature of type string or json gives values',
        );
      if (overrides && overrides.length > 0)
        this.note(
          `${path}.${at}.overrides`,
          `the overrides of the variant "${name}"`,
          'Put rules in front that give the variant to these people',
        );
    }
    return list.map(({ weight }, at) => ({ key: keys[at]!, value: true, weight: weight / 10 }));
  }

  private note(path: string, what: string, why: string): null {
    this.notes.push({ path, what: `${what} of "${this.flag}"`, why });
    return null;
  }
}

/** What keeps somebody at their variant. */
export function stickinessOf(list: readonly UnleashFlagVariant[]): string {
  return toAttribute(list[0]?.stickiness ?? 'default');
}

function shares(list: readonly UnleashFlagVariant[]): Json {
  return list.map(({ name, weight }) => ({ name, weight }));
}
