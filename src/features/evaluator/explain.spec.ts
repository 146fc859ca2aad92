import { describe, expect, it } from 'vitest';
import { type Asked, environmentOf, type Given, gives, subject } from '../../../test/harness/evaluator.js';
import { evaluate } from './evaluate.js';
import { explain } from './explain.js';

const off: Given = { key: 'a', enabled: false };
const on = (key: string, more: Partial<Given> = {}): Given => ({ key, rules: gives(true), ...more });
const seats: Given = { key: 'f', type: 'number', defaultValue: 5, plans: { pro: 50 } };
const expiresAt = new Date('2027-01-01');

describe('F7 one sentence that says why', () => {
  it.each<[string, Given[], Asked]>([
    ['f is false because it is switched off in production.', [{ key: 'f', enabled: false }], {}],
    ['f is 50 because that is what the plan pro says.', [seats], { plan: 'pro' }],
    [
      'f is 50 because the plan pro allows no more, though its override would give 80.',
      [seats],
      { plan: 'pro', overrides: [{ value: 80 }] },
    ],
    ['f is false because it needs a, which is off (its kill switch).', [off, on('f', { dependencies: ['a'] })], {}],
    [
      'f is false because it needs a, which is off (by the plan free).',
      [on('a', { plans: { free: false } }), on('f', { dependencies: ['a'] })],
      { plan: 'free' },
    ],
    [
      'f is false because it needs b, which is off: b → a.',
      [off, on('b', { dependencies: ['a'] }), on('f', { dependencies: ['b'] })],
      {},
    ],
    [
      'f is false because it needs a to be off, which is on (its rule).',
      [on('a'), on('f', { dependencies: [{ feature: 'a', enabled: false }] })],
      {},
    ],
    [
      'f is false because it needs a with variant blue or variant red, which is on with variant green (its rule).',
      [
        { key: 'a', variants: [{ key: 'green', value: true }], rules: [{ name: 'all', variant: 'green' }] },
        on('f', { dependencies: [{ feature: 'a', variants: ['blue', 'red'] }] }),
      ],
      {},
    ],
    [
      'f is false because it needs a with variant blue, which is on with no variant (its rule).',
      [on('a'), on('f', { dependencies: [{ feature: 'a', variants: ['blue'] }] })],
      {},
    ],
    [
      'f is false because it needs a with variant blue, which is off (its kill switch).',
      [off, on('f', { dependencies: [{ feature: 'a', variants: ['blue'] }] })],
      {},
    ],
    ['f is false because it needs gone, which is not there.', [on('f', { dependencies: ['gone'] })], {}],
    [
      'f is false because it needs itself: f → b → f.',
      [on('f', { dependencies: ['b'] }), on('b', { dependencies: ['f'] })],
      {},
    ],
    [
      'f is false because it is in conflict with b, which would be on as well.',
      [on('f', { conflicts: ['b'] }), on('b')],
      {},
    ],
    ['f is true by an override for every environment.', [{ key: 'f' }], { overrides: [{}] }],
    [
      'f is true by an override for production until 2027-01-01T00:00:00.000Z.',
      [{ key: 'f' }],
      { overrides: [{ environment: 'production', expiresAt }] },
    ],
    [
      'f is {"a":1} by the rule all.',
      [{ key: 'f', type: 'json', defaultValue: null, rules: [{ name: 'all', value: { a: 1 } }] }],
      {},
    ],
    [
      'f is true (variant v) by the roll-out to 100 % by targetingKey in the rule all.',
      [{ key: 'f', variants: [{ key: 'v', value: true }], rules: [{ name: 'all', rollout: { percentage: 100 } }] }],
      { targetingKey: 'x' },
    ],
    ['f is false by default.', [{ key: 'f' }], {}],
    [
      'f is false by default, outside of the roll-out to 0 % by targetingKey.',
      [{ key: 'f', rollout: { percentage: 0 } }],
      { targetingKey: 'x' },
    ],
    [
      'f is false by default, since the context has no team to roll out by.',
      [{ key: 'f', rollout: { percentage: 9, by: 'team' } }],
      {},
    ],
  ])('%s', (sentence, features, asked) => {
    expect(explain(evaluate(environmentOf(features), 'f', subject(asked))!, { key: 'f' })).toBe(sentence);
  });
});
