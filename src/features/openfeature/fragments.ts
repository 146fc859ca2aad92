import type { CompiledFeature, Decision, Details } from '../evaluator/index.js';

/** What a client is told beside the value; the words of whoever gave an override are not for browsers. */
const TOLD = [
  'rule',
  'by',
  'percentage',
  'plan',
  'parent',
  'parentReason',
  'path',
  'cycle',
  'with',
  'scope',
  'expiresAt',
  'wishedBy',
  'environment',
];

/** Whether a roll-out could not be decided for want of the targeting key. */
export function lacksTargetingKey({ details }: Decision): boolean {
  return details.missing === 'targetingKey';
}

/**
 * A decision as OFREP writes it. It is written once for each decision, and decisions are few: an answer of 203 flags is a
 * join of texts.
 */
export function fragment(feature: CompiledFeature, decision: Decision): string {
  return (decision.ofrep ??= JSON.stringify(
    lacksTargetingKey(decision)
      ? {
          key: feature.key,
          errorCode: 'TARGETING_KEY_MISSING',
          errorDetails: 'A roll-out of this flag needs a targetingKey in the context',
        }
      : {
          key: feature.key,
          value: decision.value,
          reason: reasonOf(feature, decision),
          ...(decision.variant !== null && { variant: decision.variant }),
          metadata: { reason: decision.reason, ...told(decision.details) },
        },
  ));
}

/** One of the reasons of OpenFeature (specification, types, resolution reason). */
function reasonOf(feature: CompiledFeature, { reason, value }: Decision): string {
  switch (reason) {
    case 'kill_switch':
    case 'dependency':
    case 'conflict':
      return 'DISABLED';
    case 'entitlement':
      return value === false ? 'DISABLED' : 'TARGETING_MATCH';
    case 'override':
    case 'rule':
      return 'TARGETING_MATCH';
    case 'rollout':
      return 'SPLIT';
    case 'default':
      return isEverybodys(feature) ? 'STATIC' : 'DEFAULT';
  }
}

/**
 * Whether nothing but a change can make another value: no rule or roll-out was passed by, and no other feature, whose
 * rules may look at the context, has a say. By the feature alone, since its decisions keep their text when others change.
 */
function isEverybodys({ readsContext, timeThresholds, dependencies, conflicts }: CompiledFeature): boolean {
  return !readsContext && timeThresholds.length + dependencies.length + conflicts.length === 0;
}

/** Metadata of OpenFeature are flat; a path is told as a person would write it. */
function told(details: Details): Record<string, string | number | boolean> {
  const metadata: Record<string, string | number | boolean> = {};
  for (const name of TOLD) {
    const value = details[name];
    if (Array.isArray(value)) metadata[name] = value.map(String).join(' → ');
    else if (value != null && typeof value !== 'object') metadata[name] = value;
  }
  return metadata;
}
