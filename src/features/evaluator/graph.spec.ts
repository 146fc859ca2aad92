import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Asked, environmentOf, type Given, gives, subject } from '../../../test/harness/evaluator.js';
import { evaluate, evaluateAll } from './evaluate.js';

const on = (key: string, more: Partial<Given> = {}): Given => ({ key, rules: gives(true), ...more });

function decide(given: Given[], key: string, asked: Asked = {}): object {
  const { value, reason, details } = evaluate(environmentOf(given), key, subject(asked))!;
  return { value, reason, details };
}
const dependency = (details: object): object => ({ value: false, reason: 'dependency', details });

describe('F2 dependencies', () => {
  it('a parent that is off, not there, or off itself for want of a parent', () => {
    const features = [
      on('a', { enabled: false }),
      on('b', { dependencies: ['a'] }),
      on('c', { dependencies: ['b'] }),
      on('d', { dependencies: ['gone'] }),
    ];
    expect(decide(features, 'b')).toEqual(dependency({ parent: 'a', parentReason: 'kill_switch' }));
    expect(decide(features, 'c')).toEqual(dependency({ parent: 'b', parentReason: 'dependency', path: ['b', 'a'] }));
    expect(decide(features, 'd')).toEqual(dependency({ parent: 'gone', parentReason: null }));
  });

  it('a parent of another type is on when its value is not its default', () => {
    const parent = (value: number[]): Given => ({ key: 'a', type: 'json', defaultValue: [1], rules: gives(value) });
    expect(decide([parent([1]), on('b', { dependencies: ['a'] })], 'b')).toMatchObject({ reason: 'dependency' });
    expect(decide([parent([2]), on('b', { dependencies: ['a'] })], 'b')).toMatchObject({ value: true });
  });

  it('are asked for the same subject', () => {
    const features = [
      { key: 'a', rules: [{ when: [{ attribute: 'team', operator: 'in' as const, values: ['red'] }], value: true }] },
      on('b', { dependencies: ['a'] }),
    ];
    expect(decide(features, 'b', { attributes: { team: 'red' } })).toMatchObject({ value: true });
    expect(decide(features, 'b', { attributes: { team: 'blue' } })).toMatchObject({ value: false });
  });

  it('10,000 deep, of which the path tells the beginning and the end', () => {
    const chain = Array.from({ length: 10_000 }, (_, index) =>
      on(`f${index}`, { dependencies: index > 0 ? [`f${index - 1}`] : [], enabled: true }),
    );
    expect(decide(chain, 'f9999')).toMatchObject({ value: true });
    const broken = evaluateAll(environmentOf([{ ...chain[0]!, enabled: false }, ...chain.slice(1)]), subject());
    expect(broken.every(({ value }) => value === false)).toBe(true);
    const details = broken.at(-1)!.details as { path: string[] };
    expect(details.path).toHaveLength(20);
    expect([details.path[0], details.path[18], details.path[19]]).toEqual(['f9998', 'f9980', 'f0']);
  });
});

describe('F2 case 32: a cycle that was forced into the table', () => {
  it('case 32: its features are off and name it, what hangs on them is off, everything else answers', () => {
    const features = [
      on('a', { dependencies: ['c'] }),
      on('b', { dependencies: ['a'] }),
      on('c', { dependencies: ['b'] }),
      on('child', { dependencies: ['a'] }),
      on('self', { dependencies: ['self'] }),
      on('parent'),
      on('other', { dependencies: ['parent'] }),
    ];
    expect(decide(features, 'a')).toEqual(dependency({ cycle: ['a', 'c', 'b'] }));
    expect(decide(features, 'b')).toEqual(dependency({ cycle: ['b', 'a', 'c'] }));
    expect(decide(features, 'self')).toEqual(dependency({ cycle: ['self'] }));
    expect(decide(features, 'child')).toEqual(dependency({ parent: 'a', parentReason: 'dependency' }));
    expect(decide(features, 'other')).toMatchObject({ value: true });
  });

  it('case 32: kill switch and plan are named before it', () => {
    const ring = [
      on('a', { dependencies: ['b'], plans: { free: false } }),
      on('b', { dependencies: ['a'], enabled: false }),
    ];
    expect(decide(ring, 'b')).toMatchObject({ reason: 'kill_switch' });
    expect(decide(ring, 'a', { plan: 'free' })).toMatchObject({ reason: 'entitlement' });
  });

  it('case 32: 10,000 long, and two through one feature', () => {
    const ring = Array.from({ length: 10_000 }, (_, index) =>
      on(`f${index}`, { dependencies: [`f${(index + 1) % 10_000}`] }),
    );
    const all = evaluateAll(environmentOf([...ring, on('other')]), subject());
    expect(all.filter(({ value }) => value === true)).toHaveLength(1);
    expect(all.every(({ details }) => ((details.cycle as string[] | undefined) ?? []).length <= 20)).toBe(true);
    const eight = [
      on('a', { dependencies: ['b', 'x'] }),
      on('b', { dependencies: ['a'] }),
      on('x', { dependencies: ['a'] }),
    ];
    expect(decide(eight, 'x')).toEqual(dependency({ cycle: ['x', 'a'] }));
  });
});

describe('F3 conflicts', () => {
  const conflict = (key: string): object => ({ value: false, reason: 'conflict', details: { with: key } });

  it('two that would both be on are both off, whichever of them names the other', () => {
    for (const features of [
      [on('a', { conflicts: ['b'] }), on('b')],
      [on('a'), on('b', { conflicts: ['a'] })],
    ]) {
      expect(decide(features, 'a')).toEqual(conflict('b'));
      expect(decide(features, 'b')).toEqual(conflict('a'));
    }
  });

  it('one that is off anyway disturbs nobody', () => {
    expect(decide([on('a', { conflicts: ['b'] }), { key: 'b' }], 'a')).toMatchObject({ value: true });
    expect(decide([on('a', { conflicts: ['b'] }), on('b', { enabled: false })], 'a')).toMatchObject({ value: true });
    const waits = [on('a', { conflicts: ['b'] }), on('b', { dependencies: ['c'] }), { key: 'c' }];
    expect(decide(waits, 'a')).toMatchObject({ value: true });
    expect(decide([on('a', { conflicts: ['a', 'gone'] })], 'a')).toMatchObject({ value: true });
  });

  it('three in a row are all off: the outer ones do not come back because the middle one went', () => {
    const features = [on('a', { conflicts: ['b'] }), on('b', { conflicts: ['c'] }), on('c')];
    expect(decide(features, 'a')).toEqual(conflict('b'));
    expect(decide(features, 'b')).toEqual(conflict('a'));
    expect(decide(features, 'c')).toEqual(conflict('b'));
  });

  it('what depends on one of them is off by dependency', () => {
    const features = [on('a', { conflicts: ['b'] }), on('b'), on('c', { dependencies: ['a'] })];
    expect(decide(features, 'c')).toEqual(dependency({ parent: 'a', parentReason: 'conflict' }));
  });
});

/** Up to twelve features, each on or off by itself, with edges anywhere: cycles are likely. */
const anyGraph = fc.integer({ min: 1, max: 12 }).chain((size) => {
  const keys = Array.from({ length: size }, (_, index) => `f${index}`);
  const some = fc.uniqueArray(fc.constantFrom(...keys), { maxLength: 3 });
  return fc
    .array(fc.record({ isOn: fc.boolean(), enabled: fc.boolean(), dependencies: some, conflicts: some }), {
      minLength: size,
      maxLength: size,
    })
    .map((list) => list.map(({ isOn, ...more }, index): Given => ({ key: keys[index]!, rules: gives(isOn), ...more })));
});
/** Edges only to what comes before: none. */
const acyclic = anyGraph.map((features) =>
  features.map(({ dependencies = [], ...feature }, index) => ({
    ...feature,
    dependencies: dependencies.filter((key) => Number((key as string).slice(1)) < index) as string[],
  })),
);
const numRuns = 500;

describe('F2 F3 any graph', () => {
  it('ends, says the same for one as for all, and the order of the input changes nothing', () => {
    fc.assert(
      fc.property(anyGraph, (features) => {
        const environment = environmentOf(features);
        const all = evaluateAll(environment, subject());
        expect(environment.keys.map((key) => evaluate(environment, key, subject()))).toEqual(all);
        const turned = features.toReversed().map((feature) => ({
          ...feature,
          dependencies: feature.dependencies?.toReversed(),
          conflicts: feature.conflicts?.toReversed(),
        }));
        expect(evaluateAll(environmentOf(turned), subject())).toEqual(all);
      }),
      { seed: 32, numRuns },
    );
  });

  it('without cycles: what is on has its parents on and nothing in conflict on; each reason is true', () => {
    fc.assert(
      fc.property(acyclic, (features) => {
        const environment = environmentOf(features);
        const all = evaluateAll(environment, subject());
        const decisionOf = (key: string): (typeof all)[number] => all[environment.indexOf.get(key)!]!;
        const inConflict = (a: Given, b: Given): boolean =>
          a !== b && (!!a.conflicts?.includes(b.key) || !!b.conflicts?.includes(a.key));
        for (const feature of features) {
          const { value, reason, details } = decisionOf(feature.key);
          const parentsOn = feature.dependencies.every((key) => decisionOf(key).value === true);
          const rivals = features.filter((other) => inConflict(feature, other)).map(({ key }) => key);
          if (value === true) {
            expect(parentsOn).toBe(true);
            expect(rivals.filter((key) => decisionOf(key).value === true)).toEqual([]);
          }
          expect(reason === 'kill_switch').toBe(feature.enabled === false);
          if (feature.enabled) expect(reason === 'dependency').toBe(!parentsOn);
          if (reason === 'conflict') expect(rivals).toContain(details.with);
          expect(details.cycle).toBeUndefined();
        }
      }),
      { seed: 2, numRuns },
    );
  });
});
