import { MAX_CONDITIONS } from '../../evaluator/check-conditions.js';
import type { ConditionData, RolloutData, RuleData } from '../../evaluator/model.js';
import { type Conditions, toAttribute, toConditions } from './conditions.js';
import type { UnleashFlagStrategy } from './document.js';

type Parameters = Record<string, string | number | boolean>;
/** What a strategy asks beside its constraints, and whom it takes. */
interface Taking {
  when?: ConditionData[];
  rollout?: RolloutData;
}

const listed = (text: string): string[] =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
const oneOf = (attribute: string, values: string[]): Conditions =>
  values.length > 0 ? [{ attribute, operator: 'in', values }] : { why: `It names nobody, and so takes nobody` };
const taking = (when: Conditions): Taking | { why: string } => (Array.isArray(when) ? { when } : when);
const gradual = (by: string, { percentage, groupId }: Parameters): Taking => ({
  rollout: toRollout(by, percentage, groupId),
});

const STRATEGIES: Record<string, (parameters: Parameters) => Taking | { why: string }> = {
  default: () => ({}),
  userWithId: ({ userIds = '' }) => taking(oneOf('targetingKey', listed(String(userIds)))),
  remoteAddress: ({ IPs = '' }) => {
    const addresses = listed(String(IPs));
    if (addresses.some((address) => address.includes('/')))
      return { why: 'There is no operator for ranges of addresses' };
    return taking(oneOf('remoteAddress', addresses));
  },
  gradualRolloutUserId: (parameters) => gradual('targetingKey', parameters),
  gradualRolloutSessionId: (parameters) => gradual('sessionId', parameters),
  gradualRolloutRandom: (parameters) => gradual('random', { ...parameters, groupId: '' }),
  flexibleRollout: ({ stickiness = 'default', rollout, groupId }) => ({
    rollout: toRollout(toAttribute(String(stickiness)), rollout, groupId),
  }),
};

/** A strategy in our terms, without what it gives. */
export interface TranslatedStrategy {
  when: ConditionData[];
  segments: string[];
  /** null: everybody. */
  rollout: RolloutData | null;
}

/**
 * A strategy as a rule's question, or why there is none that takes exactly the same people.
 * @param segmentOf the key of a segment that came along.
 */
export function toStrategy(
  strategy: UnleashFlagStrategy,
  ids: readonly number[],
  segmentOf: (id: number) => string | undefined,
): TranslatedStrategy | { why: string; at?: string } {
  const name = strategy.name ?? strategy.strategyName ?? '';
  const known = Object.hasOwn(STRATEGIES, name) ? STRATEGIES[name] : undefined;
  if (!known) return { why: `A strategy of your own ("${name.slice(0, 100)}") has no counterpart` };
  const taken = known(strategy.parameters ?? {});
  if ('why' in taken) return taken;
  const when = [...(taken.when ?? [])];
  for (const [at, constraint] of (strategy.constraints ?? []).entries()) {
    const conditions = toConditions(constraint);
    if (!Array.isArray(conditions)) return { ...conditions, at: `constraints.${at}` };
    when.push(...conditions);
  }
  if (when.length > MAX_CONDITIONS) return { why: `A rule may have ${MAX_CONDITIONS} conditions` };
  const segments = ids.map(segmentOf);
  const missing = segments.indexOf(undefined);
  if (missing >= 0) return { why: `The segment ${ids[missing]} did not come along`, at: `segments.${missing}` };
  return { when, segments: segments as string[], rollout: taken.rollout ?? null };
}

function toRollout(by: string, percentage?: Parameters[string], groupId?: Parameters[string]): RolloutData {
  // As its clients read it: what is no number takes nobody.
  const share = Number(percentage);
  return {
    by,
    percentage: Number.isFinite(share) ? Math.min(100, Math.max(0, share)) : 0,
    ...(groupId !== undefined && groupId !== '' && { salt: String(groupId) }),
    bucketing: 'unleash',
  };
}

/** Everybody, bucketed as Unleash does, so that each has the variant that they had. */
export function everybody(by: string): RolloutData {
  return { by, percentage: 100, bucketing: 'unleash' };
}

/** A rule that gives a boolean to whom a strategy takes. */
export function toRule(name: string, { when, segments, rollout }: TranslatedStrategy): RuleData {
  return { name, when, ...(segments.length > 0 && { segments }), ...(rollout ? { rollout } : { value: true }) };
}
