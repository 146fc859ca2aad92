import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  type CompiledEnvironment,
  compileFeature,
  compileSegments,
  type Decision,
  evaluate,
  link,
  NO_OVERRIDES,
} from '../evaluator/index.js';
import type { UnleashContext, UnleashFeature, UnleashState, UnleashVariant } from './model.js';
import { toAttributes, translate } from './translate.js';

interface Case {
  description: string;
  context: UnleashContext;
  toggleName: string;
}
interface Specification {
  name: string;
  state: UnleashState;
  tests?: (Case & { expectedResult: boolean })[];
  variantTests?: (Case & { expectedResult: object })[];
}

const folder = join(
  dirname(createRequire(import.meta.url).resolve('@unleash/client-specification/package.json')),
  'specifications',
);
const read = (name: string): unknown => JSON.parse(readFileSync(join(folder, name), 'utf8'));
/** They are about streaming changes to clients, which we do in another way. */
const STREAMING = ['19-delta-api-hydration.json', '20-delta-api-events.json'];
const specifications = (read('index.json') as string[])
  .filter((name) => !STREAMING.includes(name))
  .map((name) => read(name) as Specification);

describe('F6 F7 the client specification of Unleash', () => {
  describe.each(specifications)('$name', ({ state, tests = [], variantTests = [] }) => {
    it.each(tests)('isEnabled: $description', ({ context, toggleName, expectedResult }) => {
      expect(ask(state, context, toggleName)?.value ?? false).toBe(expectedResult);
    });

    it.each(variantTests)('getVariant: $description', ({ context, toggleName, expectedResult }) => {
      expect(toVariant(state, toggleName, ask(state, context, toggleName))).toEqual(expectedResult);
    });
  });

  it('has all its 275 cases', () => {
    const cases = specifications.flatMap(({ tests = [], variantTests = [] }) => [...tests, ...variantTests]);
    expect(cases).toHaveLength(275);
  });
});

function ask(state: UnleashState, context: UnleashContext, key: string): Decision | undefined {
  return evaluate(compiled(state, context.environment ?? ''), key, {
    targetingKey: context.userId ?? context.sessionId,
    attributes: toAttributes(context),
    organization: { id: '', plan: null, overrides: NO_OVERRIDES },
    now: Date.now(),
  });
}

function compiled(state: UnleashState, environment: string): CompiledEnvironment {
  const { features, segments } = translate(state);
  const compiledSegments = compileSegments(segments, environment);
  return link(
    features.map(({ definition, configuration }) =>
      compileFeature(definition, configuration, compiledSegments, environment),
    ),
  );
}

/** What `getVariant` of their clients answers. */
function toVariant({ features }: UnleashState, key: string, decision?: Decision): object {
  const enabled = decision?.value === true;
  if (!enabled || decision.variant === null) return { name: 'disabled', enabled: false, feature_enabled: enabled };
  const feature = features.find(({ name }) => name === key)!;
  const { name, payload } = variantOf(feature, decision);
  return { name, payload, enabled: true, feature_enabled: true };
}

function variantOf({ strategies = [], variants = [] }: UnleashFeature, decision: Decision): UnleashVariant {
  const ofStrategy = strategies[decision.details.index as number]?.variants ?? [];
  return (ofStrategy.length > 0 ? ofStrategy : variants).find(({ name }) => name === decision.variant)!;
}
