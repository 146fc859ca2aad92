import { describe, expect, it } from 'vitest';
import { environmentOf, NOW } from '../../../test/harness/evaluator.js';
import type { EvaluationScope } from '../evaluation/evaluation.service.js';
import { compileOverrides, NO_OVERRIDES } from '../evaluator/index.js';
import { AskedContext, AskedContexts } from './asked-context.js';
import { entityTag, stateOf } from './entity-tag.js';

const HOUR = 3_600_000;
const environment = {
  ...environmentOf([{ key: 'f' }]),
  timeThresholds: [NOW + HOUR],
};
const organization = { id: 'o', plan: 'standard', overrides: NO_OVERRIDES };
const scope: EvaluationScope = { environmentKey: 'production', environment, organization, revision: 1, now: NOW };
const ends = (at: number) =>
  compileOverrides([{ feature: 'f', environment: null, value: true, reason: null, expiresAt: new Date(at) }]);

describe('F8 case 36: the tag that a context had last', () => {
  const overridden = { ...organization, overrides: ends(NOW + 2 * HOUR) };
  it.each<[string, Partial<EvaluationScope>, [string, number]?]>([
    ['another key', {}, ['other', 1]],
    ['another window of time', {}, ['key', 2]],
    ['another revision', { revision: 2 }],
    ['another plan', { organization: { ...organization, plan: 'gold' } }],
    ['another override', { organization: overridden }],
    ['a time at which a condition turns', { now: NOW + HOUR }],
    ['a time after it', { now: NOW + 5 * HOUR }],
    ['a time at which an override ends', { organization: overridden, now: NOW + 2 * HOUR }],
  ])('is not given for %s, and not for what was before either', (_, change, named = ['key', 1]) => {
    const asked = new AskedContext({ country: 'de' });
    const fresh = (of: EvaluationScope, by: [string, number]): string =>
      entityTag(stateOf(of), by.join(' '), asked.attributes);
    const before: [string, number] = ['key', 1];
    const other = { ...scope, ...change };
    for (const [of, by] of [
      [scope, before],
      [scope, before],
      [other, named],
      [other, named],
      [scope, before],
    ] as const)
      expect(asked.tagIn(of, ...by)).toBe(fresh(of, by));
    expect(fresh(other, named)).not.toBe(fresh(scope, before));
  });
});

describe('F8 bodies that are sent again', () => {
  const body = Buffer.from('{"context":{"country":"de"}}');

  it('are read once for each key, and each time for who has none', () => {
    const contexts = new AskedContexts();
    const first = contexts.read(body, 'one');
    expect(contexts.read(Buffer.from(body), 'one')).toBe(first);
    expect(contexts.read(body, 'two')).not.toBe(first);
    expect(contexts.read(body, undefined)).not.toBe(contexts.read(body, undefined));
    expect(contexts.read(Buffer.from('{"context":{"country":"dé"}}'), 'one').attributes).toEqual({ country: 'dé' });
  });

  it('are refused each time that they are wrong', () => {
    const contexts = new AskedContexts();
    for (const wrong of ['{', '[]', '{"context":1}', '{"context":{"a":1,"a":2}}'])
      for (let again = 0; again < 2; again += 1) expect(() => contexts.read(Buffer.from(wrong), 'one')).toThrow();
  });
});
