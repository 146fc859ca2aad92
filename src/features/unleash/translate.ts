import type { Configuration, Definition, Dependency, Segment } from '../evaluator/model.js';
import { toSegment } from './constraints.js';
import type { UnleashContext, UnleashDependency, UnleashState } from './model.js';
import { toRules } from './strategies.js';

export interface Translated {
  features: { definition: Definition; configuration: Configuration }[];
  segments: Segment[];
}

/**
 * Features of Unleash as ours, with its bucketing, so that everybody keeps what they have. They are booleans; a variant
 * is on and tells its name. Its payload stays where it was: in the strategy that the decision's `details.index` names,
 * or in the feature.
 */
export function translate({ features, segments = [] }: UnleashState): Translated {
  const dependent = new Set(features.filter(({ dependencies }) => dependencies?.length).map(({ name }) => name));
  return {
    features: features.map((feature) => ({
      definition: {
        key: feature.name,
        type: 'boolean',
        defaultValue: false,
        variants: null,
        dependencies: (feature.dependencies ?? []).map((dependency) => toDependency(dependency, dependent)),
        conflicts: [],
        plans: {},
        lifecycle: 'active',
      },
      configuration: { enabled: feature.enabled, rules: toRules(feature) },
    })),
    segments: segments.map(toSegment),
  };
}

/** Unleash takes a parent that has parents itself for one that is never met; no variant is among none. */
function toDependency({ feature, enabled, variants }: UnleashDependency, dependent: ReadonlySet<string>): Dependency {
  if (dependent.has(feature)) return { feature, variants: [] };
  const named = variants?.length ? variants.map((name) => (name === 'disabled' ? null : name)) : undefined;
  return { feature, enabled, variants: named };
}

/** What a condition or a stickiness can ask of a context of Unleash; its `environment` is for whoever picks ours. */
export function toAttributes({ properties, ...fields }: UnleashContext): Record<string, unknown> {
  return { ...properties, ...fields };
}
