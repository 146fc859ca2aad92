import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { environmentOf, type Given, subject } from '../../../test/harness/evaluator.js';
import type { Decision } from './decision.js';
import { evaluate } from './evaluate.js';
import type { Variant } from './model.js';
import { hashAfter, hashState } from './murmur3.js';

const PEOPLE = Array.from({ length: 20_000 }, (_, index) => `person-${index}`);
/** Four standard deviations of a share among so many. */
const tolerance = (share: number): number => 4 * Math.sqrt((share * (1 - share)) / PEOPLE.length);

type Ask = (targetingKey?: string, attributes?: Record<string, unknown>) => Decision;
function asking(given: Given): Ask {
  const environment = environmentOf([given]);
  return (targetingKey, attributes) => evaluate(environment, given.key, subject({ targetingKey, attributes }))!;
}
const rolled = (percentage: number, more: Partial<Given> = {}, salt?: string): Ask =>
  asking({ key: 'f', rollout: { percentage, salt }, ...more });
const share = (ask: Ask, wanted: (decision: Decision) => boolean): number =>
  PEOPLE.filter((person) => wanted(ask(person))).length / PEOPLE.length;
const isOn = ({ value }: Decision): boolean => value === true;

const percentage = fc.integer({ min: 0, max: 100_000 }).map((thousandths) => thousandths / 1000);

describe('F6 roll-outs by percentage', () => {
  it('case 33: a percentage that grows keeps everybody who had the feature', () => {
    fc.assert(
      fc.property(percentage, percentage, fc.string({ minLength: 1 }), fc.string(), (a, b, person, salt) => {
        const [less, more] = [Math.min(a, b), Math.max(a, b)].map((one) => rolled(one, {}, salt)(person));
        expect(isOn(less!) && !isOn(more!)).toBe(false);
      }),
      { seed: 33, numRuns: 1000 },
    );
  });

  it('case 33: and keeps their variants', () => {
    const variants = ['a', 'b', 'c'].map((key) => ({ key, value: true }));
    const [tenth, half] = [rolled(10, { variants }), rolled(50, { variants })];
    for (const person of PEOPLE.slice(0, 5000)) {
      const { variant } = tenth(person);
      if (variant !== null) expect(half(person).variant).toBe(variant);
    }
  });

  it('nobody at 0 %, everybody at 100 %', () => {
    expect(share(rolled(0), isOn)).toBe(0);
    expect(share(rolled(100), isOn)).toBe(1);
  });

  it.each([0.1, 1, 12.345, 50, 99.9])('takes %d % of the people', (one) => {
    expect(Math.abs(share(rolled(one), isOn) - one / 100)).toBeLessThan(tolerance(one / 100));
  });

  it('a bucket is floor(hash × 100,000 / 2³²) of `salt:value`, to the last one', () => {
    const state = hashState('f:');
    for (const person of PEOPLE.slice(0, 2000)) {
      const bucket = Math.floor((hashAfter(state, person) * 100_000) / 2 ** 32);
      expect(isOn(rolled(bucket / 1000)(person))).toBe(false);
      expect(isOn(rolled((bucket + 1) / 1000)(person))).toBe(true);
    }
  });

  it('one salt takes the same people, two salts others', () => {
    const [f, g, h] = [rolled(30, {}, 'salt'), rolled(30, { key: 'g' }, 'salt'), rolled(30, { key: 'h' })];
    expect(PEOPLE.every((person) => isOn(f(person)) === isOn(g(person)))).toBe(true);
    const common = PEOPLE.filter((person) => isOn(f(person)) && isOn(h(person))).length / PEOPLE.length;
    expect(Math.abs(common - 0.09)).toBeLessThan(tolerance(0.09));
  });

  it('goes by any attribute that names somebody, and by the organization', () => {
    const by = (name: string): Ask => asking({ key: 'f', rollout: { percentage: 100, by: name } });
    expect(by('team')(undefined, { team: 'red' }).details).toEqual({ by: 'team', percentage: 100 });
    expect(isOn(by('team')(undefined, { team: 7 }))).toBe(true);
    expect(isOn(by('organizationId')())).toBe(true);
  });

  it('whoever lacks the attribute is outside, and is told so', () => {
    const missing = { by: 'targetingKey', percentage: 100, missing: 'targetingKey' };
    for (const nobody of [undefined, '']) {
      expect(rolled(100)(nobody)).toMatchObject({ value: false, reason: 'default', details: missing });
    }
    const byRule = asking({ key: 'f', rules: [{ rollout: { percentage: 100 } }] });
    expect(byRule()).toMatchObject({ value: false, reason: 'default', details: { missing: 'targetingKey' } });
    expect(byRule()).toBe(byRule());
    const planned: Given = { key: 'f', plans: { pro: true }, rules: [{ rollout: { percentage: 100 } }] };
    expect(evaluate(environmentOf([planned]), 'f', subject({ plan: 'pro' }))).toMatchObject({
      reason: 'entitlement',
      details: { missing: 'targetingKey' },
    });
    for (const team of [null, [], {}, ''])
      expect(isOn(asking({ key: 'f', rollout: { percentage: 100, by: 'team' } })('x', { team }))).toBe(false);
  });

  it('is not told to somebody whom the rule does not mean, nor where another rule gives', () => {
    const when = [{ attribute: 'country', operator: 'in' as const, values: ['de'] }];
    expect(asking({ key: 'f', rules: [{ when, rollout: { percentage: 100 } }] })().details).toEqual({});
    expect(asking({ key: 'f', rules: [{ rollout: { percentage: 100 } }, { value: true }] })().reason).toBe('rule');
  });

  it('outside of all, the roll-out that was missed is told; of a rule it goes on to the next', () => {
    expect(rolled(0)('x')).toMatchObject({ reason: 'default', details: { by: 'targetingKey', percentage: 0 } });
    const rules = [{ rollout: { percentage: 0 } }, { name: 'rest', rollout: { percentage: 100 } }];
    expect(asking({ key: 'f', rules })('x')).toMatchObject({
      reason: 'rollout',
      details: { rule: 'rest', index: 1, by: 'targetingKey', percentage: 100 },
    });
  });
});

describe('F6 variants', () => {
  const weighed = (...weights: (number | undefined)[]): Variant[] =>
    weights.map((weight, index) => ({ key: String(index), value: index, weight }));
  const numbers = (variants: Variant[], one = 100): Ask => rolled(one, { type: 'number', defaultValue: -1, variants });

  it.each([
    ['as they are weighed', [20, 79.9, 0.1], [0.2, 0.799, 0.001]],
    ['equally without weights', [undefined, undefined, undefined], [1 / 3, 1 / 3, 1 / 3]],
    ['none to a weight of 0', [0, 100], [0, 1]],
    ['in proportion, if stored weights do not add up', [1, 3], [0.25, 0.75]],
    ['equally, if all are 0', [0, 0], [0.5, 0.5]],
  ])('are given %s', (_, weights, shares) => {
    const ask = numbers(weighed(...weights));
    for (const [index, expected] of shares.entries()) {
      const got = share(ask, ({ variant }) => variant === String(index));
      expect(Math.abs(got - expected)).toBeLessThanOrEqual(tolerance(expected));
    }
  });

  it('tell nothing about membership', () => {
    const ask = numbers(weighed(50, 50), 50);
    const inside = PEOPLE.filter((person) => ask(person).variant !== null).length;
    const first = PEOPLE.filter((person) => ask(person).variant === '0').length;
    expect(Math.abs(first / inside - 0.5)).toBeLessThan(4 * Math.sqrt(0.25 / inside));
  });

  it('of booleans can be false', () => {
    const ask = rolled(100, { variants: [{ key: 'control', value: false }] });
    expect(ask('x')).toMatchObject({ value: false, variant: 'control', reason: 'rollout' });
  });
});

describe('F6 roll-outs as Unleash buckets them', () => {
  const salt = 'Feature.flexibleRollout.10';
  const unleash = (more: Partial<Given>, one = 10): Ask =>
    asking({ key: 'f', rollout: { percentage: one, salt, bucketing: 'unleash' }, ...more });

  it('keeps who was in: two people of its specification, by the targeting key', () => {
    expect(isOn(unleash({})('174'))).toBe(true);
    expect(isOn(unleash({})('499'))).toBe(false);
    expect(unleash({})()).toMatchObject({ value: false, details: { missing: 'targetingKey' } });
  });

  it('gives everybody a variant, whatever the weights are in binary', () => {
    const weights = [1.1, 2.2, 96.7, ...Array<number>(7).fill(0)];
    const variants = weights.map((weight, index) => ({ key: String(index), value: true, weight }));
    const third = ['a', 'b', 'c'].map((key) => ({ key, value: true }));
    for (const one of [variants, third]) {
      expect(share(unleash({ variants: one }, 100), ({ variant }) => variant !== null)).toBe(1);
    }
  });

  it('gives variants in thousandths, whatever they are weighed in here', () => {
    const bucket = (person: string): number => (hashAfter(hashState(`${salt}:`, 86_028_157), person) % 1000) + 1;
    const weighed = [33.3, 66.7].map((weight, index) => ({ key: String(index), value: true, weight }));
    const equal = weighed.map(({ key, value }) => ({ key, value }));
    for (const person of PEOPLE.slice(0, 2000)) {
      expect(unleash({ variants: weighed }, 100)(person).variant).toBe(bucket(person) <= 333 ? '0' : '1');
      expect(unleash({ variants: equal }, 100)(person).variant).toBe(bucket(person) <= 500 ? '0' : '1');
    }
  });
});
