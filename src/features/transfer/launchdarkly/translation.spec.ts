import { describe, expect, it } from 'vitest';
import { compileFeature, compileSegments, evaluate, link, NO_OVERRIDES } from '../../evaluator/index.js';
import type { Configuration, Definition } from '../../evaluator/model.js';
import { toConditions } from './conditions.js';
import type {
  LaunchDarklyClause,
  LaunchDarklyDocument,
  LaunchDarklyEnvironment,
  LaunchDarklyFlag,
} from './document.js';
import { translateLaunchDarkly } from './translation.js';

const boolean = [{ value: true }, { value: false }];
const texts = [
  { value: 'Buy', name: 'Short' },
  { value: 'Buy now', name: 'Long' },
  { value: 'Go', name: 'Other' },
];
const documentOf = (
  environment: Partial<LaunchDarklyEnvironment>,
  flag: Partial<LaunchDarklyFlag> = {},
): LaunchDarklyDocument => ({
  items: [
    {
      key: 'flag',
      variations: boolean,
      environments: { production: { on: true, offVariation: 1, ...environment } },
      ...flag,
    },
  ],
});
const notesOf = (document: LaunchDarklyDocument): string[] =>
  translateLaunchDarkly(document).notCarriedOver.map(
    ({ path, why }) => `${path.replace('document.items.0.', '')}: ${why}`,
  );

/** What a flag becomes for somebody. */
function decide(document: LaunchDarklyDocument, targetingKey: string | undefined, attributes = {}, key = 'flag') {
  const { features, segments } = translateLaunchDarkly(document);
  const compiled = compileSegments(
    segments.map(({ entry }) => entry as never),
    'production',
  );
  const linked = link(
    features.map(({ entry }) => {
      const definition = { conflicts: [], plans: {}, ...entry.definition } as unknown as Definition;
      const configuration = entry.configurations.find(({ environment }) => environment === 'production');
      return compileFeature(definition, (configuration as unknown as Configuration) ?? null, compiled, 'production');
    }),
  );
  const organization = { id: '', plan: null, overrides: NO_OVERRIDES };
  return evaluate(linked, key, { targetingKey, attributes, organization, now: 0 });
}

const german: LaunchDarklyClause = { attribute: 'country', op: 'in', values: ['DE'] };
const people = Array.from({ length: 2_000 }, (_, at) => `person-${at}`);

describe('F15 flags of LaunchDarkly', () => {
  it('are asked in the same order: targets, rules, everybody else', () => {
    const document = documentOf({
      targets: [{ variation: 1, values: ['grace'] }],
      contextTargets: [{ variation: 1, values: [], contextKind: 'user' }],
      rules: [
        { description: 'No Germans', clauses: [german], variation: 1 },
        { clauses: [{ attribute: 'email', op: 'endsWith', values: ['@example.com'] }], variation: 0 },
      ],
      fallthrough: { variation: 1 },
    });
    expect(notesOf(document)).toEqual([]);
    const email = 'a@example.com';
    expect(decide(document, 'grace', { email })).toMatchObject({
      value: false,
      details: { rule: 'Individual targets' },
    });
    expect(decide(document, 'ada', { email, country: 'DE' })).toMatchObject({
      value: false,
      details: { rule: 'No Germans' },
    });
    expect(decide(document, 'ada', { email })).toMatchObject({ value: true, details: { rule: 'Rule 2' } });
    expect(decide(document, 'ada')).toMatchObject({ value: false, details: { rule: 'Everybody else' } });
  });

  it('a percentage of a rule gives the rest of its people false, and not to the next rule', () => {
    const rollout = {
      variations: [
        { variation: 0, weight: 30_000 },
        { variation: 1, weight: 70_000 },
      ],
    };
    const document = documentOf({ rules: [{ clauses: [german], rollout }], fallthrough: { variation: 0 } });
    const on = people.filter((person) => decide(document, person, { country: 'DE' })?.value).length;
    expect(on / people.length).toBeGreaterThan(0.25);
    expect(on / people.length).toBeLessThan(0.35);
    expect(decide(document, 'somebody')).toMatchObject({ value: true });
    expect(notesOf(document)).toEqual([
      expect.stringMatching(/^environments.production.rules.0: The percentage stays/),
    ]);
  });

  it('variations become variants, with the shares of the roll-out', () => {
    const rollout = {
      variations: [
        { variation: 0, weight: 20_000 },
        { variation: 1, weight: 80_000 },
      ],
    };
    const document = documentOf(
      { offVariation: 2, rules: [{ clauses: [german], variation: 1 }], fallthrough: { rollout } },
      { variations: texts, name: 'Button', tags: ['ui'], temporary: true, _maintainer: { email: 'ada@example.com' } },
    );
    expect(translateLaunchDarkly(document).features[0]!.entry.definition).toEqual({
      key: 'flag',
      name: 'Button',
      description: null,
      type: 'string',
      defaultValue: 'Go',
      variants: [
        { key: 'short', value: 'Buy', weight: 20 },
        { key: 'long', value: 'Buy now', weight: 80 },
        { key: 'other', value: 'Go', weight: 0 },
      ],
      dependencies: [],
      lifecycle: 'active',
      owner: 'ada@example.com',
      tags: ['ui', 'temporary'],
    });
    expect(decide(document, 'x', { country: 'DE' })).toMatchObject({ value: 'Buy now', variant: 'long' });
    const short = people.filter((person) => decide(document, person)?.value === 'Buy').length;
    expect(short / people.length).toBeGreaterThan(0.15);
    expect(short / people.length).toBeLessThan(0.25);
  });

  it('texts that hold JSON stay what they are, and give variants keys of their own', () => {
    const variantsOf = (variations: LaunchDarklyFlag['variations']) => {
      const [feature] = translateLaunchDarkly(documentOf({}, { variations })).features;
      const { type, variants } = feature!.entry.definition as {
        type: string;
        variants: { key: string; value: unknown }[];
      };
      return [type, variants.map(({ key, value }) => [key, value])];
    };
    expect(variantsOf([{ value: '"multi"' }, { value: '{"a":1}' }, { value: '' }])).toEqual([
      'string',
      [
        ['multi', '"multi"'],
        ['a-1', '{"a":1}'],
        ['variation-2', ''],
      ],
    ]);
    expect(variantsOf([{ value: { a: 1 } }, { value: 'multi' }, { value: null, name: '' }])).toEqual([
      'json',
      [
        ['variation-0', { a: 1 }],
        ['multi', 'multi'],
        ['variation-2', null],
      ],
    ]);
    // A name may be what another one would be called.
    const names = ['variation-1', 'Variation-1', 'variation-1'];
    expect(variantsOf(names.map((name, at) => ({ name, value: at })))).toEqual([
      'number',
      [
        ['variation-1', 0],
        ['variation-2', 1],
        ['variation-3', 2],
      ],
    ]);
  });

  it.each<[string, Partial<LaunchDarklyEnvironment>, string]>([
    [
      'a regular expression',
      { rules: [{ clauses: [{ attribute: 'x', op: 'matches', values: ['.'] }], variation: 1 }] },
      'rules.0.clauses.0: There is no operator like matches',
    ],
    [
      'an operator that is none',
      { rules: [{ clauses: [{ attribute: 'x', op: 'constructor', values: [] }], variation: 1 }] },
      'rules.0.clauses.0: There is no operator like constructor',
    ],
    [
      'something else than a person',
      { rules: [{ clauses: [{ ...german, contextKind: 'device' }], variation: 1 }] },
      'rules.0.clauses.0: A rule cannot ask "country" of a device',
    ],
    [
      'targets that are no people',
      { contextTargets: [{ variation: 1, values: ['a'], contextKind: 'device' }] },
      'contextTargets.0: A rule cannot ask',
    ],
    [
      'a segment that did not come',
      { rules: [{ clauses: [{ op: 'segmentMatch', values: ['beta'] }], variation: 1 }] },
      'rules.0.clauses.0: The segment "beta"',
    ],
    [
      'a variation that is not there',
      { rules: [{ clauses: [german], variation: 9 }] },
      'rules.0: It gives no variation',
    ],
    [
      'shares that are not whole',
      { fallthrough: { rollout: { variations: [{ variation: 0, weight: 1 }] } } },
      'fallthrough: Its shares',
    ],
    [
      'a parent that did not come',
      { prerequisites: [{ key: 'parent', variation: 0 }] },
      'prerequisites.0: "parent" is not in the document',
    ],
  ])('%s is listed, and the feature is off until somebody decides', (_, environment, expected) => {
    const document = documentOf({ fallthrough: { variation: 0 }, ...environment });
    expect(notesOf(document)).toEqual([expect.stringContaining(`environments.production.${expected}`)]);
    expect(decide(document, 'somebody', { x: 'a', country: 'DE' })).toMatchObject({
      value: false,
      reason: 'kill_switch',
    });
  });

  it('roll-outs of other shares than the first are listed', () => {
    const rollout = (weight: number) => ({
      variations: [
        { variation: 0, weight },
        { variation: 1, weight: 100_000 - weight },
      ],
    });
    const document = documentOf(
      { rules: [{ clauses: [german], rollout: rollout(10_000) }], fallthrough: { rollout: rollout(50_000) } },
      { variations: texts },
    );
    expect(notesOf(document)).toContainEqual(expect.stringContaining('fallthrough: A feature has one list of shares'));
  });

  it('parents that have to be true are needed, everywhere', () => {
    const document = documentOf({ prerequisites: [{ key: 'Parent', variation: 0 }], fallthrough: { variation: 0 } });
    document.items.push({
      key: 'Parent',
      variations: boolean,
      environments: { production: { on: false, offVariation: 1 } },
    });
    document.items[0]!.environments!.staging = { on: true, offVariation: 1 };
    expect(translateLaunchDarkly(document).features[0]!.entry.definition).toMatchObject({ dependencies: ['parent'] });
    expect(decide(document, 'x')).toMatchObject({ value: false, reason: 'dependency' });
    expect(notesOf(document)).toContainEqual(
      expect.stringContaining('environments: A feature needs others everywhere'),
    );
  });

  it('what it is while it is off is the default, and told where it is another', () => {
    expect(decide(documentOf({ on: false, fallthrough: { variation: 0 } }), 'x')).toMatchObject({ value: false });
    const document = documentOf({ on: false, offVariation: 0 });
    expect(notesOf(document)).toEqual(['environments.production.offVariation: Switched off it is false']);
  });
});

describe('F15 segments of LaunchDarkly', () => {
  const rule = { clauses: [{ op: 'segmentMatch', values: ['beta'] }], variation: 0 };
  const withSegments = (segments: LaunchDarklyDocument['segments']): LaunchDarklyDocument => ({
    ...documentOf({ rules: [rule], fallthrough: { variation: 1 } }),
    segments,
  });

  it('of one list hold for the same people', () => {
    const document = withSegments({
      production: [{ key: 'beta', name: 'Beta', rules: [{ clauses: [german] }], excluded: ['grace'] }],
    });
    expect(notesOf(document)).toEqual([]);
    expect(decide(document, 'ada', { country: 'DE' })?.value).toBe(true);
    expect(decide(document, 'grace', { country: 'DE' })?.value).toBe(false);
    expect(decide(document, undefined, { country: 'DE' })?.value).toBe(false);
    expect(decide(document, 'ada')?.value).toBe(false);
  });

  it('are one where they are the same in each environment, else one for each', () => {
    const same = withSegments({
      production: [{ key: 'beta', included: ['a'] }],
      staging: [{ key: 'beta', included: ['a'] }],
    });
    expect(translateLaunchDarkly(same).segments.map(({ entry }) => entry)).toMatchObject([{ key: 'beta' }]);
    const other = withSegments({
      production: [{ key: 'beta', included: ['a'] }],
      staging: [{ key: 'beta', included: ['b'] }],
    });
    expect(translateLaunchDarkly(other).segments.map(({ entry }) => entry)).toMatchObject([
      { key: 'beta.production' },
      { key: 'beta.staging' },
    ]);
    expect(decide(other, 'a')?.value).toBe(true);
    expect(decide(other, 'b')?.value).toBe(false);
  });

  it.each([
    ['several lists', { key: 'beta', included: ['a'], rules: [{ clauses: [german] }] }],
    ['a percentage', { key: 'beta', rules: [{ clauses: [german], weight: 50_000 }] }],
    ['nothing', { key: 'beta' }],
    ['people kept elsewhere', { key: 'beta', unbounded: true }],
    ['other things than people', { key: 'beta', includedContexts: [{}] }],
  ])('of %s are listed, and the feature is off', (_, segment) => {
    const document = withSegments({ production: [segment] });
    expect(notesOf(document)).toHaveLength(2);
    expect(decide(document, 'a', { country: 'DE' })?.value).toBe(false);
  });
});

describe('F15 clauses of LaunchDarkly', () => {
  const conditionsOf = (clause: LaunchDarklyClause) => toConditions([clause], () => undefined);
  it.each<[LaunchDarklyClause, object[]]>([
    [{ attribute: 'key', op: 'in', values: ['a'] }, [{ attribute: 'targetingKey', operator: 'in', values: ['a'] }]],
    [
      { ...german, negate: true },
      [
        { attribute: 'country', operator: 'exists', values: [] },
        { attribute: 'country', operator: 'not_in', values: ['DE'] },
      ],
    ],
    [
      { attribute: 'at', op: 'before', values: [0] },
      [{ attribute: 'at', operator: 'before', values: ['1970-01-01T00:00:00.000Z'] }],
    ],
    [
      { attribute: 'v', op: 'semVerGreaterThan', values: ['1.2.3'] },
      [{ attribute: 'v', operator: 'semver_greater_than', values: ['1.2.3'] }],
    ],
    [
      { attribute: 'age', op: 'greaterThanOrEqual', values: [18] },
      [{ attribute: 'age', operator: 'greater_or_equal', values: [18] }],
    ],
  ])('%j', (clause, when) => {
    expect(conditionsOf(clause)).toEqual({ when, segments: [] });
  });

  it.each<[LaunchDarklyClause, string]>([
    [{ attribute: '/address/city', op: 'in', values: ['a'] }, 'cannot ask "/address/city"'],
    [{ attribute: 'kind', op: 'in', values: ['user'] }, 'cannot ask "kind"'],
    [{ attribute: 'x', op: 'contains', values: ['a'], negate: true }, 'no opposite of contains'],
    [{ attribute: 'age', op: 'lessThan', values: ['few'] }, 'takes numbers'],
    [{ attribute: 'x', op: 'in', values: [{ a: 1 }] }, 'takes texts'],
    [{ op: 'segmentMatch', values: ['a', 'b'] }, 'in all of its segments'],
    [{ op: 'segmentMatch', values: ['a'], negate: true }, 'in none'],
  ])('%j has no counterpart', (clause, why) => {
    expect(conditionsOf(clause)).toEqual({ why: expect.stringContaining(why), at: 0 });
  });
});
