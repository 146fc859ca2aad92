import type { Json } from '../../src/kernel/json.js';
import {
  type ConditionData,
  OPERATORS,
  type Operator,
  type RolloutData,
  type RuleData,
} from '../../src/features/evaluator/model.js';

/** Numbers that look like chance and are the same each time (mulberry32). */
export class Chance {
  constructor(private state: number) {}

  next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  below(end: number): number {
    return Math.floor(this.next() * end);
  }

  often(share: number): boolean {
    return this.next() < share;
  }

  one<T>(of: readonly T[]): T {
    return of[this.below(of.length)]!;
  }

  some<T>(of: readonly T[], most: number): T[] {
    return [...new Set(Array.from({ length: 1 + this.below(most) }, () => this.one(of)))];
  }
}

export const ENVIRONMENTS = ['development', 'staging', 'production', 'preview-eu'];
export const PLANS = ['standard', 'pro', 'tiny'];
const PLACES = ['DE', 'AT', 'CH', 'FR', 'US'];
const VERSIONS = ['1.0.0', '1.2.3', '2.0.0-beta.1', '2.0.0', '10.4.1'];
const DAYS = ['1990-05-01', '2001-02-03T04:05:06Z', '2020-06-30T12:00:00+02:00', '2031-01-01'];

/** Attributes of somebody, as a client would send them; some are missing. */
export function randomContext(chance: Chance): Record<string, unknown> {
  const all: Record<string, unknown> = {
    targetingKey: `person-${chance.below(5_000)}`,
    country: chance.often(0.8) ? chance.one(PLACES) : chance.some(PLACES, 3),
    age: chance.often(0.5) ? chance.below(80) : String(chance.below(80)),
    version: chance.one(VERSIONS),
    since: chance.one(DAYS),
    beta: chance.often(0.5),
    company: `company-${chance.below(50)}`,
    email: `p${chance.below(100)}@${chance.one(['example.com', 'test.example', 'else.org'])}`,
  };
  return Object.fromEntries(Object.entries(all).filter(() => chance.often(0.85)));
}

/** One condition of each operator, and on. */
export function randomCondition(chance: Chance, operator: Operator = chance.one(OPERATORS)): ConditionData {
  if (operator.startsWith('semver')) return { attribute: 'version', operator, values: chance.some(VERSIONS, 2) };
  if (operator === 'before' || operator === 'after')
    return { attribute: chance.often(0.3) ? 'currentTime' : 'since', operator, values: [chance.one(DAYS)] };
  if (/greater|less/.test(operator)) return { attribute: 'age', operator, values: [chance.below(80)] };
  if (/exists/.test(operator)) return { attribute: chance.one(['beta', 'company', 'country']), operator, values: [] };
  if (operator === 'contains') return { attribute: 'email', operator, values: chance.some(['1', '@example', 'x'], 2) };
  if (operator === 'starts_with') return { attribute: 'email', operator, values: chance.some(['p1', 'p2', 'p'], 2) };
  if (operator === 'ends_with') return { attribute: 'email', operator, values: chance.some(['.com', '.org'], 2) };
  return chance.one<ConditionData>([
    { attribute: 'country', operator, values: chance.some(PLACES, 3) },
    { attribute: 'age', operator, values: Array.from({ length: 20 }, () => chance.below(80)) },
    { attribute: 'beta', operator, values: [true] },
    { attribute: 'plan', operator, values: chance.some(PLANS, 2) },
    { attribute: 'environment', operator, values: chance.some(ENVIRONMENTS, 2) },
  ]);
}

type Type = 'boolean' | 'string' | 'number' | 'json';
interface RandomFeature {
  definition: Record<string, unknown> & { key: string; lifecycle: string; conflicts: string[] };
  configurations: Record<string, { enabled: boolean; rules: RuleData[]; rollout: RolloutData | null }>;
}

const SCHEMA = {
  type: 'object',
  required: ['level'],
  additionalProperties: false,
  properties: { level: { type: 'integer', minimum: 0 }, notes: { type: 'array', items: { type: 'string' } } },
};

/** An installation with a bit of everything, in an order in which it can be made. */
export function randomInstallation(chance: Chance, size: number) {
  const segments = Array.from({ length: 8 }, (_, at) => ({
    key: `segment-${at}`,
    ...(chance.often(0.5) && { name: `Segment ${at}`, description: 'Who is meant' }),
    when: Array.from({ length: 1 + chance.below(2) }, () => randomCondition(chance)),
  }));
  const features: RandomFeature[] = [];
  for (let at = 0; at < size; at += 1) features.push(randomFeature(chance, at, size, segments, features));
  return { segments, features };
}

function randomFeature(
  chance: Chance,
  at: number,
  size: number,
  segments: readonly { key: string }[],
  before: readonly RandomFeature[],
): RandomFeature {
  const type = (['boolean', 'boolean', 'string', 'number', 'json'] as const)[at % 5]!;
  const withSchema = type === 'json' && chance.often(0.6);
  const value = (): Json => randomValue(chance, type, withSchema);
  const variants = chance.often(0.6) ? randomVariants(chance, value) : null;
  const others = before
    .filter(({ definition }) => definition.lifecycle !== 'archived')
    .map(({ definition }) => definition.key);
  const isLast = at > size - 6;
  const rollout = (): RolloutData => randomRollout(chance);
  const rule = (index: number): RuleData => {
    const gives = [
      { value: value() },
      ...(variants ? [{ variant: chance.one(variants).key }] : []),
      ...(variants || type === 'boolean' ? [{ rollout: rollout() }, { rollout: rollout() }] : []),
    ];
    return {
      name: `Rule ${index}`,
      // Each operator has its turn.
      when: [
        randomCondition(chance, OPERATORS[(at + index) % OPERATORS.length]),
        ...(chance.often(0.3) ? [randomCondition(chance)] : []),
      ],
      ...(chance.often(0.4) && { segments: chance.some(segments, 2).map(({ key }) => key) }),
      ...chance.one(gives),
    };
  };
  const configured = ENVIRONMENTS.filter(() => chance.often(0.75));
  return {
    definition: {
      key: `${chance.one([...'zyxcba'])}-feature.${at}`,
      name: `Feature ${at} – „ümlaut“`,
      description: chance.often(0.5) ? 'What it does\nin two lines' : null,
      category: chance.often(0.5) ? chance.one(['billing', 'dashboards']) : null,
      type,
      defaultValue: value(),
      ...(withSchema && { schema: SCHEMA }),
      variants,
      metering: type === 'number' && chance.often(0.5) ? { period: 'month', enforcement: 'soft' } : null,
      dependencies: others.length > 0 && chance.often(0.4) ? chance.some(others, 3) : [],
      conflicts: others.length > 0 && chance.often(0.2) ? [chance.one(others)] : [],
      plans: Object.fromEntries(PLANS.filter(() => chance.often(0.3)).map((plan) => [plan, value()])),
      lifecycle: isLast ? chance.one(['archived', 'draft']) : chance.often(0.15) ? 'deprecated' : 'active',
      owner: chance.often(0.5) ? 'team-a' : null,
      tags: chance.often(0.5) ? chance.some(['beta', 'größe', 'x.y'], 2) : [],
    },
    configurations: Object.fromEntries(
      configured.map((environment) => [
        environment,
        {
          enabled: chance.often(0.9),
          rules: Array.from({ length: chance.below(4) }, (_, index) => rule(index)),
          rollout: (variants || type === 'boolean') && chance.often(0.5) ? rollout() : null,
        },
      ]),
    ),
  };
}

function randomValue(chance: Chance, type: Type, withSchema: boolean): Json {
  if (type === 'boolean') return chance.often(0.6);
  if (type === 'number') return chance.one([0, -1.5, 3, 1e21, 12.345]);
  if (type === 'string') return chance.one(['', 'blue', 'größer', '"quoted"\n', '🚀']);
  if (withSchema) return { level: chance.below(5), ...(chance.often(0.5) && { notes: ['a', 'b'] }) };
  return chance.one<Json>([{ deep: [{ er: [null, 1] }] }, [1, 2, 3], 'text', 7, {}]);
}

function randomVariants(chance: Chance, value: () => Json): { key: string; value: Json; weight?: number }[] {
  const weights = chance.one([[100], [50, 50], [33.333, 33.333, 33.334], [0, 12.5, 87.5], null]);
  const count = weights?.length ?? 1 + chance.below(4);
  return Array.from({ length: count }, (_, at) => ({
    key: `variant-${at}`,
    value: value(),
    ...(weights && { weight: weights[at]! }),
  }));
}

function randomRollout(chance: Chance): RolloutData {
  return {
    by: chance.one(['targetingKey', 'targetingKey', 'company', 'email']),
    percentage: chance.one([0, 100, chance.below(100_000) / 1_000]),
    ...(chance.often(0.4) && { salt: chance.one(['spring', 'shared salt', 'ß']) }),
    ...(chance.often(0.4) && { bucketing: 'unleash' as const }),
  };
}
