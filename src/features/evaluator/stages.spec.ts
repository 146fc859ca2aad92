import { describe, expect, it } from 'vitest';
import { type Asked, environmentOf, type Given, gives, NOW, subject } from '../../../test/harness/evaluator.js';
import { evaluate, evaluateAll } from './evaluate.js';
import type { Json, Override, Reason } from './model.js';

const off: Given = { key: 'off', enabled: false };
const on: Given = { key: 'on', rules: gives(true) };
const both: Given = { key: 'rival', rules: gives(true) };
const override: Partial<Override>[] = [{ value: true, reason: 'for a pilot' }];
const inside = { targetingKey: 'anna' };

type Expected = [value: Json, reason: Reason, details: Record<string, Json>, variant?: string | null];

function decide(given: Given | Given[], asked: Asked = {}): Expected {
  const { value, reason, details, variant } = evaluate(environmentOf([given].flat()), 'f', subject(asked))!;
  return [
    value,
    reason,
    details as Record<string, Json>,
    ...(variant === null ? [] : [variant]),
  ] as unknown as Expected;
}

describe('F7 the order of the stages, each named in the reason', () => {
  /** Everything at once; each line takes away what decided in the line before it. */
  const everything: Given = {
    key: 'f',
    enabled: false,
    plans: { free: false },
    dependencies: ['off'],
    conflicts: ['rival'],
    rules: [{ name: 'all', value: true }],
    rollout: { percentage: 100 },
  };
  const asked: Asked = { plan: 'free', overrides: override, ...inside };
  const enabled = { ...everything, enabled: true };
  const included = { ...enabled, plans: {} };
  const independent = { ...included, dependencies: ['on'] };
  const unrivalled = { ...independent, conflicts: [] };
  const unruled = { ...unrivalled, rules: [] };
  const bare = { ...unruled, rollout: null };
  const noOverride = { ...asked, overrides: [] };

  it.each<[Reason, Given, Asked, Json, Record<string, Json>]>([
    ['kill_switch', everything, asked, false, { environment: 'production' }],
    ['entitlement', enabled, asked, false, { plan: 'free', planValue: false }],
    ['dependency', included, asked, false, { parent: 'off', parentReason: 'kill_switch' }],
    ['conflict', independent, asked, false, { with: 'rival' }],
    ['override', unrivalled, asked, true, { scope: 'everywhere', expiresAt: null, note: 'for a pilot' }],
    ['rule', unrivalled, noOverride, true, { rule: 'all', index: 0 }],
    ['rollout', unruled, noOverride, true, { by: 'targetingKey', percentage: 100 }],
    ['default', bare, noOverride, false, {}],
  ])('%s', (reason, given, who, value, details) => {
    expect(decide([given, off, on, both], who)).toEqual([value, reason, details]);
  });

  it('is false for a boolean that is off and the default for another type', () => {
    expect(decide({ key: 'f', enabled: false, defaultValue: true })).toEqual([
      false,
      'kill_switch',
      { environment: 'production' },
    ]);
    const text: Given = { key: 'f', type: 'string', defaultValue: 'light', rules: gives('dark') };
    expect(decide({ ...text, enabled: false })[0]).toBe('light');
    expect(decide([{ ...text, dependencies: ['off'] }, off])[0]).toBe('light');
    expect(decide([{ ...text, conflicts: ['rival'] }, both]).slice(0, 2)).toEqual(['light', 'conflict']);
  });

  it('answers one, many and all alike; what is not there is undefined', () => {
    const environment = environmentOf([off, on, both, everything]);
    const who = subject(asked);
    expect(environment.keys).toEqual(['f', 'off', 'on', 'rival']);
    const all = evaluateAll(environment, who);
    expect(all).toEqual(environment.keys.map((key) => evaluate(environment, key, who)));
    expect(evaluateAll(environment, who, ['rival', 'gone', 'f'])).toEqual([all[3], undefined, all[0]]);
    expect(evaluate(environment, 'gone', who)).toBeUndefined();
    expect(evaluate(environment, '__proto__', who)).toBeUndefined();
  });

  it('answers constants that nobody can change, and copies of what it was given', () => {
    const value = { limits: [1] };
    const given: Given = { key: 'f', type: 'json', defaultValue: {}, rules: gives(value) };
    const environment = environmentOf([given]);
    const first = evaluate(environment, 'f', subject())!;
    value.limits.push(2);
    expect(first.value).toEqual({ limits: [1] });
    expect(() => (first.value as { limits: number[] }).limits.push(3)).toThrow();
    expect(() => Object.assign(first.details, { index: 5 })).toThrow();
    first.ofrep = 'serialised';
    expect(evaluate(environment, 'f', subject())).toBe(first);
  });
});

describe('F6 rules', () => {
  it('the first that holds and gives something decides', () => {
    const rules = [
      { name: 'never', when: [{ attribute: 'plan', operator: 'in' as const, values: ['x'] }], value: false },
      { name: 'a variant that is gone', variant: 'gone' },
      { name: 'for nobody', rollout: { percentage: 0 } },
      { name: 'wins', variant: 'v' },
      { name: 'late', value: false },
    ];
    const given: Given = { key: 'f', variants: [{ key: 'v', value: true }], rules };
    expect(decide(given, inside)).toEqual([true, 'rule', { rule: 'wins', index: 3 }, 'v']);
  });

  it('a roll-out without variants gives nothing but a boolean', () => {
    const given: Given = { key: 'f', type: 'number', defaultValue: 1, rules: [{ rollout: { percentage: 100 } }] };
    expect(decide(given, inside)).toEqual([1, 'default', {}]);
  });
});

describe('F5 overrides', () => {
  const decided = (...overrides: Partial<Override>[]): Expected => decide({ key: 'f' }, { overrides });

  it('one for this environment stands before one for everywhere, in whatever order they come', () => {
    const here = { environment: 'production', value: true };
    const everywhere = { value: false };
    for (const overrides of [
      [here, everywhere],
      [everywhere, here],
    ]) {
      expect(decided(...overrides)).toEqual([true, 'override', { scope: 'production', expiresAt: null, note: null }]);
    }
    expect(decided({ environment: 'staging' })[1]).toBe('default');
    expect(decided({ feature: 'g' })[1]).toBe('default');
  });

  it('one that has ended does not count, and the one for everywhere does again', () => {
    const expiresAt = new Date(NOW);
    const ended = { environment: 'production', value: true, expiresAt };
    expect(decided(ended, { value: false })).toEqual([
      false,
      'override',
      { scope: 'everywhere', expiresAt: null, note: null },
    ]);
    const lasting = { ...ended, expiresAt: new Date(NOW + 1) };
    expect(decided(lasting)[2]).toEqual({
      scope: 'production',
      expiresAt: lasting.expiresAt.toISOString(),
      note: null,
    });
  });

  it('says when they end', () => {
    const overrides = [3, 1, 2, 1].map((at) => ({ expiresAt: new Date(at) }));
    expect(subject({ overrides: [...overrides, {}] }).organization.overrides.expiries).toEqual([1, 2, 3]);
  });
});

describe('F4 plans', () => {
  const seats: Given = { key: 'f', type: 'number', defaultValue: 5, plans: { pro: 50, tiny: 2, none: null } };
  const pro: Asked = { plan: 'pro' };

  it('a plan gives its value where nothing else does', () => {
    expect(decide(seats, pro)).toEqual([50, 'entitlement', { plan: 'pro', planValue: 50 }]);
    expect(decide(seats, { plan: 'tiny' })[0]).toBe(2);
    expect(decide({ key: 'f', plans: { pro: true } }, pro)).toEqual([
      true,
      'entitlement',
      { plan: 'pro', planValue: true },
    ]);
    for (const plan of [null, 'none', 'other', '__proto__'])
      expect(decide(seats, { plan })).toEqual([5, 'default', {}]);
  });

  it('a number is lowered to it, and the wish is told', () => {
    const details = { plan: 'pro', planValue: 50, wished: 80 };
    const overrides = [{ value: 80 }];
    expect(decide(seats, { ...pro, overrides })).toEqual([50, 'entitlement', { ...details, wishedBy: 'override' }]);
    expect(decide({ ...seats, rules: gives(80) }, pro)).toEqual([50, 'entitlement', { ...details, wishedBy: 'rule' }]);
    expect(decide({ ...seats, rules: gives(80) }, { plan: 'none' })[0]).toBe(80);
    expect(decide({ ...seats, rules: gives(30) }, pro)).toEqual([30, 'rule', { rule: 'rule 0', index: 0 }]);
    const outside: Given = { ...seats, variants: [{ key: 'v', value: 9 }], rollout: { percentage: 0 } };
    expect(decide(outside, { plan: 'tiny', ...inside })).toEqual([
      2,
      'entitlement',
      { plan: 'tiny', planValue: 2, wished: 5, wishedBy: 'default' },
    ]);
  });

  it('a text or JSON is what the plan says; overrides and rules do not lift it', () => {
    const tier: Given = {
      key: 'f',
      type: 'string',
      defaultValue: 'basic',
      plans: { pro: 'gold' },
      rules: gives('any'),
    };
    const asked = { ...pro, overrides: [{ value: 'platinum' }] };
    expect(decide(tier, asked)).toEqual(['gold', 'entitlement', { plan: 'pro', planValue: 'gold' }]);
    expect(decide({ ...tier, enabled: false }, asked)[1]).toBe('kill_switch');
    expect(decide([{ ...tier, dependencies: ['off'] }, off], asked)[1]).toBe('dependency');
    expect(decide([{ ...tier, conflicts: ['rival'] }, both], asked)[1]).toBe('conflict');
    expect(decide(tier, { overrides: [{ value: 'platinum' }] })[0]).toBe('platinum');
  });

  it('a boolean that the plan includes can still be switched off by an override or a rule', () => {
    const given: Given = { key: 'f', plans: { pro: true } };
    expect(decide(given, { ...pro, overrides: [{ value: false }] }).slice(0, 2)).toEqual([false, 'override']);
    expect(decide({ ...given, rules: gives(false) }, pro).slice(0, 2)).toEqual([false, 'rule']);
  });

  it('makes a lowered decision once', () => {
    const environment = environmentOf([{ ...seats, rules: gives(80) }]);
    expect(evaluate(environment, 'f', subject(pro))).toBe(evaluate(environment, 'f', subject(pro)));
  });
});
