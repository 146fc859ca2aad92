import {
  type CompiledEnvironment,
  compileFeature,
  compileOverrides,
  compileSegments,
  type Configuration,
  type Definition,
  type Json,
  link,
  NO_OVERRIDES,
  type Override,
  type Rule,
  type Segment,
  type Subject,
} from '../../src/features/evaluator/index.js';

export const ENVIRONMENT = 'production';
export const NOW = Date.UTC(2026, 10, 25);

/** A feature with its configuration, as little as a test has to say. */
export interface Given extends Partial<Definition> {
  key: string;
  enabled?: boolean;
  rules?: Partial<Rule>[];
  rollout?: Configuration['rollout'];
}

/** A boolean that is off unless something gives it. */
export function definition({ key, ...more }: Partial<Definition> & { key: string }): Definition {
  return {
    key,
    type: 'boolean',
    defaultValue: false,
    variants: null,
    dependencies: [],
    conflicts: [],
    plans: {},
    lifecycle: 'active',
    ...more,
  };
}

export function environmentOf(
  given: readonly Given[],
  segments: readonly Segment[] = [],
  environment = ENVIRONMENT,
): CompiledEnvironment {
  const compiled = compileSegments(segments, environment);
  return link(
    given.map(({ enabled = true, rules = [], rollout, ...feature }) => {
      const named = rules.map((rule, index) => ({ name: `rule ${index}`, when: [], ...rule }));
      return compileFeature(definition(feature), { enabled, rules: named, rollout }, compiled, environment);
    }),
  );
}

/** Gives a value to everybody. */
export function gives(value: Json): Partial<Rule>[] {
  return [{ value }];
}

export interface Asked {
  targetingKey?: string;
  attributes?: Record<string, unknown>;
  plan?: string | null;
  overrides?: readonly Partial<Override>[];
  now?: number;
}

export function subject({ targetingKey, attributes = {}, plan = null, overrides, now = NOW }: Asked = {}): Subject {
  return {
    targetingKey,
    attributes,
    organization: { id: 'acme', plan, overrides: overrides ? compileOverrides(overrides.map(override)) : NO_OVERRIDES },
    now,
  };
}

function override(more: Partial<Override>): Override {
  return { feature: 'f', value: true, environment: null, expiresAt: null, reason: null, ...more };
}
