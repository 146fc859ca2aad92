import { describe, expect, it } from 'vitest';
import { compileFeature, compileSegments, type Decision, evaluate, link, NO_OVERRIDES } from '../../evaluator/index.js';
import type { Configuration, Definition } from '../../evaluator/model.js';
import { translate } from '../../unleash/translate.js';
import type { UnleashState } from '../../unleash/model.js';
import type { UnleashDocument, UnleashFlagConstraint, UnleashFlagStrategy } from './document.js';
import { toConditions } from './conditions.js';
import { translateUnleash } from './translation.js';

const people = Array.from({ length: 2_000 }, (_, at) => `person-${at}`);
const subject = (person: string, attributes: Record<string, unknown> = {}) => ({
  targetingKey: person,
  attributes,
  organization: { id: '', plan: null, overrides: NO_OVERRIDES },
  now: Date.UTC(2026, 10, 25),
});
type Ask = (person: string, attributes?: Record<string, unknown>) => Decision | undefined;

/** What we make of a document, evaluated. */
function ours(document: UnleashDocument, key: string, environment = 'production'): Ask {
  const { features, segments } = translateUnleash(document);
  const compiled = compileSegments(
    segments.map(({ entry }) => entry as never),
    environment,
  );
  const linked = link(
    features.map(({ entry }) => {
      const definition = { conflicts: [], plans: {}, ...entry.definition } as unknown as Definition;
      const configuration = entry.configurations.find((one) => one.environment === environment);
      return compileFeature(definition, (configuration as unknown as Configuration) ?? null, compiled, environment);
    }),
  );
  return (person, attributes) => evaluate(linked, key, subject(person, attributes));
}

/** What a client of Unleash makes of the same, as its specification has it. */
function theirs(state: UnleashState, key: string): Ask {
  const { features, segments } = translate(state);
  const compiled = compileSegments(segments, '');
  const linked = link(
    features.map(({ definition, configuration }) => compileFeature(definition, configuration, compiled, '')),
  );
  return (person, attributes) => evaluate(linked, key, subject(person, { userId: person, ...attributes }));
}

const environment = (featureName: string, more: object = {}) => ({
  featureName,
  environment: 'production',
  enabled: true,
  ...more,
});
const flag = (
  strategies: Omit<UnleashFlagStrategy, 'featureName'>[],
  more: Partial<UnleashDocument> = {},
): UnleashDocument => ({
  features: [{ name: 'flag' }],
  featureStrategies: strategies.map((one) => ({ featureName: 'flag', ...one })),
  featureEnvironments: [environment('flag')],
  ...more,
});
const variants = [
  { name: 'red', weight: 333, stickiness: 'default' },
  { name: 'blue', weight: 667, stickiness: 'default' },
];
const gradual = (rollout: number, more: object = {}) => ({
  name: 'flexibleRollout',
  parameters: { rollout: `${rollout}`, stickiness: 'default', groupId: 'flag', ...more },
});
const notesOf = (document: UnleashDocument): string[] =>
  translateUnleash(document).notCarriedOver.map(({ path, why }) => `${path}: ${why}`);

describe('F15 flags of Unleash', () => {
  const strategies: [string, Omit<UnleashFlagStrategy, 'featureName'>[], Record<string, unknown>?][] = [
    ['everybody', [{ name: 'default' }]],
    ['none at all', []],
    ['a third', [gradual(33)]],
    ['a third of another group', [gradual(33, { groupId: 'other' })]],
    ['by an attribute', [gradual(50, { stickiness: 'company' })], { company: 'acme' }],
    ['named people', [{ name: 'userWithId', parameters: { userIds: 'person-1, person-7' } }]],
    ['an older gradual roll-out', [{ name: 'gradualRolloutUserId', parameters: { percentage: '20', groupId: 'x' } }]],
    ['two strategies', [{ name: 'userWithId', parameters: { userIds: 'person-3' } }, gradual(10)]],
    [
      'with a constraint',
      [{ ...gradual(80), constraints: [{ contextName: 'country', operator: 'IN', values: ['DE'] }] }],
      { country: 'DE' },
    ],
    [
      'with one that nobody meets',
      [{ ...gradual(80), constraints: [{ contextName: 'country', operator: 'NOT_IN', values: ['DE'] }] }],
      { country: 'DE' },
    ],
    ['with variants of its own', [{ ...gradual(60), variants }]],
  ];
  it.each(strategies)('%s: everybody keeps what they have', (_, given, attributes) => {
    const ask = ours(flag(given), 'flag');
    const was = theirs({ features: [{ name: 'flag', enabled: true, strategies: given as never }] }, 'flag');
    const answers = people.map((person) => [ask(person, attributes), was(person, attributes)]);
    for (const [is, before] of answers) expect([is?.value, is?.variant]).toEqual([before?.value, before?.variant]);
    expect(notesOf(flag(given))).toEqual([]);
  });

  it('variants of the flag stay whose they are', () => {
    const document = flag([gradual(50)], { featureEnvironments: [environment('flag', { variants })] });
    const [ask, was] = [
      ours(document, 'flag'),
      theirs({ features: [{ name: 'flag', enabled: true, strategies: [gradual(50)], variants }] }, 'flag'),
    ];
    for (const person of people) expect(ask(person)?.variant).toEqual(was(person)?.variant);
    expect(notesOf(document)).toEqual([]);
    const otherwise = flag([gradual(50, { groupId: 'other' })], {
      featureEnvironments: [environment('flag', { variants })],
    });
    expect(notesOf(otherwise)).toEqual([expect.stringMatching(/^document.featureStrategies.0: .*another one$/)]);
  });

  it('a name that is no key is told, and hashed as it was', () => {
    const document: UnleashDocument = {
      features: [{ name: 'NewSearch' }, { name: 'newsearch' }, { name: '###' }],
      featureStrategies: [{ featureName: 'NewSearch', name: 'flexibleRollout', parameters: { rollout: '50' } }],
      featureEnvironments: [environment('NewSearch')],
    };
    const was = theirs(
      {
        features: [
          {
            name: 'NewSearch',
            enabled: true,
            strategies: [{ name: 'flexibleRollout', parameters: { rollout: '50' } }],
          },
        ],
      },
      'NewSearch',
    );
    const ask = ours(document, 'newsearch');
    for (const person of people) expect(ask(person)?.value).toEqual(was(person)?.value);
    expect(notesOf(document)).toEqual([
      'document.features.0.name: Its key here is "newsearch"',
      expect.stringMatching(/^document.features.1.name: Another feature has the key/),
      expect.stringMatching(/^document.features.2.name: Nothing of its name/),
    ]);
  });

  it.each([
    ['a strategy of its own', { name: 'byRegion' }, '', 'strategy of your own'],
    ['one that is disabled', { name: 'default', disabled: true }, '', 'disabled there'],
    ['ranges of addresses', { name: 'remoteAddress', parameters: { IPs: '10.0.0.0/8' } }, '', 'ranges'],
    ['a segment that is not there', { name: 'default', segments: [7] }, '.segments.0', 'did not come along'],
    [
      'a regular expression',
      { name: 'default', constraints: [{ contextName: 'x', operator: 'REGEX', value: '.' }] },
      '.constraints.0',
      'no operator like REGEX',
    ],
    [
      'an unknown operator',
      { name: 'default', constraints: [{ contextName: 'x', operator: 'constructor' }] },
      '.constraints.0',
      'no operator like constructor',
    ],
    [
      'an opposite',
      { name: 'default', constraints: [{ contextName: 'x', operator: 'NUM_GT', value: '1', inverted: true }] },
      '.constraints.0',
      'no opposite',
    ],
    [
      'any case',
      {
        name: 'default',
        constraints: [{ contextName: 'x', operator: 'STR_CONTAINS', values: ['a'], caseInsensitive: true }],
      },
      '.constraints.0',
      'with their case',
    ],
    [
      'a number that is none',
      { name: 'default', constraints: [{ contextName: 'x', operator: 'NUM_LT', value: 'few' }] },
      '.constraints.0',
      'takes numbers',
    ],
  ])('%s is listed, and gives nobody the feature', (_, strategy, at, why) => {
    const document = flag([strategy as never]);
    expect(notesOf(document)).toEqual([expect.stringContaining(`document.featureStrategies.0${at}: `)]);
    expect(notesOf(document)[0]).toContain(why);
    const ask = ours(document, 'flag');
    expect(people.slice(0, 50).some((person) => ask(person, { x: 'a', remoteAddress: '10.1.1.1' })?.value)).toBe(false);
  });

  it('lists payloads, overrides and weights that do not fit', () => {
    const rich = [
      {
        ...variants[0]!,
        payload: { type: 'json', value: '{}' },
        overrides: [{ contextName: 'userId', values: ['a'] }],
      },
      variants[1]!,
    ];
    expect(notesOf(flag([{ ...gradual(50), variants: rich }]))).toEqual([
      expect.stringContaining('variants.0.payload'),
      expect.stringContaining('variants.0.overrides'),
    ]);
    const light = flag([{ ...gradual(50), variants: [variants[0]!] }]);
    expect(notesOf(light)).toEqual([expect.stringContaining('weights are 333')]);
    expect(translateUnleash(light).features[0]!.entry.definition).toMatchObject({ variants: null });
  });

  it('reads the older export: environments and segments of strategies, constraints of segments', () => {
    const document = flag([], {
      featureStrategies: [
        { id: 's1', featureName: 'flag', strategyName: 'default', environment: 'production' },
        {
          id: 's2',
          featureName: 'flag',
          strategyName: 'userWithId',
          environment: 'staging',
          parameters: { userIds: 'person-1' },
        },
      ],
      featureEnvironments: [environment('flag'), environment('flag', { environment: 'staging' })],
      featureStrategySegments: [{ featureStrategyId: 's1', segmentId: 3 }],
      segments: [
        { id: 3, name: 'Beta users', constraints: [{ contextName: 'beta', operator: 'IN', values: ['true'] }] },
      ],
    });
    const ask = ours(document, 'flag');
    expect([ask('person-1')?.value, ask('person-1', { beta: 'true' })?.value]).toEqual([false, true]);
    const staged = ours(document, 'flag', 'staging');
    expect([staged('person-1')?.value, staged('person-2')?.value]).toEqual([true, false]);
    expect(translateUnleash(document).environments).toEqual(['production', 'staging']);
  });

  it('parents have to be on; where they have to be off the feature waits for somebody to decide', () => {
    const document: UnleashDocument = {
      features: [{ name: 'parent' }, { name: 'child' }, { name: 'other' }],
      featureEnvironments: ['parent', 'child', 'other'].map((name) => environment(name)),
      dependencies: [
        { feature: 'child', dependencies: [{ feature: 'parent' }] },
        { feature: 'other', dependencies: [{ feature: 'parent', enabled: false }] },
      ],
    };
    const features = translateUnleash(document).features.map(({ entry }) => entry);
    expect(features[1]!.definition).toMatchObject({ dependencies: ['parent'] });
    expect(features[2]).toMatchObject({ definition: { dependencies: [] }, configurations: [{ enabled: false }] });
    expect(notesOf(document)).toEqual([expect.stringContaining('document.dependencies.1.dependencies.0')]);
  });

  it('what says nothing to us is counted, and the rest of a flag comes along', () => {
    const document: UnleashDocument = {
      features: [{ name: 'flag', description: 'What', project: 'shop', stale: true }],
      featureTags: [
        { featureName: 'flag', tagType: 'simple', tagValue: 'beta' },
        { featureName: 'flag', tagType: 'team', tagValue: 'a b' },
      ],
      contextFields: [{}, {}],
    };
    expect(translateUnleash(document).features[0]!.entry.definition).toMatchObject({
      description: 'What',
      category: 'shop',
      lifecycle: 'deprecated',
      tags: ['beta'],
    });
    expect(notesOf(document)).toHaveLength(2);
  });
});

describe('F15 constraints of Unleash', () => {
  const constraint = (operator: string, more: Partial<UnleashFlagConstraint> = {}): UnleashFlagConstraint => ({
    contextName: 'x',
    operator,
    ...more,
  });
  it.each([
    [constraint('IN', { values: ['a'], inverted: true }), [{ attribute: 'x', operator: 'not_in', values: ['a'] }]],
    [constraint('NOT_IN', { values: ['a'], inverted: true }), [{ attribute: 'x', operator: 'in', values: ['a'] }]],
    [constraint('NOT_IN', { values: [] }), []],
    [
      constraint('NUM_EQ', { value: '5' }),
      [
        { attribute: 'x', operator: 'greater_or_equal', values: [5] },
        { attribute: 'x', operator: 'less_or_equal', values: [5] },
      ],
    ],
    [
      constraint('DATE_AFTER', { contextName: 'currentTime', value: '2026-01-01T00:00:00.000Z' }),
      [{ attribute: 'currentTime', operator: 'after', values: ['2026-01-01T00:00:00.000Z'] }],
    ],
    [
      constraint('SEMVER_LT', { value: '2.0.0' }),
      [{ attribute: 'x', operator: 'semver_less_than', values: ['2.0.0'] }],
    ],
    [
      constraint('STR_ENDS_WITH', { contextName: 'userId', values: ['@a.b'] }),
      [{ attribute: 'targetingKey', operator: 'ends_with', values: ['@a.b'] }],
    ],
  ])('%j', (given, expected) => {
    expect(toConditions(given)).toEqual(expected);
  });
});
