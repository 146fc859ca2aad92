import type { Condition, Rollout, Rule, Variant } from '../evaluator/model.js';
import { NEVER, toCondition } from './constraints.js';
import type { UnleashFeature, UnleashStrategy, UnleashVariant } from './model.js';

type Parameters = Record<string, string>;

/** What a strategy asks beside its constraints, and whom it takes; a strategy that we do not know takes nobody. */
const STRATEGIES: Record<string, (parameters: Parameters) => { when?: Condition; rollout?: Rollout }> = {
  default: () => ({}),
  userWithId: ({ userIds = '' }) => ({ when: { attribute: 'userId', operator: 'in', values: listed(userIds) } }),
  remoteAddress: ({ IPs = '' }) => ({
    when: { attribute: 'remoteAddress', operator: 'in_cidr', values: listed(IPs) },
  }),
  gradualRolloutUserId: ({ percentage, groupId = '' }) => ({ rollout: rollout('userId', percentage, groupId) }),
  gradualRolloutSessionId: ({ percentage, groupId = '' }) => ({ rollout: rollout('sessionId', percentage, groupId) }),
  gradualRolloutRandom: ({ percentage }) => ({ rollout: rollout('random', percentage, '') }),
  flexibleRollout: (parameters) => ({
    rollout: rollout(parameters.stickiness ?? 'default', parameters.rollout, parameters.groupId),
  }),
};

/** A rule for each strategy, in their order; no strategy at all is one that takes everybody. */
export function toRules(feature: UnleashFeature): Rule[] {
  const strategies = feature.strategies?.length ? feature.strategies : [{ name: 'default' }];
  return strategies.map((strategy, index) => toRule(feature, strategy, `${index}: ${strategy.name}`));
}

function toRule(feature: UnleashFeature, strategy: UnleashStrategy, name: string): Rule {
  const known = Object.hasOwn(STRATEGIES, strategy.name) ? STRATEGIES[strategy.name] : undefined;
  const { when, rollout: membership } = known?.(strategy.parameters ?? {}) ?? { when: NEVER };
  const variants = variantsOf(feature, strategy);
  return {
    name,
    when: [...(when ? [when] : []), ...(strategy.constraints ?? []).map(toCondition)],
    segments: (strategy.segments ?? []).map(String),
    ...(membership || variants
      ? { rollout: { ...(membership ?? rollout('random', '100', '')), ...variants } }
      : { value: true }),
  };
}

/** Variants of the strategy, sticky as it is; else those of the feature, sticky as the first of them says. */
function variantsOf(
  { name, variants }: UnleashFeature,
  strategy: UnleashStrategy,
): Pick<Rollout, 'variants' | 'variantBy' | 'variantSalt'> | undefined {
  if (strategy.variants?.length) {
    const { stickiness = 'default', groupId = name } = strategy.parameters ?? {};
    return { variants: strategy.variants.map(toVariant), variantBy: stickiness, variantSalt: groupId };
  }
  if (!variants?.length) return undefined;
  return { variants: variants.map(toVariant), variantBy: variants[0]!.stickiness ?? 'default', variantSalt: name };
}

function toVariant({ name, weight, overrides = [] }: UnleashVariant): Variant {
  const forced = overrides.map(({ contextName, values }): Condition => ({
    attribute: contextName,
    operator: 'in',
    values,
  }));
  return { key: name, value: true, weight, forced };
}

function rollout(by: string, percentage = '0', salt?: string): Rollout {
  return { by, percentage: Number(percentage), salt, bucketing: 'unleash' };
}

function listed(text: string): string[] {
  return text.split(',').map((part) => part.trim());
}
