import { describe, expect, it } from 'vitest';
import { environmentOf, type Given, gives, NOW, subject } from '../../../test/harness/evaluator.js';
import { couldVary, dependsOnContext } from './context-dependence.js';
import type { Condition } from './model.js';

const when = (attribute: string): Condition[] => [{ attribute, operator: 'in', values: ['x'] }];
const byCountry: Given = { key: 'f', rules: [{ when: when('country'), value: true }] };
const on: Given = { key: 'on', rules: gives(true) };
const depends = (given: Given | Given[], asked?: Parameters<typeof subject>[0]): boolean =>
  dependsOnContext(environmentOf([given].flat()), 'f', asked && subject(asked));

describe('F14 what another context could change', () => {
  it('rules that read it, roll-outs by it, segments that do', () => {
    const segments = [{ key: 's', when: when('country') }];
    expect(depends(byCountry)).toBe(true);
    expect(depends({ key: 'f', rollout: { percentage: 5 } })).toBe(true);
    expect(depends({ key: 'f', rules: [{ rollout: { percentage: 5, by: 'team' } }] })).toBe(true);
    expect(depends({ key: 'f', rules: [{ when: when('currentTime'), value: true }] })).toBe(true);
    expect(
      dependsOnContext(environmentOf([{ key: 'f', rules: [{ segments: ['s'], value: true }] }], segments), 'f'),
    ).toBe(true);
  });

  it('not what hangs on the organization alone', () => {
    for (const attribute of ['organizationId', 'plan', 'environment']) {
      expect(depends({ key: 'f', rules: [{ when: when(attribute), value: true }] })).toBe(false);
    }
    expect(depends({ key: 'f', rollout: { percentage: 5, by: 'organizationId' } })).toBe(false);
    expect(depends({ key: 'f', rules: gives(true), plans: { pro: false } })).toBe(false);
    expect(depends({ key: 'f', rules: [...gives(true), { when: when('country'), value: false }] })).toBe(false);
    expect(depends({ ...byCountry, enabled: false })).toBe(false);
    expect(depends({ ...byCountry, dependencies: ['gone'] })).toBe(false);
    expect(dependsOnContext(environmentOf([]), 'f')).toBe(false);
  });

  it('over parents and conflicts', () => {
    const parent = { ...byCountry, key: 'a' };
    expect(depends([parent, { ...on, key: 'f', dependencies: ['a'] }])).toBe(true);
    expect(depends([parent, { ...on, dependencies: ['a'] }, { ...on, key: 'f', conflicts: ['on'] }])).toBe(true);
    expect(depends([on, { ...on, key: 'f', dependencies: ['on'] }])).toBe(false);
  });

  it('not where the override or the plan of the organization settles it', () => {
    const overrides = [{ value: true, expiresAt: new Date(NOW + 1) }];
    expect(depends(byCountry, {})).toBe(true);
    expect(depends(byCountry, { overrides })).toBe(false);
    expect(depends(byCountry, { overrides, now: NOW + 1 })).toBe(true);
    expect(depends({ ...byCountry, plans: { free: false } }, { plan: 'free' })).toBe(false);
    expect(depends({ ...byCountry, plans: { free: true } }, { plan: 'free' })).toBe(true);
    const text: Given = {
      ...byCountry,
      type: 'string',
      defaultValue: 'a',
      rules: [],
      plans: { pro: 'b' },
      dependencies: ['p'],
    };
    expect(depends([text, { ...byCountry, key: 'p' }], { plan: 'pro' })).toBe(true);
    expect(depends([text, { ...on, key: 'p' }], { plan: 'pro' })).toBe(false);
  });
});

describe('F13 whether a feature can still be one thing for some and another for others', () => {
  const varies = (given: Given | Given[], ...overridden: string[]): boolean =>
    couldVary(environmentOf([given].flat()), 'f', new Set(overridden));

  it('by rules, roll-outs, plans and overrides', () => {
    expect(varies(byCountry)).toBe(true);
    expect(varies({ key: 'f', rules: [{ when: when('plan'), value: true }] })).toBe(true);
    expect(varies({ key: 'f', rollout: { percentage: 50 } })).toBe(true);
    expect(varies({ key: 'f', plans: { pro: false } })).toBe(true);
    expect(varies({ key: 'f' }, 'f')).toBe(true);
  });

  it('by what it needs or conflicts with', () => {
    expect(varies([byCountry, { ...on, dependencies: ['f'] }], 'other')).toBe(true);
    expect(
      varies([
        { ...byCountry, key: 'a' },
        { ...on, key: 'f', dependencies: ['a'] },
      ]),
    ).toBe(true);
    expect(varies([on, { ...on, key: 'f', conflicts: ['on'] }], 'on')).toBe(true);
    expect(varies([on, { ...on, key: 'f', dependencies: ['on'] }])).toBe(false);
  });

  it('not where nothing is asked, or all of it comes after a value for everybody or a kill switch', () => {
    expect(varies({ key: 'f' }, 'other')).toBe(false);
    expect(varies({ key: 'f', rules: [...gives(true), { when: when('country'), value: false }] })).toBe(false);
    expect(varies({ ...byCountry, enabled: false }, 'f')).toBe(false);
  });
});
