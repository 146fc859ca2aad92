import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Asked, environmentOf, NOW, subject } from '../../../test/harness/evaluator.js';
import { evaluate } from './evaluate.js';
import { type Condition, INTERNAL_OPERATORS, OPERATORS, type Scalar } from './model.js';

type Operator = Condition['operator'];

/** Lone surrogates among it. fast-check's own `binary` takes 5 s to set up. */
const anyText = fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units));

function holds(condition: Condition, asked: Asked): boolean {
  const environment = environmentOf([{ key: 'f', rules: [{ when: [condition], value: true }] }]);
  return evaluate(environment, 'f', subject(asked))!.value === true;
}
const asked = (operator: Operator, values: Scalar[], value: unknown, more: Partial<Condition> = {}): boolean =>
  holds({ attribute: 'a', operator, values, ...more }, { attributes: value === undefined ? {} : { a: value } });

describe('F6 operators', () => {
  it.each<[Operator, Scalar[], unknown[], unknown[]]>([
    ['in', ['de', 'at'], ['de', ['fr', 'at']], ['DE', 'fr', [], {}, null, undefined, [['de']]]],
    ['in', [42, true], [42, '42', true, 'true'], [43, false, '42.0']],
    ['not_in', ['de', 'at'], ['fr', [], {}, null, undefined], ['de', ['fr', 'at']]],
    ['equals', ['de'], ['de', ['de']], ['d', null, undefined]],
    ['not_equals', ['de'], ['fr', undefined], ['de', ['fr', 'de']]],
    ['contains', ['@acme.', '@beta.'], ['a@acme.com', 'a@beta.com', ['x', 'a@acme.com']], ['acme', undefined]],
    ['contains', [2], [123], [13]],
    ['starts_with', ['a'], ['ab'], ['ba', undefined]],
    ['ends_with', ['a'], ['ba'], ['ab', undefined]],
    [
      'greater_than',
      [5],
      [6, '5.1', [1, 9], ' 6 '],
      [5, '5', '', ' ', '0x9', '1e', true, NaN, Infinity, undefined, {}],
    ],
    ['greater_than', [5, 100], [6], [5]],
    ['greater_or_equal', [5], [5, '5.0'], [4.9]],
    ['less_than', [5], [4, '-1', '1e0'], [5, true, null]],
    ['less_or_equal', [5], [5], [5.1]],
    ['number_equals', [12], [12, '12.0'], ['12a', 11]],
    [
      'before',
      ['2026-01-01'],
      ['2025-12-31T23:59:59.999Z', '1962-05-01'],
      ['2026-01-01', '2026-01-01T00:30:00-01:00', 'x'],
    ],
    ['after', ['2026-01-01'], ['2026-01-01T00:00:00.001Z'], ['2026-01-01', '2026-01-02T00:00:00', '2026-02-30', 1e15]],
    ['semver_equals', ['1.2.3'], ['1.2.3', '1.2.3+build'], ['v1.2.3', '1.2', '1.2.3-rc', 1, undefined]],
    ['semver_greater_than', ['1.9.0'], ['1.10.0', '2.0.0-rc.1'], ['1.9.0', '1.9.0-rc.1']],
    ['semver_greater_or_equal', ['1.9.0'], ['1.9.0'], ['1.8.9']],
    ['semver_less_than', ['2.0.0'], ['2.0.0-rc.1'], ['2.0.0', 'x']],
    ['semver_less_or_equal', ['2.0.0'], ['2.0.0'], ['2.0.1']],
    ['exists', [], ['', 0, false, [], {}], [null, undefined]],
    ['not_exists', [], [null, undefined], ['', 0, false, [], {}]],
    ['regex', ['^[[:digit:]]+$'], ['12', 12], ['1a']],
    ['regex', ['^(?i)a.c$'], ['AbC'], ['a\nc']],
    ['regex', ['(', '(?=a)', '(a)\\1', '(?<n>a)\\k<n>'], [], ['a', 'aa', '(']],
    ['in_cidr', ['10.0.0.0/8', 'nonsense'], ['10.1.2.3', '::ffff:10.1.2.3'], ['11.0.0.1', 'x', 10]],
  ])('%s %j', (operator, values, yes, no) => {
    for (const value of yes) expect(asked(operator, values, value), JSON.stringify(value)).toBe(true);
    for (const value of no) expect(asked(operator, values, value), JSON.stringify(value)).toBe(false);
    for (const value of yes) expect(asked(operator, values, value, { inverted: true })).toBe(false);
    for (const value of no) expect(asked(operator, values, value, { inverted: true })).toBe(true);
  });

  it('can leave the case aside', () => {
    const more = { caseInsensitive: true };
    for (const operator of ['in', 'contains', 'starts_with', 'ends_with', 'regex'] as const) {
      expect(asked(operator, ['Ab'], 'aB', more)).toBe(true);
      expect(asked(operator, ['Ab'], 'aB')).toBe(false);
    }
    expect(asked('not_in', ['Ab'], 'aB', more)).toBe(false);
  });
});

describe('F6 attributes', () => {
  it('has its own, which a context cannot forge', () => {
    const forged = { organizationId: 'other', plan: 'enterprise', environment: 'development', targetingKey: 'root' };
    for (const [attribute, value] of [
      ['organizationId', 'acme'],
      ['plan', 'pro'],
      ['environment', 'production'],
      ['targetingKey', 'anna'],
    ] as const) {
      const condition: Condition = { attribute, operator: 'equals', values: [value] };
      expect(holds(condition, { attributes: forged, plan: 'pro', targetingKey: 'anna' }), attribute).toBe(true);
    }
  });

  it('takes the time of the evaluation for a currentTime that is not given', () => {
    const at = new Date(NOW).toISOString();
    const condition = (operator: Operator): Condition => ({ attribute: 'currentTime', operator, values: [at] });
    expect([NOW - 1, NOW, NOW + 1].map((now) => holds(condition('before'), { now }))).toEqual([true, false, false]);
    expect([NOW - 1, NOW, NOW + 1].map((now) => holds(condition('after'), { now }))).toEqual([false, false, true]);
    expect(holds(condition('after'), { attributes: { currentTime: '2030-01-01' } })).toBe(true);
    expect(holds(condition('equals'), {})).toBe(false);
  });

  it('says when the time changes a rule: before at its instant, after a millisecond later, in segments, too', () => {
    const time = (operator: Operator, ...values: string[]): Condition => ({
      attribute: 'currentTime',
      operator,
      values,
    });
    const environment = environmentOf(
      [
        { key: 'f', rules: [{ when: [time('before', '2026-01-02', '2026-01-01')], value: true }] },
        {
          key: 'g',
          rules: [
            { segments: ['late'], value: true },
            { when: [time('before', '2026-01-01')], value: true },
          ],
        },
      ],
      [{ key: 'late', when: [time('after', '2026-01-01')] }],
    );
    const first = Date.UTC(2026, 0, 1);
    expect(environment.timeThresholds).toEqual([first, first + 1, Date.UTC(2026, 0, 2)]);
  });

  it('a segment holds when all its conditions do, and one that is not there for nobody', () => {
    const segments = [{ key: 'both', when: [is('a', 1), is('b', 2)] }];
    const environment = environmentOf(
      [
        { key: 'f', rules: [{ when: [is('c', 3)], segments: ['both'], value: true }] },
        { key: 'g', rules: [{ segments: ['both', 'gone'], value: true }] },
      ],
      segments,
    );
    const value = (key: string, attributes: Record<string, unknown>): unknown =>
      evaluate(environment, key, subject({ attributes }))!.value;
    expect(value('f', { a: 1, b: 2, c: 3 })).toBe(true);
    expect(value('f', { a: 1, b: 2 })).toBe(false);
    expect(value('f', { a: 1, c: 3 })).toBe(false);
    expect(value('g', { a: 1, b: 2 })).toBe(false);
  });
});

describe('F7 hostile contexts', () => {
  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'polluted'])(
    'reads no %s but their own',
    (name) => {
      const condition: Condition = { attribute: name, operator: 'exists', values: [] };
      expect(holds(condition, { attributes: {} })).toBe(false);
      expect(holds(condition, { attributes: Object.create({ polluted: 1 }) as Record<string, unknown> })).toBe(false);
      expect(holds(condition, { attributes: JSON.parse(`{"${name}": 1}`) as Record<string, unknown> })).toBe(true);
    },
  );

  const odd = [
    undefined,
    null,
    NaN,
    -0,
    1e308,
    '',
    '\ud800',
    '\udc00x',
    '\0',
    'x'.repeat(100_000),
    `${'1'.repeat(100_000)}x`,
    [],
    [[[]]],
    {},
    { toString: 1, valueOf: 2 },
    Object.create(null),
    JSON.parse('{"__proto__": {"length": 5}}'),
    Array<string>(10_000).fill('a'),
  ];

  it('never throws, whatever the operator', () => {
    for (const operator of [...OPERATORS, ...INTERNAL_OPERATORS]) {
      for (const values of [[], ['a'], [5], ['2026-01-01'], ['1.0.0'], [true], ['\ud800']]) {
        for (const value of odd) expect(typeof asked(operator, values, value)).toBe('boolean');
      }
    }
  });

  it('never throws for any JSON', () => {
    const environment = environmentOf(
      OPERATORS.map((operator) => ({
        key: operator.replaceAll('_', '-'),
        rules: [
          { when: [{ attribute: 'a', operator, values: ['1'] }], rollout: { percentage: 50 } },
          { rollout: { percentage: 50, by: 'a' } },
        ],
      })),
    );
    fc.assert(
      fc.property(fc.jsonValue(), anyText, (a, targetingKey) => {
        for (const key of environment.keys) evaluate(environment, key, subject({ attributes: { a }, targetingKey }));
      }),
      { seed: 1 },
    );
  });
});

function is(attribute: string, value: Scalar): Condition {
  return { attribute, operator: 'equals', values: [value] };
}
