import { describe, expect, it } from 'vitest';
import { checkConditions, checkConfiguration, checkDefinition, type CheckedDefinition } from './check.js';
import type { ConditionData, RuleData } from './model.js';

const boolean: CheckedDefinition = { type: 'boolean', defaultValue: false, variants: null, plans: {} };
const theme: CheckedDefinition = {
  type: 'string',
  defaultValue: 'light',
  variants: [
    { key: 'dark', value: 'dark', weight: 33.333 },
    { key: 'dim', value: 'dim', weight: 66.667 },
  ],
  plans: {},
};
const codes = (errors: { field: string; code: string }[]): string[] =>
  errors.map(({ field, code }) => `${field} ${code}`);
const weighed = (...weights: (number | undefined)[]): string[] =>
  codes(
    checkDefinition({
      ...theme,
      variants: weights.map((weight, index) => ({ key: `v${index}`, value: 'x', weight })),
    }),
  );

describe('F6 case 34: definitions that are refused', () => {
  it('are not those that are right', () => {
    expect(checkDefinition(boolean)).toEqual([]);
    expect(checkDefinition(theme)).toEqual([]);
    expect(checkDefinition({ type: 'json', defaultValue: null, variants: null, plans: { pro: [1] } })).toEqual([]);
    expect(
      checkDefinition({ type: 'number', defaultValue: 0, variants: null, plans: { pro: 10, free: null } }),
    ).toEqual([]);
  });

  it('case 34: a value of another type', () => {
    expect(codes(checkDefinition({ ...boolean, defaultValue: 'yes' }))).toEqual(['defaultValue value_type_mismatch']);
    expect(codes(checkDefinition({ ...boolean, plans: { pro: 1 } }))).toEqual(['plans.pro value_type_mismatch']);
    expect(codes(checkDefinition({ ...boolean, variants: [{ key: 'a', value: null }] }))).toEqual([
      'variants.0.value value_type_mismatch',
    ]);
    expect(codes(checkDefinition({ type: 'number', defaultValue: Infinity, variants: null, plans: {} }))).toHaveLength(
      1,
    );
    expect(
      codes(checkDefinition({ type: 'json', defaultValue: [{ a: Infinity }], variants: null, plans: {} })),
    ).toHaveLength(1);
  });

  it('case 34: weights that do not add up', () => {
    expect(weighed(undefined, undefined)).toEqual([]);
    expect(weighed(0, 100)).toEqual([]);
    expect(weighed(0.001, 99.999)).toEqual([]);
    expect(weighed(...Array<number>(10).fill(10))).toEqual([]);
    for (const weights of [
      [50, 49.999],
      [100, 1],
      [50, undefined, 50],
      [-1, 101],
      [33.3333, 66.6667],
      [NaN, 100],
      [0, 0],
    ]) {
      expect(weighed(...weights), String(weights)).toEqual(['variants weights_do_not_add_up']);
    }
  });

  it('case 34: two variants of one key', () => {
    const variants = ['a', 'b', 'a'].map((key) => ({ key, value: true }));
    expect(codes(checkDefinition({ ...boolean, variants }))).toEqual(['variants.2.key variant_key_duplicate']);
  });
});

describe('F6 case 34: configurations that are refused', () => {
  const rule = (more: Partial<RuleData>): RuleData => ({ name: 'r', when: [], ...more });
  const checked = (definition: CheckedDefinition, ...rules: RuleData[]): string[] =>
    codes(checkConfiguration(definition, { rules }, new Set(['beta'])));
  const rollout = (percentage: number): RuleData => rule({ rollout: { by: 'targetingKey', percentage } });

  it('are not those that are right', () => {
    expect(checked(boolean, rule({ value: true, segments: ['beta'] }), { ...rollout(0.001), name: 's' })).toEqual([]);
    expect(checked(theme, rule({ variant: 'dark' }))).toEqual([]);
    expect(checked(theme, rollout(12.345))).toEqual([]);
  });

  it.each([
    ['an unknown variant', theme, rule({ variant: 'pink' }), 'rules.0.variant variant_unknown'],
    ['a variant where there is none', boolean, rule({ variant: 'a' }), 'rules.0.variant variant_unknown'],
    ['a value of another type', boolean, rule({ value: 'true' }), 'rules.0.value value_type_mismatch'],
    ['an unknown segment', boolean, rule({ value: true, segments: ['x'] }), 'rules.0.segments.0 segment_unknown'],
    ['a rule that gives nothing', boolean, rule({}), 'rules.0 rule_gives_one'],
    ['a rule that gives two things', theme, rule({ value: 'x', variant: 'dark' }), 'rules.0 rule_gives_one'],
    ['a percentage above 100', boolean, rollout(100.001), 'rules.0.rollout.percentage percentage_invalid'],
    ['a percentage below 0', boolean, rollout(-1), 'rules.0.rollout.percentage percentage_invalid'],
    ['a percentage of four decimals', boolean, rollout(1.0001), 'rules.0.rollout.percentage percentage_invalid'],
    [
      'a roll-out by no attribute',
      boolean,
      rule({ rollout: { by: '', percentage: 5 } }),
      'rules.0.rollout.by attribute_invalid',
    ],
    [
      'a roll-out by what no context can hold',
      boolean,
      rule({ rollout: { by: '__proto__', percentage: 5 } }),
      'rules.0.rollout.by attribute_reserved',
    ],
    ['no percentage', boolean, rollout(NaN), 'rules.0.rollout.percentage percentage_invalid'],
    [
      'a text rolled out without variants',
      { ...theme, variants: [] },
      rollout(5),
      'rules.0.rollout rollout_needs_variants',
    ],
  ])('case 34: %s', (_, definition, wrong, error) => {
    expect(checked(definition, wrong)).toEqual([error]);
  });

  it('case 34: a roll-out of the configuration, names twice, too many rules', () => {
    const whole = { rules: [], rollout: { by: 'targetingKey', percentage: 101 } };
    expect(codes(checkConfiguration(boolean, whole, new Set()))).toEqual(['rollout.percentage percentage_invalid']);
    expect(checked(boolean, rule({ value: true }), rule({ value: true }))).toEqual([
      'rules.1.name rule_name_duplicate',
    ]);
    const many = Array.from({ length: 101 }, (__, index) => rule({ name: String(index), value: true }));
    expect(checked(boolean, ...many)).toEqual(['rules too_many_rules']);
    expect(checked(boolean, ...many.slice(1))).toEqual([]);
  });
});

describe('F6 case 34: conditions that are refused', () => {
  const checked = (operator: string, values: unknown, attribute = 'a'): string[] =>
    codes(checkConditions([{ attribute, operator, values } as ConditionData]));

  it.each([
    ['in', ['a', 1, true]],
    ['contains', ['@']],
    ['greater_than', [1.5, -2]],
    ['before', ['2026-01-01', '1962-01-01T00:00:00+02:00']],
    ['semver_less_than', ['2.0.0-rc.1']],
    ['exists', []],
  ])('are not %s %j', (operator, values) => {
    expect(checked(operator, values)).toEqual([]);
  });

  it.each([
    ['regex', 'operator operator_unknown', ['(a+)+$']],
    ['toString', 'operator operator_unknown', ['a']],
    ['in', 'values values_count', []],
    ['in', 'values values_count', 'text'],
    ['in', 'values values_count', Array<string>(1001).fill('a')],
    ['exists', 'values values_count', ['a']],
    ['in', 'values.1 values_kind', ['a', null]],
    ['in', 'values.0 values_kind', ['a'.repeat(501)]],
    ['contains', 'values.0 values_kind', ['']],
    ['less_than', 'values.0 values_kind', ['5']],
    ['less_than', 'values.0 values_kind', [Infinity]],
    ['after', 'values.0 values_kind', ['2026-01-01T10:00:00']],
    ['after', 'values.0 values_kind', ['2026-02-30']],
    ['semver_equals', 'values.0 values_kind', ['v1.0.0']],
  ])('case 34: %s: %s', (operator, error, values) => {
    expect(checked(operator, values)).toEqual([`when.0.${error}`]);
  });

  it('case 34: no attribute, the time by another operator, too many', () => {
    expect(checked('exists', [], '')).toEqual(['when.0.attribute attribute_invalid']);
    for (const name of ['__proto__', 'constructor', 'prototype'])
      expect(checked('exists', [], name)).toEqual(['when.0.attribute attribute_reserved']);
    expect(checked('starts_with', ['2026'], 'currentTime')).toEqual(['when.0.operator operator_not_for_time']);
    const condition: ConditionData = { attribute: 'a', operator: 'exists', values: [] };
    expect(codes(checkConditions(Array<ConditionData>(21).fill(condition)))).toEqual(['when too_many_conditions']);
    expect(checkConditions(Array<ConditionData>(20).fill(condition))).toEqual([]);
  });
});
